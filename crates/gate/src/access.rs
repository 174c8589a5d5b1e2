//! Access: which requests are served. A browser sends whatever a page asks it to send, to any address that it
//! can reach. But it also names that page, and the host name that it used, so such requests can be
//! recognized.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Maximum number of bytes of a stranger's own text that are repeated in an error.
const LONGEST_ECHO: usize = 100;

/// The host names under which a port is served. Clones share one set.
///
/// This machine's own are always among them: `localhost`, and the loopback addresses.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The only port, if only one is right.
    port: Option<u16>,
    others: Arc<RwLock<Others>>,
}

#[derive(Debug, Default)]
struct Others {
    names: BTreeSet<String>,
    /// The host name that the cluster uses for this server.
    advertised: Option<String>,
    /// Any address is accepted: the listener is bound to all of them.
    all_addresses: bool,
}

impl Names {
    /// Only this machine's own names, and only with this port.
    pub fn of_loopback(port: u16) -> Names {
        Names { port: Some(port), ..Names::default() }
    }

    /// Adds a name, or the host of a HOST:PORT.
    ///
    /// A server that listens everywhere responds under any address. That is safe: an attacker can point a
    /// *name* at this machine, but not an address.
    pub fn add(&self, host: &str) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => others.all_addresses = true,
            _ => _ = others.names.insert(plain(host).to_owned()),
        }
    }

    /// Replaces the name that others use: the host of a HOST:PORT.
    pub fn set_advertised(&self, host: Option<&str>) {
        self.others.write().unwrap_or_else(PoisonError::into_inner).advertised =
            host.map(|host| plain(host).to_owned());
    }

    /// Is this one of the names, with or without a port?
    fn include(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let is_right_port = self.port.is_none_or(|port| authority.port_u16().unwrap_or(80) == port);
        // Nothing but HOST or HOST:PORT: with a user before it, it would not be what it seems.
        if !is_right_port || host.contains('@') {
            return false;
        }
        let name = plain(authority.host());
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let is_own_address = |address: IpAddr| address.is_loopback() || others.all_addresses;
        let is_called = |known: &str| name.eq_ignore_ascii_case(known);
        is_called("localhost")
            || name.parse().is_ok_and(is_own_address)
            || others.names.iter().chain(&others.advertised).any(|known| is_called(known))
    }
}

/// The host of a HOST:PORT, or of a HOST.
pub fn host_of(address: &str) -> &str {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => address,
    };
    host.trim_start_matches('[').trim_end_matches(']')
}

/// A name without brackets and without the dot of the root.
fn plain(host: &str) -> &str {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    name.strip_suffix('.').unwrap_or(name)
}

/// Why a request is refused before its path is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stranger {
    /// It was sent to a host name that is not this server's.
    Name(String),
    /// It does not say to which host name it was sent.
    NoName,
    /// A page of another origin asks.
    Page(String),
    /// A page of another site asks, as the browser says.
    Site(String),
    /// It would change something, and does not say that its body is JSON.
    NotJson,
}

impl Stranger {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Stranger::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Stranger::Name(name) => format!(
                "ask 127.0.0.1, or the name in --listen; if it is a name of this server, start it with --host {}",
                host_of(name)
            ),
            Stranger::NoName => "send the header host, as every HTTP/1.1 client does".to_owned(),
            Stranger::Page(_) | Stranger::Site(_) => {
                "ask with a program, such as raft or curl, or open the address itself in the browser"
                    .to_owned()
            }
            Stranger::NotJson => "add the header, with curl: -H 'content-type: application/json'".to_owned(),
        }
    }
}

impl std::error::Error for Stranger {}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stranger::Name(name) => write!(
                f,
                "{name} is not a name of this server, which responds only to its own names: a web page could make any \
                 other name lead here"
            ),
            Stranger::NoName => f.write_str(
                "the request does not name its server: it needs the header host, once, with a name of this server",
            ),
            Stranger::Page(origin) => write!(
                f,
                "this request comes from a web page of {origin}, and only the server's own page may ask it: any other \
                 page could read and change everything"
            ),
            Stranger::Site(site) => write!(
                f,
                "this request comes from a web page of another server ({site}), and only the server's own page may ask \
                 it: any other page could read and change everything"
            ),
            Stranger::NotJson => f.write_str(
                "a POST needs the header content-type: application/json, which a web page can't send without permission",
            ),
        }
    }
}

/// Checks that a request comes from a program, or from a page that was served under the very name and port
/// that the request is for.
///
/// # Errors
/// If it may not.
pub fn check(names: &Names, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
    let host = the_one_host(uri, headers).ok_or(Stranger::NoName)?;
    if !names.include(host) {
        return Err(Stranger::Name(echo(host.as_bytes())));
    }
    for origin in headers.get_all(header::ORIGIN) {
        if origin.as_bytes().strip_prefix(b"http://") != Some(host.as_bytes()) {
            return Err(Stranger::Page(echo(origin.as_bytes())));
        }
    }
    for site in headers.get_all(SEC_FETCH_SITE) {
        // "none": the user typed the address.
        if site != "same-origin" && site != "none" {
            return Err(Stranger::Site(echo(site.as_bytes())));
        }
    }
    if method == Method::POST && !headers.get(header::CONTENT_TYPE).is_some_and(is_json) {
        return Err(Stranger::NotJson);
    }
    Ok(())
}

/// Is this a page that a browser is about to show, because the user followed a link or typed the address?
/// Then no other page can read the response.
pub fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    let mode = headers.get(SEC_FETCH_MODE);
    let for_page = headers.get("sec-fetch-dest");
    method == Method::GET
        && mode.is_some_and(|mode| mode == "navigate")
        && for_page.is_some_and(|destination| destination == "document")
}

fn the_one_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => uri.authority().map(Authority::as_str),
        (Some(_), Some(_)) => None,
    }
}

/// Parameters such as a charset may follow.
fn is_json(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn echo(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_ECHO)]);
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(names: &Names, method: Method, headers: &[(&str, &str)]) -> Result<(), Stranger> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        check(names, &method, &Uri::from_static("/kv/x"), &all)
    }

    fn is_known(names: &Names, host: &str) -> bool {
        ask(names, Method::GET, &[("host", host)]).is_ok()
    }

    #[test]
    fn only_this_machines_own_names_are_answered() {
        let (any_port, one_port) = (Names::default(), Names::of_loopback(4000));
        for host in ["127.0.0.1:4000", "localhost:4000", "LOCALHOST.:4000", "[::1]:4000", "127.1.2.3:4000"] {
            assert!(is_known(&any_port, host) && is_known(&one_port, host), "{host}");
        }
        for host in ["127.0.0.1:4001", "127.0.0.1", "localhost"] {
            assert!(is_known(&any_port, host) && !is_known(&one_port, host), "{host}");
        }
        for host in [
            "evil.example:4000",
            "evil.example",
            "localhost.evil.example:4000",
            "127.0.0.1.evil.example:4000",
            "127.0.0.1:4000@evil.example",
            "evil.example@127.0.0.1:4000",
            "user:127.0.0.1@localhost:4000",
            "",
            ":4000",
            "10.0.0.1:4000",
            "0.0.0.0:4000",
        ] {
            assert!(!is_known(&any_port, host) && !is_known(&one_port, host), "{host}");
        }
    }

    #[test]
    fn other_names_are_answered_when_they_were_given() {
        let names = Names::default();
        let clone = names.clone();
        names.add("n1.example");
        names.add("10.0.0.1");
        names.add("fd00::1");
        for host in ["n1.example:4000", "N1.Example.:80", "n1.example", "10.0.0.1:4000", "[fd00::1]:4000"] {
            assert!(is_known(&clone, host), "{host}");
        }
        assert!(!is_known(&clone, "10.0.0.2:4000") && !is_known(&clone, "n2.example"));
        names.set_advertised(Some("here.example"));
        assert!(is_known(&clone, "here.example:4000"));
        names.set_advertised(Some("there.example"));
        assert!(is_known(&clone, "there.example:4000") && !is_known(&clone, "here.example:4000"));
    }

    #[test]
    fn who_listens_everywhere_has_all_addresses_and_no_more_names() {
        for everywhere in ["0.0.0.0", "::"] {
            let names = Names::default();
            names.add(everywhere);
            assert!(is_known(&names, "10.0.0.1:4000") && is_known(&names, "[fd00::1]:4000"));
            assert!(!is_known(&names, "evil.example:4000"));
        }
    }

    #[test]
    fn a_host_is_said_once() {
        let names = Names::default();
        assert_eq!(ask(&names, Method::GET, &[]), Err(Stranger::NoName));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(ask(&names, Method::GET, &twice), Err(Stranger::NoName));
    }

    #[test]
    fn only_the_page_itself_may_ask() {
        let names = Names::default();
        let with_origin = |host: &str, origin: &str| {
            ask(&names, Method::GET, &[("host", host), ("origin", origin)]).is_ok()
        };
        assert!(with_origin("127.0.0.1:4000", "http://127.0.0.1:4000"));
        assert!(with_origin("localhost:4000", "http://localhost:4000"));
        for origin in [
            "http://evil.example",
            "null",
            "",
            "https://127.0.0.1:4000",
            "http://127.0.0.1:4001",
            "http://127.0.0.1",
            "http://localhost:4000",
        ] {
            assert!(!with_origin("127.0.0.1:4000", origin), "{origin}");
        }
        let one_of_two =
            [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")];
        assert!(ask(&names, Method::GET, &one_of_two).is_err());
        for (site, may_ask) in
            [("none", true), ("same-origin", true), ("same-site", false), ("cross-site", false), ("", false)]
        {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(ask(&names, Method::GET, &headers).is_ok(), may_ask, "{site}");
        }
    }

    #[test]
    fn a_post_says_that_it_is_json() {
        let names = Names::default();
        let post = |content_type: &str| {
            ask(&names, Method::POST, &[("host", "localhost"), ("content-type", content_type)])
        };
        for json in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
            assert_eq!(post(json), Ok(()), "{json}");
        }
        // All that a page can send without asking first.
        for simple in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
        {
            assert_eq!(post(simple), Err(Stranger::NotJson), "{simple}");
        }
        assert_eq!(ask(&names, Method::POST, &[("host", "localhost")]), Err(Stranger::NotJson));
        assert_eq!(ask(&names, Method::PUT, &[("host", "localhost")]), Ok(()));
    }

    #[test]
    fn what_is_told_back_is_short() {
        let host = format!("{}.example", "x".repeat(10_000));
        let refused = ask(&Names::default(), Method::GET, &[("host", &host)]).unwrap_err();
        assert!(refused.to_string().len() < 400 && refused.help().len() < 400);
    }
}
