//! The HTTP client of our servers. It never lies about an outcome: what it can't know, it calls uncertain.
//!
//! A request can end in three ways, not two. It was done, and here is the [answer](kv::Answer). It was
//! certainly *not done*, for example because nobody listens there. Or the connection broke after the request
//! was sent, and nobody can say: a write may have taken effect, or may still. Programs that call the third
//! way a failure, and try again, do things twice.
//!
//! * `node.rs`: one try at one server ([`Node`]), with each of these ends told apart ([`Failure`]);
//! * `exchange.rs`: one request and its reply over HTTP, and when a broken one is certain;
//! * `cluster.rs`: a client of the whole cluster ([`Cluster`]), which finds the leader and tries again where
//!   that is safe;
//! * `step.rs`: what it tells of that ([`Step`]);
//! * `watch.rs`: hearing of each change of the store ([`Watch`]).
//!
//! When is trying again safe? Always after "not done". After an uncertain end, for reads, since they change
//! nothing; and for writes in a *session*, which the cluster executes once however often they come (see
//! [kv]'s introduction).

mod cluster;
mod exchange;
mod failure;
mod node;
mod step;
mod watch;

pub use cluster::Cluster;
pub use failure::{Failure, NotDone};
pub use node::{Entry, List, Node, Page, Read, Value};
pub use step::Step;
pub use watch::{Change, News, Watch};
