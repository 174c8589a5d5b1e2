//! The `raft` command as its users know it: real processes, a terminal, HTTP, files. One program, since
//! linking takes longer than compiling these tests: `cargo test --test raft elections::` runs one file of it.

mod common;
mod documents;
mod elections;
mod faults;
mod foreign_pages;
mod foreign_text;
mod identity;
mod lab;
mod learn;
mod links;
mod log;
mod log_view;
mod maelstrom;
mod membership;
mod namespaces;
mod nodes;
mod other_users;
mod page;
mod practice;
mod recordings;
mod search;
mod signals;
mod snapshots;
mod store;
mod strangers;
mod terminal;
mod torture;
mod unread;
mod upgrade;
mod usage;
mod why;
mod words;
