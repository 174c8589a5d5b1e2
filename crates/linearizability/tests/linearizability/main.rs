//! The checker of linearizability.

mod bad;
mod bound;
mod docs;
mod draw;
mod files;
mod good;
mod notation;
mod oracle;
mod random;
mod versions;
