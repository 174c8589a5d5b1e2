//! The simulator: its scenarios, its search, and its headlines.

mod beginnings;
mod episodes;
mod scenarios;
mod search;
