//! Sessions: how a command that is sent twice is executed once (thesis §6.3).

use crate::answer::Answer;
use crate::command::{Request, SessionId};
use consensus::Index;
use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;
use std::ops::Bound;

/// What is remembered about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub id: SessionId,
    /// The entry that used it last: its opening, or any try of any of its requests.
    pub last_use: Index,
    /// The number of its latest request. Its opening is request 0.
    pub sequence: u64,
    /// The answer to that request.
    pub answer: Answer,
}

/// The sessions that are open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sessions {
    by_id: RedBlackTreeMapSync<SessionId, Session>,
    /// No two share a last use, since an entry uses at most one session.
    by_last_use: RedBlackTreeMapSync<Index, SessionId>,
}

impl Sessions {
    /// Opens a session, and drops the least recently used ones if there are more than `at_most`.
    pub fn open(&mut self, index: Index, at_most: NonZeroU16) -> Answer {
        let id = SessionId(index);
        let answer = Answer::SessionOpened { session: id };
        self.insert(Session { id, last_use: index, sequence: 0, answer });
        while self.count() > usize::from(at_most.get()) {
            self.drop_least_recently_used();
        }
        answer
    }

    /// Executes a request if it is new. Its entry is at `index`.
    pub fn execute_once(
        &mut self,
        index: Index,
        request: Request,
        execute: impl FnOnce() -> Answer,
    ) -> Answer {
        let Some(&before) = self.by_id.get(&request.session) else {
            return Answer::SessionUnknown { session: request.session };
        };
        let mut session = Session { last_use: index, ..before };
        if request.sequence > before.sequence {
            session.sequence = request.sequence;
            session.answer = execute();
        }
        self.by_last_use.remove_mut(&before.last_use);
        self.insert(session);
        if request.sequence < before.sequence {
            Answer::SequenceForgotten { latest: before.sequence }
        } else {
            session.answer
        }
    }

    pub fn insert(&mut self, session: Session) {
        self.by_last_use.insert_mut(session.last_use, session.id);
        self.by_id.insert_mut(session.id, session);
    }

    pub fn contains(&self, id: SessionId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The session that was used next after this entry.
    pub fn next_after(&self, last_use: Index) -> Option<&Session> {
        let (_, id) = self.by_last_use.range((Bound::Excluded(last_use), Bound::Unbounded)).next()?;
        self.by_id.get(id)
    }

    /// The entry that was the last to use any session; 0 if there is none.
    pub fn last_use(&self) -> Index {
        self.by_last_use.last().map_or(Index(0), |(&last_use, _)| last_use)
    }

    pub fn count(&self) -> usize {
        self.by_id.size()
    }

    fn drop_least_recently_used(&mut self) {
        let (&last_use, &id) = self.by_last_use.first().expect("there is a session to drop");
        self.by_last_use.remove_mut(&last_use);
        self.by_id.remove_mut(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_MOST_TWO: NonZeroU16 = NonZeroU16::new(2).unwrap();

    fn request(session: u64, sequence: u64) -> Request {
        Request { session: SessionId(Index(session)), sequence }
    }

    /// Makes the request with the entry at `index`; `Deleted` stands for having executed it.
    fn ask(sessions: &mut Sessions, index: u64, request: Request) -> Answer {
        sessions.execute_once(Index(index), request, || Answer::Deleted)
    }

    /// Makes the request, which must not be executed.
    fn ask_in_vain(sessions: &mut Sessions, index: u64, request: Request) -> Answer {
        sessions.execute_once(Index(index), request, || panic!("executed"))
    }

    #[test]
    fn a_request_is_executed_once_and_answered_each_time() {
        let mut sessions = Sessions::default();
        sessions.open(Index(1), AT_MOST_TWO);
        assert_eq!(ask(&mut sessions, 2, request(1, 1)), Answer::Deleted);
        assert_eq!(ask_in_vain(&mut sessions, 3, request(1, 1)), Answer::Deleted);
        assert_eq!(ask(&mut sessions, 4, request(1, 5)), Answer::Deleted);
        for forgotten in 0..5 {
            let answer = ask_in_vain(&mut sessions, 5 + forgotten, request(1, forgotten));
            assert_eq!(answer, Answer::SequenceForgotten { latest: 5 });
        }
    }

    #[test]
    fn request_0_is_the_opening() {
        let mut sessions = Sessions::default();
        let opened = sessions.open(Index(1), AT_MOST_TWO);
        assert_eq!(ask_in_vain(&mut sessions, 2, request(1, 0)), opened);
    }

    #[test]
    fn the_least_recently_used_session_makes_room() {
        let mut sessions = Sessions::default();
        sessions.open(Index(1), AT_MOST_TWO);
        sessions.open(Index(2), AT_MOST_TWO);
        // Even a try that is refused is a use: the client is there.
        ask(&mut sessions, 3, request(1, 7));
        ask(&mut sessions, 4, request(2, 1));
        ask_in_vain(&mut sessions, 5, request(1, 6));
        sessions.open(Index(6), AT_MOST_TWO);

        let unknown = Answer::SessionUnknown { session: SessionId(Index(2)) };
        assert_eq!(ask_in_vain(&mut sessions, 7, request(2, 1)), unknown);
        assert_eq!(ask_in_vain(&mut sessions, 8, request(1, 7)), Answer::Deleted);
        assert_eq!(sessions.count(), 2);
    }

    #[test]
    fn a_smaller_limit_drops_several() {
        let mut sessions = Sessions::default();
        for index in 1..=5 {
            sessions.open(Index(index), NonZeroU16::MAX);
        }
        sessions.open(Index(6), AT_MOST_TWO);
        let left = [5, 6].map(|id| sessions.contains(SessionId(Index(id))));
        assert_eq!((sessions.count(), left), (2, [true, true]));
    }
}
