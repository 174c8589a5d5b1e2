//! The names of our headers, whose values are numbers.

/// In a response: the version of the key.
pub const VERSION: &str = "raft-version";

/// In a request that may arrive twice, and must be executed once: its session.
pub const SESSION: &str = "raft-session";

/// In the same request: its number within the session.
pub const SEQUENCE: &str = "raft-sequence";
