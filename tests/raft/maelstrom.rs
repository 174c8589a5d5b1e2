//! `raft maelstrom`: real processes, between which a small workbench carries the lines. Its tests show what
//! the nodes send; that what the clients see is linearizable, whatever happens to the nodes and their
//! network; and that no client is told that a write was not done if it may have been.

mod lin_kv;
mod protocol;
mod uncertain;
mod workbench;
