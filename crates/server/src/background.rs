use std::sync::mpsc::{TrySendError, sync_channel};
use std::thread::JoinHandle;
use trace::{Event, Process, Record};

/// Maximum number of records that wait to be written.
const QUEUE: usize = 65_536;

/// Tells records in a thread of its own, so that a slow reader can't slow a server down. What the
/// queue can't hold is left out, and that is told too.
///
/// Returns an observer for [`Server::run`](crate::Server::run), and the thread, which ends after the
/// observer was dropped and everything was told.
pub fn tell_in_background(
    mut tell: impl FnMut(&Record) + Send + 'static,
) -> (impl FnMut(Record), JoinHandle<()>) {
    let (queue, records) = sync_channel::<Record>(QUEUE);
    let thread = std::thread::spawn(move || records.iter().for_each(|record| tell(&record)));
    let mut missed = 0;
    let observer = move |record: Record| {
        if missed > 0 {
            let event = Event::Process(Process::Missed { events: missed });
            let notice = Record { event, seq: None, cause: None, ..record.clone() };
            if queue.try_send(notice).is_ok() {
                missed = 0;
            }
        }
        if let Err(TrySendError::Full(_)) = queue.try_send(record) {
            missed += 1;
        }
    };
    (observer, thread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{NodeId, Term};
    use std::sync::mpsc::channel;

    fn record(seq: u64) -> Record {
        let event = Event::Process(Process::Stopped);
        Record {
            t: seq,
            node: NodeId(1),
            life: 1,
            seq: Some(seq),
            cause: None,
            term: Term(0),
            event,
            content: None,
        }
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed() {
        let (go, wait) = channel::<()>();
        let (told, heard) = channel();
        let (mut observer, thread) = tell_in_background(move |record| {
            let _ = wait.recv();
            told.send(record.clone()).unwrap();
        });
        let sent = QUEUE as u64 + 100;
        (1..=sent).for_each(|seq| observer(record(seq)));
        drop(go);
        // The first record after there is room again brings the notice.
        let mut before: Vec<Record> = Vec::new();
        while before.len() < QUEUE {
            before.push(heard.recv().unwrap());
        }
        observer(record(sent + 1));
        drop(observer);
        thread.join().unwrap();
        let mut all = before;
        all.extend(heard.iter());
        let missed: u64 = all
            .iter()
            .map(|record| match record.event {
                Event::Process(Process::Missed { events }) => events,
                _ => 0,
            })
            .sum();
        let told = all.iter().filter(|record| record.seq.is_some()).count() as u64;
        assert!(missed > 0);
        assert_eq!(told + missed, sent + 1);
    }
}
