//! The page: a single file. Its sources are in crates/web/page.

use crate::headlines::{Headline, Headlines};
use crate::setup::Setup;
use serde::Serialize;
use std::borrow::Cow;
use trace::{Event, Io, Record};

/// The page as it was built. It gets what it shows from the server that it was loaded from.
pub(crate) const PAGE: &str = include_str!("../page/dist/index.html");

/// The place in the page for data that it shows without a server.
const PLACE: &str = r#"<script type="application/json" id="raft-embedded"></script>"#;

/// The data in a page that needs no server.
#[derive(Debug, Serialize)]
struct Embedded<'a> {
    setup: &'a Setup,
    records: Vec<Told<'a>>,
    headlines: Vec<Headline>,
}

/// A record as [`Record::to_json`] writes it.
#[derive(Debug)]
struct Told<'a>(&'a Record);

impl Serialize for Told<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serde_json::value::RawValue::from_string(self.0.to_json());
        json.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// The data that a page shows without a server, as JSON.
pub fn embedded<'a>(setup: &Setup, records: impl IntoIterator<Item = &'a Record>) -> String {
    let without_steps = |record: &&Record| !matches!(record.event, Event::Io(Io::Step { .. }));
    let records: Vec<Told> = records.into_iter().filter(without_steps).map(Told).collect();
    let mut headlines = Headlines::default();
    (1..).zip(&records).for_each(|(number, Told(record))| headlines.observe(number, record));
    let last = records.len() as u64;
    headlines.end(last);
    let headlines = headlines.between(0, last).cloned().collect();
    serde_json::to_string(&Embedded { setup, records, headlines }).expect("what is embedded has a JSON")
}

/// The page with its data inside: it can be opened from a file, offline and without a server.
pub fn export<'a>(setup: &Setup, records: impl IntoIterator<Item = &'a Record>) -> String {
    let filled = PLACE.replace("><", &format!(">{}<", harmless_in_html(&embedded(setup, records))));
    PAGE.replacen(PLACE, &filled, 1)
}

/// JSON that can't end the element that contains it, nor begin a comment. `<` appears only in strings.
fn harmless_in_html(json: &str) -> Cow<'_, str> {
    if json.contains('<') { json.replace('<', "\\u003c").into() } else { json.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Mode;
    use consensus::{NodeId, Term};
    use trace::Laboratory;

    #[test]
    fn the_page_has_one_place_for_what_it_shows() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert_eq!(PAGE.matches("raft-embedded\"").count(), PAGE.matches("id=\"raft-embedded\"").count());
    }

    #[test]
    fn an_exported_page_holds_all_and_nothing_breaks_out_of_it() {
        let nasty = "</script><script>alert(1)</script><!-- \u{2028} \" \\ ]]>";
        let event =
            Event::Laboratory(Laboratory::ClientHears { client: 1, answer: nasty.to_owned(), outcome: None });
        let record = Record {
            t: 1,
            node: NodeId(1),
            life: 1,
            seq: None,
            cause: None,
            term: Term(0),
            event,
            content: None,
        };
        let setup = Setup::new(Mode::Replay, nasty.to_owned(), vec![NodeId(1)]);
        let page = export(&setup, [&record]);
        let (before, rest) = page.split_once(PLACE.strip_suffix("</script>").unwrap()).unwrap();
        let (json, after) = rest.split_once("</script>").unwrap();
        assert!(PAGE.starts_with(before) && PAGE.ends_with(after));
        assert!(!json.contains('<'));
        let embedded: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(embedded["setup"]["title"], nasty);
        assert_eq!(embedded["records"][0]["answer"], nasty);
        assert_eq!(Record::from_json(&embedded["records"][0].to_string()).unwrap(), record);
    }
}
