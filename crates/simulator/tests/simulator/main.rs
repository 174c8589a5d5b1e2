//! The simulator: its scenarios, its search, and its headlines.

mod applications;
mod beginnings;
mod episodes;
mod recordings;
mod scenarios;
mod search;
