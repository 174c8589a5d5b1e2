//! Access control: of the requests that the door accepts, only those with the token are served.

use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt;

/// The header that carries the token.
const TOKEN_HEADER: &str = "x-raft-token";

/// A secret that is part of the page's address: 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// # Errors
    /// If the system can't provide random bytes.
    pub(crate) fn draw() -> Result<Token, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Is this guess right? The check takes as long for any guess of the same length.
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

/// Refuses requests without the token.
pub(crate) async fn only_with_token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let in_header = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let in_query = request.uri().query().and_then(token_in);
    match in_header.or(in_query) {
        Some(guess) if token.is(guess) => next.run(request).await,
        Some(_) => Refusal::Forbidden("the token is wrong").into_response(),
        None => Refusal::Forbidden("the token is missing").into_response(),
    }
}

fn token_in(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

#[cfg(test)]
mod tests {
    use super::*;

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
