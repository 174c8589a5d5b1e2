//! The page: a single file, and the engine that simulates clusters in it. Their sources are in crates/web/page and
//! crates/engine.

use crate::packed::packed;
use page::{Setup, embedded};
use std::borrow::Cow;
use trace::Record;

/// The page as it was built. It gets what it shows from the server that it was loaded from.
pub(crate) const PAGE: &str = include_str!("../page/dist/index.html");

/// The engine as it was built: WebAssembly, packed with gzip.
pub const ENGINE: &[u8] = include_bytes!("../page/dist/engine.wasm.gz");

/// The name of the engine's file beside the page.
pub const ENGINE_NAME: &str = "engine.wasm.gz";

/// The place in the page for data that it shows without a server.
const PLACE: &str = r#"<script type="application/json" id="raft-embedded"></script>"#;

/// Where a page finds the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnginePlace {
    /// In the page itself: it can be opened from a file, offline.
    Inside,
    /// In a file beside it, with the name [`ENGINE_NAME`].
    Beside,
}

/// The page with its data inside: it can be opened from a file, offline and without a server.
pub fn export<'a>(setup: &Setup, records: impl IntoIterator<Item = &'a Record>) -> String {
    filled(&embedded(setup, records))
}

/// The page as a lab, in which clusters are simulated. It begins where this link leads, the part of an address from `#`
/// on, or with a new cluster if that is empty.
pub fn lab(link: &str, engine: EnginePlace) -> String {
    let page = filled(&serde_json::json!({ "lab": link }).to_string());
    match engine {
        EnginePlace::Beside => page,
        EnginePlace::Inside => packed(&page),
    }
}

/// Is this text a page that [`export`] or [`lab`] has written, with the engine beside it, of this version or another one?
pub fn is_page(text: &str) -> bool {
    text.contains(r#"<script type="application/json" id="raft-embedded">"#)
}

/// The page with data in its place.
fn filled(data: &str) -> String {
    PAGE.replacen(PLACE, &PLACE.replace("><", &format!(">{}<", harmless_in_html(data))), 1)
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
    fn a_lab_holds_its_link() {
        let link = "#lab=</script>&at=3";
        let page = lab(link, EnginePlace::Beside);
        let (_, rest) = page.split_once(PLACE.strip_suffix("</script>").unwrap()).unwrap();
        let data: serde_json::Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(data, serde_json::json!({ "lab": link }));
        assert!(is_page(&page) && is_page(PAGE) && !is_page("<!doctype html><title>Mine</title>"));
        assert_eq!(lab(link, EnginePlace::Inside), packed(&page));
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
