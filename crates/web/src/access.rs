//! Who may ask. A page of somebody else, open in the same browser, must not see or steer the cluster.

use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The header that carries the token.
const TOKEN_HEADER: &str = "x-raft-token";

/// What only those know who were given the page's address: 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// # Errors
    /// If the system has no randomness to give.
    pub(crate) fn draw() -> Result<Token, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Is it the same? Takes as long for any guess of the same length.
    fn is(&self, guess: &str) -> bool {
        let differences =
            self.0.bytes().zip(guess.bytes()).fold(0, |all, (own, guessed)| all | (own ^ guessed));
        self.0.len() == guess.len() && differences == 0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Token {
    /// It is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Refuses whoever asks under another name than this machine's own. So it does not help an attacker to give
/// a name of theirs the address of this machine (DNS rebinding).
pub(crate) async fn only_this_origin(
    State(address): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match check_origin(address, request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Refuses whoever does not know the token.
pub(crate) async fn only_with_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let in_header = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let in_query = request.uri().query().and_then(token_in);
    match in_header.or(in_query) {
        Some(guess) if token.is(guess) => next.run(request).await,
        Some(_) => Refusal::Forbidden("the token is not this cluster's").into_response(),
        None => Refusal::Forbidden("the token is missing").into_response(),
    }
}

fn token_in(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

fn check_origin(address: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or(uri.authority().map(Authority::as_str));
    if !host.is_some_and(|host| is_own_name(address, host)) {
        return Err(Refusal::Forbidden("it was asked for under a name that is not this machine's own"));
    }
    match headers.get(header::ORIGIN) {
        // The page itself, or no page at all.
        None => Ok(()),
        Some(_) if text(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) == host => Ok(()),
        Some(_) => Err(Refusal::Forbidden("another page asks")),
    }
}

/// Is this, as HOST:PORT, the address itself or another word for it?
fn is_own_name(address: SocketAddr, host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_loopback && authority.port_u16().unwrap_or(80) == address.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check_origin("127.0.0.1:4000".parse().unwrap(), &Uri::from_static("/api/action"), &headers).is_ok()
    }

    #[test]
    fn only_this_machines_own_names_are_answered() {
        for host in ["127.0.0.1:4000", "localhost:4000", "[::1]:4000"] {
            assert!(check(host, None), "{host}");
        }
        for host in [
            "evil.example:4000",
            "127.0.0.1:4001",
            "127.0.0.1",
            "localhost.evil.example:4000",
            "",
            "10.0.0.1:4000",
        ] {
            assert!(!check(host, None), "{host}");
        }
    }

    #[test]
    fn only_the_page_itself_may_ask() {
        assert!(check("127.0.0.1:4000", Some("http://127.0.0.1:4000")));
        assert!(check("localhost:4000", Some("http://localhost:4000")));
        for origin in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:4000",
            "http://127.0.0.1:4001",
            "http://localhost:4000",
        ] {
            assert!(!check("127.0.0.1:4000", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_token_is_known_or_not() {
        let token = Token::draw().unwrap();
        let own = token.to_string();
        assert_eq!(own.len(), 32);
        assert!(token.is(&own));
        assert!(!token.is(""));
        assert!(!token.is(&own[1..]));
        assert!(!token.is(&format!("{own}0")));
        assert_ne!(token, Token::draw().unwrap());
        assert_eq!(token_in("after=3&token=abc"), Some("abc"));
        assert_eq!(token_in("nottoken=abc"), None);
    }
}
