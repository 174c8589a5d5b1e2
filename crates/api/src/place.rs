//! How far a reader of changes has got.

use consensus::{ClusterId, Index};
use std::fmt;
use std::str::FromStr;

/// How far a watcher has got: after which entry, and in which cluster. Written `23`, or `23@` with the
/// cluster's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// All changes up to this entry were reported.
    pub index: Index,
    /// The cluster that reported them, if known.
    pub cluster: Option<ClusterId>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index)?;
        self.cluster.map_or(Ok(()), |cluster| write!(f, "@{cluster}"))
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Place, InvalidPlace> {
        let (index, cluster) = match text.split_once('@') {
            Some((index, cluster)) => (index, Some(cluster)),
            None => (text, None),
        };
        let index = index.parse().map(Index).map_err(|_| InvalidPlace)?;
        let cluster = cluster.map(str::parse).transpose().map_err(|_| InvalidPlace)?;
        Ok(Place { index, cluster })
    }
}

/// This is not a place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is the index of an entry, such as 23, or 23@ and the cluster's id")]
pub struct InvalidPlace;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_as_they_were() {
        for cluster in [None, Some(ClusterId(7))] {
            let place = Place { index: Index(23), cluster };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "x", "@", "1@", "1@7", "-1"] {
            assert_eq!(text.parse::<Place>(), Err(InvalidPlace), "{text}");
        }
    }
}
