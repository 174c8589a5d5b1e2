//! The file that counts a server's lives.

use crate::text_file::{TextFile, field};

/// How often a server has opened its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lives(pub(crate) u64);

impl TextFile for Lives {
    const FILE: &'static str = "lives";

    fn lines(&self) -> String {
        format!("lives {}\n", self.0)
    }

    fn parse(lines: &str) -> Option<Lives> {
        Some(Lives(field(&mut lines.lines(), "lives")?.parse().ok()?))
    }
}
