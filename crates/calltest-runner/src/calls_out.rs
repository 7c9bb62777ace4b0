//! The calls that runs have out, over all servers: each of them may come back to us, on any of our links.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::number::end_alike;
use calltest_core::run::RunId;
use calltest_engine::Arriving;

use crate::inbox::{Inbox, Notice};

/// The calls that runs have out.
#[derive(Default)]
pub(crate) struct CallsOut(Mutex<HashMap<RunId, CallOut>>);

/// A call that is out, and how it would look if it came in.
pub(crate) struct CallOut {
    /// Where its run is told.
    pub(crate) inbox: Arc<Inbox>,
    /// The number that it dialled, if it is known.
    pub(crate) dialled: Option<String>,
    /// The caller's number that it should show, if it is known.
    pub(crate) caller: Option<String>,
    /// Whether its run waits for it, so that the switchboard knows how it looks.
    pub(crate) is_awaited: bool,
}

/// Says that a run has a call out, until it is dropped.
pub(crate) struct ReturnWatch {
    calls_out: Arc<CallsOut>,
    run: RunId,
}

impl CallsOut {
    /// Watches for the return of a call that a run is about to send out.
    pub(crate) fn watch(self: &Arc<Self>, run: RunId, call: CallOut) -> ReturnWatch {
        self.all().insert(run, call);
        ReturnWatch { calls_out: Arc::clone(self), run }
    }

    /// Tells a run that its own call came back. Whether that run still has it out.
    pub(crate) fn came_back(&self, run: RunId, link: &str) -> bool {
        let all = self.all();
        let own = all.get(&run);
        if let Some(own) = own {
            own.inbox.put(Notice::CameBack { link: link.to_owned() });
        }
        own.is_some()
    }

    /// Tells of a call that is about to be rejected those runs whose own it may be, by its numbers.
    pub(crate) fn turned_away(&self, call: &Arriving) {
        for out in self.all().values().filter(|out| !out.is_awaited && out.looks_like(call)) {
            let Arriving { link, caller, dialled, .. } = call;
            let (link, caller, dialled) = (link.clone(), caller.clone(), dialled.clone());
            out.inbox.put(Notice::TurnedAway { link, caller, dialled });
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<RunId, CallOut>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallOut {
    fn looks_like(&self, call: &Arriving) -> bool {
        let is_it = |own: &Option<String>, shown: &str| own.as_ref().is_some_and(|own| end_alike(own, shown));
        let is_number = |shown: &&String| shown.contains(|c: char| c.is_ascii_digit());
        // What comes in on no link at all is the tail of a call, or another mistake of the dialplan.
        let shows_nothing = !call.link.is_empty() && ![&call.caller, &call.dialled].iter().any(is_number);
        shows_nothing || is_it(&self.dialled, &call.dialled) || is_it(&self.caller, &call.caller)
    }
}

impl Drop for ReturnWatch {
    fn drop(&mut self) {
        self.calls_out.all().remove(&self.run);
    }
}
