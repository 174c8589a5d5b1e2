//! What comes after a request's head.

use super::errors::Problem;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use gate::SILENCE;
use http_body_util::LengthLimitError;
use kv::LONGEST_VALUE;
use std::error::Error as _;
use tokio::time::timeout;

/// No request has a longer body, in bytes: none says more than a value.
const LARGEST: usize = LONGEST_VALUE;

/// A request's body, if all of it comes in time.
pub(super) struct Sent(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Sent, Problem> {
        match timeout(SILENCE, to_bytes(request.into_body(), LARGEST)).await {
            Ok(Ok(bytes)) => Ok(Sent(bytes)),
            Ok(Err(error)) if is_too_long(&error) => Err(Problem::too_long()),
            Ok(Err(_)) | Err(_) => Err(Problem::not_whole()),
        }
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    error.source().is_some_and(|source| source.is::<LengthLimitError>())
}
