//! The page: a single file. Its sources are in crates/web/page.

use page::{Setup, embedded};
use std::borrow::Cow;
use trace::Record;

/// The page as it was built. It gets what it shows from the server that it was loaded from.
pub(crate) const PAGE: &str = include_str!("../page/dist/index.html");

/// The place in the page for data that it shows without a server.
const PLACE: &str = r#"<script type="application/json" id="raft-embedded"></script>"#;

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
    use consensus::{NodeId, Term};
    use page::Mode;
    use trace::{Event, Laboratory};

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
