//! Random runs of a server, compared with a list.

use crate::known::{Act, Known, Server, snapshot};
use crate::model_disk::Fault;
use crate::tearing::Tearing;
use crate::{begins_after, command, no_op, position};
use consensus::{Append, Batch, HardState, Index, LogPosition, NodeId, Term};
use proptest::prelude::*;

/// What happens to a server, with numbers that are made to fit when it happens.
#[derive(Debug, Clone)]
enum Occurrence {
    Do(Drawn),
    Restart,
    Crash { after: usize, during: Drawn, tearing: u64 },
    Error { at: usize, during: Drawn, tearing: u64 },
}

/// What a server does.
#[derive(Debug, Clone)]
enum Drawn {
    Batch(DrawnBatch),
    Prepare,
    /// It takes a snapshot of a part of its log, or gets one that reaches further.
    Snapshot {
        covered: u64,
        agrees: bool,
        size: u64,
        part: u64,
    },
    /// Its log begins after the snapshot, or `kept` entries before.
    Begin {
        kept: u64,
        batch: DrawnBatch,
    },
}

#[derive(Debug, Clone)]
struct DrawnBatch {
    hard_state: Option<HardState>,
    /// Number of the last entries that are replaced, and the sizes of the new commands.
    append: Option<(u64, Vec<Option<usize>>)>,
}

impl Drawn {
    fn acts(&self, server: &Server) -> Vec<Act> {
        let known = &server.known;
        match self {
            Drawn::Batch(batch) => vec![batch.on(known).into()],
            Drawn::Prepare => vec![Act::Prepare],
            Drawn::Snapshot { covered, agrees, size, part } => {
                snapshot(drawn_position(known, *covered, *agrees), *size, *part)
            }
            Drawn::Begin { kept, batch } => {
                let Some((newest, _)) = known.snapshot else { return Vec::new() };
                let index = newest.index.0.saturating_sub(*kept);
                let is_held = (known.begins_after.index.0..=known.last().index.0).contains(&index);
                let after = if *kept > 0 && is_held { known.position(index) } else { newest };
                let begins = begins_after(after);
                vec![Batch { begins_after: Some(after), ..batch.on(&known.after(&begins)) }.into()]
            }
        }
    }
}

/// Some entries after those that the newest snapshot covers.
fn drawn_position(known: &Known, covered: u64, agrees: bool) -> LogPosition {
    let newest = known.snapshot.as_ref().map(|(position, _)| *position).unwrap_or_default();
    let index = newest.index.0 + 1 + covered;
    if agrees && (known.begins_after.index.0..=known.last().index.0).contains(&index) {
        known.position(index)
    } else {
        position(index, 3)
    }
}

impl DrawnBatch {
    fn on(&self, known: &Known) -> Batch {
        let append = self.append.as_ref().map(|(replaced, lengths)| Append {
            first: Index(known.last().index.0 - replaced.min(&(known.log.len() as u64)) + 1),
            entries: lengths
                .iter()
                .map(|length| length.map_or(no_op(1), |length| command(2, length)))
                .collect(),
        });
        Batch { hard_state: self.hard_state, append, ..Batch::default() }
    }
}

fn batch() -> impl Strategy<Value = DrawnBatch> {
    let vote = prop_oneof![Just(None), (1_u64..4).prop_map(|id| Some(NodeId(id)))];
    let hard_state =
        (any::<u64>(), vote).prop_map(|(term, voted_for)| HardState { current_term: Term(term), voted_for });
    let length = prop_oneof![0_usize..80, 0_usize..3000];
    let entries = prop::collection::vec(prop::option::weighted(0.8, length), 0..6);
    let replaced = prop_oneof![2 => Just(0), 1 => 0_u64..8];
    let append = prop::option::weighted(0.8, (replaced, entries));
    (prop::option::weighted(0.4, hard_state), append)
        .prop_map(|(hard_state, append)| DrawnBatch { hard_state, append })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let covered = prop_oneof![3 => 0_u64..4, 1 => 0_u64..20];
    prop_oneof![
        6 => batch().prop_map(Drawn::Batch),
        1 => Just(Drawn::Prepare),
        1 => (covered, prop::bool::weighted(0.8), 0_u64..3000, 100_u64..3000)
            .prop_map(|(covered, agrees, size, part)| Drawn::Snapshot { covered, agrees, size, part }),
        1 => (prop_oneof![Just(0), 0_u64..4], batch())
            .prop_map(|(kept, batch)| Drawn::Begin { kept, batch }),
    ]
}

fn happening() -> impl Strategy<Value = Occurrence> {
    prop_oneof![
        12 => drawn().prop_map(Occurrence::Do),
        1 => Just(Occurrence::Restart),
        2 => (0_usize..14, drawn(), any::<u64>())
            .prop_map(|(after, during, tearing)| Occurrence::Crash { after, during, tearing }),
        1 => (0_usize..14, drawn(), any::<u64>())
            .prop_map(|(at, during, tearing)| Occurrence::Error { at, during, tearing }),
    ]
}

fn segment_size() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 0_u64..5000, Just(1_u64 << 16)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_drawn_life_is_remembered(
        life in prop::collection::vec((happening(), segment_size()), 1..50),
    ) {
        let mut server = Server::new(1000);
        let mut storage = server.start().unwrap();
        for (happening, segment_size) in life {
            match happening {
                Occurrence::Do(drawn) => {
                    for act in drawn.acts(&server) {
                        server.act(&mut storage, &act).unwrap();
                    }
                    continue;
                }
                Occurrence::Restart => {}
                Occurrence::Crash { after, during, tearing } => {
                    server.disk.plan(Fault::PowerCutAfter(after));
                    let _ = during.acts(&server).iter().try_for_each(|act| server.act(&mut storage, act));
                    server.disk.crash(Tearing::Drawn(tearing));
                }
                Occurrence::Error { at, during, tearing } => {
                    server.disk.plan(Fault::Error(at, Tearing::Drawn(tearing)));
                    let _ = during.acts(&server).iter().try_for_each(|act| server.act(&mut storage, act));
                    server.disk.mend();
                }
            }
            drop(storage);
            server.segment_size = segment_size;
            storage = server.start().unwrap();
        }
        drop(storage);
        server.live(&[]).unwrap();
    }
}
