//! `raft maelstrom`: real processes, between which a small workbench carries the lines. Its tests show what the
//! nodes say; that what the clients see is linearizable, whatever befalls the nodes and their network; and
//! that nobody is told of a write that nothing was done where something may have been.

mod lin_kv;
mod protocol;
mod uncertain;
mod workbench;
