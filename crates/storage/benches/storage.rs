//! What a save costs beside the disk, and how long a start takes.
//!
//! `cargo bench -p raft-for-beginners-storage --features bench`

#![allow(missing_docs, reason = "criterion's macros write functions without docstrings")]

extern crate raft_for_beginners_storage as storage;

use consensus::{Append, Batch, Entry, Index, NodeId, Payload, Term};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::io;
use std::path::Path;
use storage::{Disk, FolderDisk, Identity, Storage};

const COMMAND: usize = 256;
const LOG: u64 = 1_000_000;

/// A disk in memory that costs next to nothing: of all that is written, it keeps what is in the place of one
/// segment.
#[derive(Debug, Default)]
struct FreeDisk(Vec<u8>);

impl Disk for FreeDisk {
    fn folder(&self) -> &Path {
        Path::new("free")
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn read(&mut self, _: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn size(&mut self, _: &str) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn read_at(&mut self, _: &str, _: u64, _: usize) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn create(&mut self, _: &str, size: u64) -> io::Result<()> {
        self.0.resize(size as usize, 0);
        Ok(())
    }

    fn write_at(&mut self, _: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn append(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn random(&mut self) -> u64 {
        4
    }
}

fn identity() -> Identity {
    Identity { cluster: "bench".into(), node: NodeId(1), voters: [1, 2, 3].map(NodeId).into() }
}

fn appends(first: u64, count: u64) -> Batch {
    let entry = || Entry { term: Term(1), payload: Payload::Command(vec![7; COMMAND].into()) };
    let entries = (0..count).map(|_| entry()).collect();
    Batch { append: Some(Append { first: Index(first), entries }), ..Batch::default() }
}

fn saving(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("save");
    for count in [1, 64] {
        let (mut storage, _) = Storage::open(FreeDisk::default(), identity()).expect("a free disk");
        let mut batch = appends(1, count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("{count} x {COMMAND} bytes"), |bencher| {
            bencher.iter(|| {
                storage.save(black_box(&batch)).expect("a free disk");
                batch.append.as_mut().expect("entries").first.0 += count;
            });
        });
    }
}

fn starting(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Storage::open(FolderDisk::open(folder.path()).expect("a folder"), identity());
    let (mut storage, _) = open().expect("a new folder");
    for first in (1..=LOG).step_by(1000) {
        storage.save(&appends(first, 1000)).expect("a disk with room");
    }
    drop(storage);
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    group.bench_function(format!("{LOG} x {COMMAND} bytes"), |bencher| {
        // What comes out is dropped outside of what is measured.
        let recover = || open().expect("a folder").1;
        bencher.iter_batched(|| (), |()| recover(), BatchSize::PerIteration);
    });
}

criterion_group!(benches, saving, starting);
criterion_main!(benches);
