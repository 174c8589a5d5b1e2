//! Faults of the links between servers. Each server is told what happens to the messages that it receives;
//! the current faults are in the view, since each change is an event.

use super::Cluster;
use crate::Links;
use consensus::{NodeId, Timing};
use server::Command;
use trace::{Event, Faults, FaultyLink, Laboratory, Link};

impl Cluster {
    pub(super) fn cut(&mut self, links: &Links) -> Result<String, String> {
        let links = self.links(links)?;
        Ok(self.change_links(Laboratory::LinksCut { links: links.clone() }, links))
    }

    pub(super) fn mend(&mut self, links: &Links) -> Result<String, String> {
        let links = self.links(links)?;
        Ok(self.change_links(Laboratory::LinksMended { links: links.clone() }, links))
    }

    pub(super) fn delay(&mut self, links: &Links, delay_us: u64) -> Result<String, String> {
        let links = self.links(links)?;
        if u128::from(delay_us) > Timing::LONGEST.as_micros() {
            return Err("a message can't be held longer than a day".to_owned());
        }
        Ok(self.change_links(Laboratory::LinksDelayed { links: links.clone(), delay_us }, links))
    }

    pub(super) fn lose(&mut self, links: &Links, percent: u8) -> Result<String, String> {
        let links = self.links(links)?;
        if percent > 100 {
            return Err(format!("{percent} % of the messages can't be lost: choose 0 to 100"));
        }
        Ok(self.change_links(Laboratory::LinksLossy { links: links.clone(), percent }, links))
    }

    pub(super) fn heal(&mut self) -> String {
        let links = self.view.network().faulty_links().map(|faulty| faulty.link).collect();
        self.change_links(Laboratory::LinksHealed, links)
    }

    /// The faulty links to a server, as it is told when it starts.
    pub(super) fn faulty_links_to(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Faults)> {
        let faulty_links = self.view.network().faulty_links();
        faulty_links
            .filter(move |faulty| faulty.link.to == id)
            .map(|FaultyLink { link, faults }| (link.from, faults))
    }

    fn links(&self, links: &Links) -> Result<Vec<Link>, String> {
        links.among(&self.options.servers)
    }

    /// Records the change, and tells the servers at the end of these links.
    fn change_links(&mut self, change: Laboratory, links: Vec<Link>) -> String {
        let place = links.first().map_or(self.options.servers[0], |link| link.from);
        let told = trace::english::laboratory(&change);
        self.report_of(place, Event::Laboratory(change));
        for Link { from, to } in links {
            let faults = self.view.network().faults(Link { from, to });
            if let Some(member) = self.members.get_mut(&to) {
                member.send(&Command::Link { from, faults });
            }
        }
        told
    }
}
