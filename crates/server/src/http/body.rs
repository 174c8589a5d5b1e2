//! What comes after a request's head.

use super::Service;
use super::errors::Problem;
use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use gate::{SILENCE, Share};
use http_body_util::BodyExt as _;
use kv::LONGEST_VALUE;
use std::sync::Arc;
use tokio::time::timeout;

/// No request has a longer body, in bytes: none says more than a value.
const LARGEST: usize = LONGEST_VALUE;

/// A request's body, if all of it comes in time.
pub(super) struct Sent(pub(super) Bytes);

impl FromRequest<Arc<Service>> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Sent, Problem> {
        let whole = timeout(SILENCE, gather(request, service.incoming.share()));
        whole.await.map_err(|_| Problem::not_whole())?.map(Sent)
    }
}

/// Gathers a body. What has come of it takes room until all of it is there.
async fn gather(request: Request, mut share: Share) -> Result<Bytes, Problem> {
    let mut body = request.into_body();
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(Problem::too_long());
    }
    let mut come = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::not_whole())?.into_data() else { continue };
        let length = come.len() + data.len();
        if length > LARGEST {
            return Err(Problem::too_long());
        }
        if !share.grow_to(length) {
            return Err(Problem::half_sent());
        }
        come.extend_from_slice(&data);
    }
    Ok(come.into())
}
