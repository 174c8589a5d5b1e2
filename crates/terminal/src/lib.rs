//! A live view of a Raft cluster in the terminal.
