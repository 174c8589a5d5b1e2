//! The HTTP client of our servers. It never lies about an outcome: what it can't know, it calls uncertain.
//!
//! A request can end in three ways, not two. It was done, and here is the [answer](kv::Answer). It was
//! certainly *not done*, for example because no server listens at that address. Or the connection broke after
//! the request was sent, and it is unknown: a write may have taken effect, or may still do so. Programs that
//! treat the third case as a failure, and retry, do things twice.
//!
//! * `node.rs`: one try at one server ([`Node`]), which distinguishes these ends ([`Failure`]);
//! * `exchange.rs`: one request and its reply over HTTP, and what is certain when it breaks;
//! * `cluster.rs`: a client of the whole cluster ([`Cluster`]), which finds the leader and retries when that
//!   is safe;
//! * `step.rs`: the steps that it reports ([`Step`]);
//! * `watch.rs`: watching all changes of the store ([`Watch`]).
//!
//! When is it safe to retry? Always after "not done". After an uncertain end, for reads, since they change
//! nothing; and for writes in a *session*, which the cluster executes once however often they arrive (see
//! [kv]'s introduction).

mod cluster;
mod exchange;
mod failure;
mod node;
mod step;
mod watch;

pub use cluster::Cluster;
pub use failure::{Failure, NotDone};
pub use kv;
pub use node::{Entry, List, Node, Page, Read, Value};
pub use step::Step;
pub use watch::{Change, News, Watch};
