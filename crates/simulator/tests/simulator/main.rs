//! The simulator: its scenarios, its search, its headlines, and its checker of linearizability.

mod beginnings;
mod episodes;
mod linearizability;
mod scenarios;
mod search;
