//! The words of Raft as the page explains them. It contains them, because it may have no server.

use serde::Serialize;
use trace::glossary::GLOSSARY;

/// Some words that are explained together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ts_rs::TS)]
pub struct DefinitionTold {
    /// The words, the most important one first.
    pub words: &'static [&'static str],
    /// What they mean, in a sentence or two without a full stop at the end.
    pub meaning: &'static str,
}

impl DefinitionTold {
    /// All of them.
    pub fn all() -> Vec<DefinitionTold> {
        let all = GLOSSARY.iter();
        all.map(|definition| DefinitionTold { words: &definition.words, meaning: definition.meaning })
            .collect()
    }
}
