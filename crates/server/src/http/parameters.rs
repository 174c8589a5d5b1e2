//! What comes after the `?` of a URL.

use super::errors::Problem;
use axum::http::Uri;
use percent_encoding::percent_decode_str;
use std::str::FromStr;

/// The parameters of one request. Their values are bytes: keys and values of the store need not be text.
pub(super) struct Parameters(Vec<(&'static str, Vec<u8>)>);

impl Parameters {
    /// The parameters of this request, of which only `known` ones make sense.
    pub(super) fn of(uri: &Uri, known: &[&'static str]) -> Result<Parameters, Problem> {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = known.iter().find(|known| **known == name).ok_or_else(|| Problem::Nonsense {
                error: format!("there is no parameter {name} here"),
                help: "parameters are: read for GET; if-version and if-value for PUT; if-version for DELETE; prefix, after, limit and read for lists; prefix and after for /watch",
            })?;
            Ok((*known, percent_decode_str(value).collect()))
        });
        parameters.collect::<Result<_, _>>().map(Parameters)
    }

    /// The value of one, if it was given.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let text = self.bytes(name).map(str::from_utf8).transpose();
        text.map_err(|_| Problem::Nonsense {
            error: format!("the value of {name} is not text"),
            help: "write it in UTF-8",
        })
    }

    /// A parameter of a kind that says itself how it is written.
    pub(super) fn parsed<T: FromStr<Err: std::error::Error>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|why: T::Err| Problem::Nonsense {
            error: format!("{name}={text}: {why}"),
            help: "write the place where the last response ended, or leave it out",
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::Nonsense {
            error: format!("{name}={text} is not a number"),
            help: "write a whole number, such as 12",
        })
    }
}
