//! What the records say about the links between servers, and about the servers' clocks.

use crate::record::{Laboratory, Link};
use serde::{Deserialize, Serialize};

/// The faults of links, and the speed of clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct NetworkView {
    /// Speed of the servers' clocks, in millionths of real time; `None` if it was never changed.
    speed_millionths: Option<u64>,
    /// All links with a fault, in no particular order.
    faulty_links: Vec<FaultyLink>,
}

/// A link with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FaultyLink {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
    /// Its faults.
    #[serde(flatten)]
    pub faults: Faults,
}

/// What happens to the messages on a link. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Faults {
    /// Are all of them lost?
    pub cut: bool,
    /// Percentage of messages that are lost, at random.
    pub loss_percent: u8,
    /// Delay of messages, in microseconds of the receiver's own time.
    pub delay_us: u64,
}

impl NetworkView {
    /// The faults of a link.
    pub fn faults(&self, link: Link) -> Faults {
        self.faulty_links
            .iter()
            .find(|faulty| faulty.link == link)
            .map(|faulty| faulty.faults)
            .unwrap_or_default()
    }

    /// All links with a fault.
    pub fn faulty_links(&self) -> impl Iterator<Item = FaultyLink> {
        self.faulty_links.iter().copied()
    }

    pub(super) fn apply(&mut self, laboratory: &Laboratory) {
        match laboratory {
            Laboratory::Speed { millionths } => self.speed_millionths = Some(*millionths),
            Laboratory::LinksCut { links } => self.change(links, |faults| faults.cut = true),
            Laboratory::LinksMended { links } => self.change(links, |faults| faults.cut = false),
            Laboratory::LinksDelayed { links, delay_us } => {
                self.change(links, |faults| faults.delay_us = *delay_us);
            }
            Laboratory::LinksLossy { links, percent } => {
                self.change(links, |faults| faults.loss_percent = *percent);
            }
            Laboratory::LinksHealed => self.faulty_links.clear(),
            _ => {}
        }
    }

    fn change(&mut self, links: &[Link], change: impl Fn(&mut Faults)) {
        for &link in links {
            let mut faults = self.faults(link);
            change(&mut faults);
            self.faulty_links.retain(|faulty| faulty.link != link);
            if faults != Faults::default() {
                self.faulty_links.push(FaultyLink { link, faults });
            }
        }
    }
}
