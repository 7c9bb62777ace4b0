//! What switchboards tell a run, held until the run has time for it.
//!
//! A run's own call always reaches it, whatever the run is busy with and however many others come at the same moment. Calls
//! of others are told one by one up to a limit, and counted beyond it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calltest_core::caller::CallerMismatch;
use calltest_engine::Arriving;
use tokio::sync::Notify;

/// How many calls of others of each kind a run is told of. More means a flood, of which the number says enough.
const MAX_OTHERS: usize = 16;

/// What the switchboard tells a run.
#[derive(Debug)]
pub(crate) enum Notice {
    /// Its call is here.
    Arrived(Arriving),
    /// A call came where its own was awaited, but another one.
    WrongCall { caller: String, dialled: String, mismatch: Option<CallerMismatch> },
    /// A call came that is certainly not its own.
    Stranger { caller: String },
    /// A call came and was turned away where nobody waits, and it looks like the run's own.
    TurnedAway { link: String, caller: String, dialled: String },
    /// Its own call came once more, as a branch of the one that it has.
    Duplicate { caller: String, dialled: String },
    /// A further call came that might as well be its own.
    AnotherFits,
    /// A call came and was turned away that may be its own, or the late one of a run that has ended.
    PerhapsLate { caller: String },
    /// Its own call came back to us on a link where it waits for nothing.
    CameBack { link: String },
}

/// What a run has been told by switchboards and has not looked at.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    notices: Mutex<Notices>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Notices {
    waiting: VecDeque<Notice>,
    wrong_calls: usize,
    strangers: usize,
    /// Calls of others that the run was not told of one by one.
    left_out: usize,
    /// The run looks no more.
    is_closed: bool,
}

/// What is left in an inbox when its run looks no more.
pub(crate) struct Rest {
    /// What was not looked at.
    pub(crate) notices: VecDeque<Notice>,
    /// How many calls of others came besides those told one by one.
    pub(crate) more_calls: usize,
}

impl Inbox {
    /// The next notice. Waits for ever if there is none. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&self) -> Notice {
        loop {
            if let Some(notice) = self.notices().waiting.pop_front() {
                return notice;
            }
            self.changed.notified().await;
        }
    }

    /// Takes no more notices, and returns what is left.
    pub(crate) fn close(&self) -> Rest {
        let mut notices = self.notices();
        notices.is_closed = true;
        Rest { notices: std::mem::take(&mut notices.waiting), more_calls: std::mem::take(&mut notices.left_out) }
    }

    /// Tells the run, or at least counts.
    pub(crate) fn put(&self, notice: Notice) {
        let mut notices = self.notices();
        if notices.is_closed || !notices.has_room_for(&notice) {
            return;
        }
        notices.waiting.push_back(notice);
        drop(notices);
        self.changed.notify_one();
    }

    fn notices(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notices {
    fn has_room_for(&mut self, notice: &Notice) -> bool {
        let told = match notice {
            Notice::Arrived(_) => return true,
            Notice::WrongCall { .. } => &mut self.wrong_calls,
            Notice::Stranger { .. } | Notice::TurnedAway { .. } | Notice::Duplicate { .. } => &mut self.strangers,
            // A second one that waits would say nothing new.
            Notice::AnotherFits | Notice::CameBack { .. } | Notice::PerhapsLate { .. } => {
                let kind = std::mem::discriminant(notice);
                return !self.waiting.iter().any(|known| std::mem::discriminant(known) == kind);
            }
        };
        let has_room = *told < MAX_OTHERS;
        match has_room {
            true => *told += 1,
            false => self.left_out += 1,
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltest_engine::{BoxFuture, Claim, IncomingCall, Leg};

    struct Nothing;

    impl IncomingCall for Nothing {
        fn claim(self: Box<Self>, _claim: Claim) -> Box<dyn Leg> {
            panic!("nobody claims this call")
        }

        fn reject(self: Box<Self>) -> BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    fn own_call() -> Notice {
        let (link, caller, dialled) = ("bar".into(), "1".into(), "2".into());
        Notice::Arrived(Arriving { link, caller, dialled, of_run: None, may_be_tail: false, call: Box::new(Nothing) })
    }

    fn stranger() -> Notice {
        Notice::Stranger { caller: "3".into() }
    }

    fn wrong_call() -> Notice {
        Notice::WrongCall { caller: "3".into(), dialled: "2".into(), mismatch: None }
    }

    #[test]
    fn ones_own_call_has_its_place_whatever_else_comes() {
        let inbox = Inbox::default();
        for _ in 0..1000 {
            inbox.put(wrong_call());
            inbox.put(stranger());
            inbox.put(Notice::AnotherFits);
            inbox.put(Notice::CameBack { link: "bar".into() });
        }
        inbox.put(own_call());
        let Rest { notices, more_calls } = inbox.close();
        let count = |is_it: fn(&Notice) -> bool| notices.iter().filter(|notice| is_it(notice)).count();
        assert_eq!(count(|notice| matches!(notice, Notice::Arrived(_))), 1);
        assert_eq!(count(|notice| matches!(notice, Notice::WrongCall { .. })), MAX_OTHERS);
        assert_eq!(count(|notice| matches!(notice, Notice::Stranger { .. })), MAX_OTHERS);
        assert_eq!(count(|notice| matches!(notice, Notice::AnotherFits)), 1);
        assert_eq!(notices.len(), 2 * MAX_OTHERS + 3);
        assert_eq!(more_calls, 2 * (1000 - MAX_OTHERS));
    }

    /// The limit is one of the whole run: whoever looks often must not collect more than whoever looks once.
    #[tokio::test]
    async fn a_run_that_looks_often_is_told_no_more_than_one_that_does_not() {
        let inbox = Inbox::default();
        for _ in 0..MAX_OTHERS {
            inbox.put(stranger());
            inbox.next().await;
        }
        inbox.put(stranger());
        let Rest { notices, more_calls } = inbox.close();
        assert_eq!((notices.len(), more_calls), (0, 1));
        inbox.put(own_call());
        assert_eq!(inbox.close().notices.len(), 0, "a run that looks no more keeps nothing");
    }
}
