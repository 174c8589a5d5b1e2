//! Raft clusters in one deterministic, scripted world.
