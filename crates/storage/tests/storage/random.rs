//! Drawn lives, compared with a list.

use crate::known::Server;
use crate::model_disk::Fault;
use crate::tearing::Tearing;
use crate::{command, no_op};
use consensus::{Append, HardState, Index, NodeId, Term};
use proptest::prelude::*;
use storage::Batch;

/// What happens to a server, with numbers that are fitted to it when it happens.
#[derive(Debug, Clone)]
enum Happening {
    Save(DrawnBatch),
    Restart { segment_size: u64 },
    Crash { after: usize, batch: DrawnBatch, tearing: u64, segment_size: u64 },
    Error { at: usize, batch: DrawnBatch, tearing: u64 },
}

#[derive(Debug, Clone)]
struct DrawnBatch {
    hard_state: Option<HardState>,
    /// How many of the last entries are replaced, and how large the commands of the new ones are.
    append: Option<(u64, Vec<Option<usize>>)>,
}

impl DrawnBatch {
    fn on(&self, server: &Server) -> Batch {
        let log_end = server.known.log.len() as u64;
        let append = self.append.as_ref().map(|(replaced, lengths)| Append {
            first: Index(log_end.saturating_sub(*replaced) + 1),
            entries: lengths
                .iter()
                .map(|length| length.map_or(no_op(1), |length| command(2, length)))
                .collect(),
        });
        Batch { hard_state: self.hard_state, append }
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

fn segment_size() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 0_u64..5000, Just(1_u64 << 16)]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => batch().prop_map(Happening::Save),
        1 => segment_size().prop_map(|segment_size| Happening::Restart { segment_size }),
        2 => (0_usize..14, batch(), any::<u64>(), segment_size()).prop_map(
            |(after, batch, tearing, segment_size)| Happening::Crash { after, batch, tearing, segment_size }
        ),
        1 => (0_usize..14, batch(), any::<u64>())
            .prop_map(|(at, batch, tearing)| Happening::Error { at, batch, tearing }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_drawn_life_is_remembered(first_size in segment_size(), life in prop::collection::vec(happening(), 1..40)) {
        let mut server = Server::new(first_size);
        let mut storage = server.start().unwrap();
        for happening in life {
            match happening {
                Happening::Save(batch) => {
                    let batch = batch.on(&server);
                    server.save(&mut storage, &batch).unwrap();
                    continue;
                }
                Happening::Restart { segment_size } => server.segment_size = segment_size,
                Happening::Crash { after, batch, tearing, segment_size } => {
                    server.segment_size = segment_size;
                    server.disk.plan(Fault::PowerCutAfter(after));
                    let batch = batch.on(&server);
                    let _ = server.save(&mut storage, &batch);
                    server.disk.crash(Tearing::Drawn(tearing));
                }
                Happening::Error { at, batch, tearing } => {
                    server.disk.plan(Fault::Error(at, Tearing::Drawn(tearing)));
                    let batch = batch.on(&server);
                    let _ = server.save(&mut storage, &batch);
                    server.disk.mend();
                }
            }
            drop(storage);
            storage = server.start().unwrap();
        }
        drop(storage);
        server.live(&[]).unwrap();
    }
}
