//! Links of the page: to a scenario or to the script of a run in the lab, and to a moment of it.

use crate::moment::Moment;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use command::Failure;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use percent_encoding::percent_decode_str;
use trace::shown;

/// Maximum size of the script in a link, in bytes.
const LONGEST_SCRIPT: usize = 1 << 20;

/// The highest level of compression: links are short.
const SMALLEST: u8 = 10;

const WHOLE: &str = "copy the whole link, and put it in quotes: 'https://…#lab=…&at=…'";

/// What a link leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) run: Linked,
    pub(crate) at: Option<Moment>,
}

/// The run to which a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// A scenario in this program, by its path.
    Scenario(String),
    /// The run that this script makes in the lab.
    Script(String),
}

impl Link {
    /// Reads the fragment of a page's address: the part from `#` on.
    ///
    /// # Errors
    /// If it leads to no run, or is damaged.
    pub(crate) fn read(fragment: &str) -> Result<Link, Failure> {
        if is_new_cluster(fragment) {
            return Err(Failure::of(
                "the link leads to a new cluster, in which nothing has happened yet",
                format!("open it in the lab: raft lab '{fragment}'"),
            ));
        }
        let lab = field(fragment, "lab")?.map(|packed| unpack(&packed).map(Linked::Script)).transpose()?;
        let scenario = field(fragment, "scenario")?.map(Linked::Scenario);
        let run = lab.or(scenario).ok_or_else(|| {
            Failure::of(
                "no run is in this link",
                format!("{WHOLE}; a recorded run is in its file: raft replay FILE"),
            )
        })?;
        let at = field(fragment, "at")?.map(|at| moment(&at, &run)).transpose()?;
        Ok(Link { run, at })
    }
}

/// The fragment of this argument, if it is the address of a page or only the fragment of one, and not a file or the
/// name of a scenario.
pub(crate) fn fragment_in(argument: &str) -> Option<&str> {
    let is_address = ["http://", "https://", "file://"].iter().any(|scheme| argument.starts_with(scheme));
    let first_key = argument.strip_prefix('#').and_then(|fields| fields.split(['=', '&']).next());
    let is_fragment = first_key.is_some_and(|key| ["lab", "scenario", "run"].contains(&key));
    (is_address || is_fragment).then(|| &argument[argument.find('#').unwrap_or(argument.len())..])
}

/// Does this fragment lead to a new cluster in the lab?
pub(crate) fn is_new_cluster(fragment: &str) -> bool {
    fragment.trim_start_matches('#').split('&').any(|field| field == "lab" || field == "lab=")
}

/// The fragment that leads to the run that this script makes.
pub(crate) fn fragment_of(script: &str) -> String {
    format!("#lab={}", URL_SAFE_NO_PAD.encode(compress_to_vec(script.as_bytes(), SMALLEST)))
}

fn field(fragment: &str, name: &str) -> Result<Option<String>, Failure> {
    let fields = fragment.trim_start_matches('#').split('&').filter_map(|field| field.split_once('='));
    let value = fields.into_iter().find_map(|(key, value)| (key == name).then_some(value));
    value
        .map(|value| percent_decode_str(value).decode_utf8().map(Into::into).map_err(|_| damaged()))
        .transpose()
}

fn unpack(packed: &str) -> Result<String, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(packed).map_err(|_| damaged())?;
    let script =
        decompress_to_vec_with_limit(&bytes, LONGEST_SCRIPT).map_err(|error| match error.status {
            miniz_oxide::inflate::TINFLStatus::HasMoreOutput => Failure::of(
                "the script in this link is longer than 1 MiB",
                "ask for its file, and play that: raft replay FILE",
            ),
            _ => damaged(),
        })?;
    String::from_utf8(script).map_err(|_| damaged())
}

fn damaged() -> Failure {
    Failure::of("the link is damaged: what it holds can't be read", WHOLE)
}

/// In the lab a moment is a position; elsewhere it is an event, or a time in seconds.
fn moment(at: &str, run: &Linked) -> Result<Moment, Failure> {
    let moment = match run {
        Linked::Script(_) => at.parse().ok().map(Moment::Position),
        Linked::Scenario(_) => at.parse().map(Moment::After).ok().or_else(|| Moment::of_seconds(at)),
    };
    moment.ok_or_else(|| {
        let help = "leave out &at=…, to begin at the beginning";
        Failure::of(format_args!("the link leads to the moment \"{}\", which is none", shown(at)), help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(fragment: &str) -> String {
        format!("{:?}", Link::read(fragment).unwrap_err())
    }

    #[test]
    fn a_script_comes_out_of_a_link_as_it_went_in() {
        for script in ["", "cluster 3\n", "# Für alle → äöü\n\ncluster 3 seed=7\nrun 1s\n---\n"] {
            let link = Link::read(&fragment_of(script)).unwrap();
            assert_eq!(link, Link { run: Linked::Script(script.to_owned()), at: None });
        }
    }

    /// The page packs and unpacks too (time/packed.ts), and its tests read the same file.
    #[test]
    fn the_page_and_this_program_read_each_others_links() {
        let links = include_str!("../tests/raft/lab/links.json");
        let links: Vec<serde_json::Value> = serde_json::from_str(links).unwrap();
        assert!(links.len() > 2);
        for link in links {
            let [name, script, packed] = ["name", "script", "packed"].map(|key| link[key].as_str().unwrap());
            assert_eq!(unpack(packed).ok().as_deref(), Some(script), "{name}");
        }
    }

    #[test]
    fn a_link_to_a_moment_names_it_as_the_page_does() {
        let at = |fragment: &str| Link::read(fragment).unwrap().at;
        let event = "n2.3:117".parse().unwrap();
        assert_eq!(at("#scenario=elections/first-election&at=n2.3:117"), Some(Moment::After(event)));
        assert_eq!(at("#scenario=elections%2Ffirst-election&at=1.250000"), Some(Moment::At(1_250_000)));
        assert_eq!(at(&format!("{}&at=12", fragment_of("cluster 3"))), Some(Moment::Position(12)));
        assert_eq!(at("#scenario=elections/first-election"), None);
        let scenario = Link::read("#at=1&scenario=elections%2Ffirst-election").unwrap().run;
        assert_eq!(scenario, Linked::Scenario("elections/first-election".to_owned()));
    }

    #[test]
    fn a_bad_link_is_refused() {
        let whole = fragment_of(&"run 1ms\n".repeat(50));
        assert!(refusal(&whole[..whole.len() / 2]).contains("the link is damaged"));
        assert!(refusal("#lab=a b").contains("the link is damaged"));
        assert!(refusal("#lab=%ff").contains("the link is damaged"));
        assert!(
            refusal(&format!("#lab={}", URL_SAFE_NO_PAD.encode(compress_to_vec(b"\xff", 1))))
                .contains("the link is damaged")
        );
        assert!(refusal(&fragment_of(&" ".repeat(LONGEST_SCRIPT + 1))).contains("longer than 1 MiB"));
        assert!(Link::read(&fragment_of(&" ".repeat(LONGEST_SCRIPT))).is_ok());
        assert!(refusal("").contains("no run is in this link"));
        for new in ["#lab", "#lab=", "#lab=&servers=3"] {
            assert!(refusal(new).contains("the link leads to a new cluster"), "{new}");
        }
        assert!(refusal("#run=3 servers&at=1.0").contains("no run is in this link"));
        assert!(refusal("#scenario=elections/first-election&at=-1").contains("the moment"));
        assert!(refusal(&format!("{}&at=n1:2", fragment_of("cluster 3"))).contains("the moment"));
    }

    #[test]
    fn an_address_or_its_end_is_a_link_and_a_file_is_not() {
        assert_eq!(fragment_in("https://example.org/raft/#lab=abc&at=3"), Some("#lab=abc&at=3"));
        assert_eq!(fragment_in("file:///home/a/lab.html#scenario=a/b"), Some("#scenario=a/b"));
        for fragment in ["#lab=abc", "#lab", "#lab&servers=3", "#run=3%20servers&at=1.0"] {
            assert_eq!(fragment_in(fragment), Some(fragment));
        }
        assert_eq!(fragment_in("#lab.txt"), None);
        assert_eq!(fragment_in("http://127.0.0.1:8000/"), Some(""));
        assert_eq!(fragment_in("elections/first-election"), None);
        assert_eq!(fragment_in("run#lab=.jsonl"), None);
    }
}
