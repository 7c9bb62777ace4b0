//! The switchboard of one server: finds the run that a call that comes in is for.
//!
//! Calls are matched by link; where several runs wait on one link, by the dialled number too; and by the caller's number
//! where a test checks it: never by order of arrival. The engine's own knowledge of whose call it is comes first. What may be
//! the late call of a run that has ended is nobody's. Whatever fits no run is turned away as busy and reported, so that no
//! call of a stranger stays up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::caller::is_withheld;
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan::ServerName;
use calltest_core::run::RunId;
use calltest_engine::{Arriving, Host};
use tokio::time::Instant;

use crate::Observer;
use crate::calls_out::CallsOut;
use crate::expected::{ByNumber, Expected};
use crate::inbox::{Inbox, Notice};
use crate::late_calls::{LateCall, LateCalls};

/// The switchboard of one server.
pub(crate) struct Switchboard {
    server: ServerName,
    observer: Arc<dyn Observer>,
    calls_out: Arc<CallsOut>,
    registered: Mutex<Registered>,
}

/// The runs that wait for a call or have theirs, and the calls of those that have ended.
#[derive(Default)]
struct Registered {
    /// By the name under which their calls arrive: ten thousand runs may wait, each on a link of its own.
    waiting: HashMap<String, Vec<Waiting>>,
    late: LateCalls,
}

struct Waiting {
    run: RunId,
    expected: Expected,
    stage: Stage,
    /// Who called, and what was dialled, by the call that it has.
    taken: Option<(String, String)>,
    inbox: Arc<Inbox>,
}

/// How far a run has come with the call that it waits for. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nothing has been done yet that could cause it, so whatever comes is not its own.
    Early,
    /// It may come.
    Due,
    /// It has come, as it seems.
    Arrived,
    /// It has certainly come, so whatever else comes is not its own.
    Certain,
}

/// Says that a run waits for a call, or has one, until it is dropped.
pub(crate) struct Registration {
    switchboard: Arc<Switchboard>,
    run: RunId,
    /// The name under which its call arrives.
    arrives_as: String,
}

/// What is to be done with a call.
enum Whose {
    /// It is the call of this one waiting run.
    TheirsAlone(usize),
    /// It is turned away, and the runs that it concerns have been told.
    Told,
    /// It is what is left of a call whose run has ended, and is turned away without a word.
    Leftover,
    /// It is turned away and reported: nobody waits here.
    Nobodys,
}

impl Switchboard {
    pub(crate) fn new(server: ServerName, observer: Arc<dyn Observer>, calls_out: Arc<CallsOut>) -> Self {
        Self { server, observer, calls_out, registered: Mutex::default() }
    }

    /// Lets a run wait for a call. Has to be done before anything can cause that call.
    pub(crate) fn expect(self: &Arc<Self>, run: RunId, expected: Expected, inbox: &Arc<Inbox>) -> Registration {
        let arrives_as = expected.link.arrives_as.as_str().to_owned();
        let waiting = Waiting { run, expected, stage: Stage::Early, taken: None, inbox: Arc::clone(inbox) };
        self.registered().waiting.entry(arrives_as.clone()).or_default().push(waiting);
        Registration { switchboard: Arc::clone(self), run, arrives_as }
    }

    /// How many runs wait for a call.
    pub(crate) fn calls_awaited(&self) -> usize {
        self.registered().waiting.values().map(Vec::len).sum()
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Switchboard {
    /// Finds the run that it is for. Runs hear of a call before it is turned away, since what is dropped here is.
    fn arrived(&self, call: Arriving) {
        let mut registered = self.registered();
        let whose = registered.whose(&call, &self.calls_out);
        if call.of_run.is_none() && !matches!(whose, Whose::TheirsAlone(_)) {
            self.calls_out.turned_away(&call);
        }
        match whose {
            Whose::TheirsAlone(index) => {
                let theirs = registered.waiting.get_mut(&call.link).map(|on_link| &mut on_link[index]);
                let theirs = theirs.expect("whose call it is was found among those on its link");
                theirs.taken = Some((call.caller.clone(), call.dialled.clone()));
                theirs.stage = if call.of_run.is_some() { Stage::Certain } else { Stage::Arrived };
                theirs.inbox.put(Notice::Arrived(call));
            }
            Whose::Nobodys => {
                let Arriving { link, caller, dialled, .. } = &call;
                tracing::warn!(server = %self.server, %link, %caller, %dialled, "rejected a call that no run waits for");
                let (link, caller, dialled) = (link.clone(), caller.clone(), dialled.clone());
                self.server_event(ServerEvent {
                    server: self.server.clone(),
                    what: ServerProgress::Stray { link, caller, dialled },
                });
            }
            Whose::Leftover => {
                let Arriving { link, caller, dialled, .. } = &call;
                let why = "rejected what is left of a call whose run has ended";
                tracing::info!(server = %self.server, %link, %caller, %dialled, "{why}");
            }
            Whose::Told => {}
        }
    }

    fn server_event(&self, event: ServerEvent) {
        self.observer.server_event(event);
    }
}

impl Registered {
    /// Finds out whose call it is, and tells the runs that it concerns but does not belong to.
    fn whose(&mut self, call: &Arriving, calls_out: &CallsOut) -> Whose {
        let Self { waiting, late } = self;
        let on_link = waiting.get(&call.link).map_or(&[][..], Vec::as_slice);
        if call.may_be_tail && on_link.is_empty() {
            return Whose::Leftover;
        }
        let Some(run) = call.of_run else { return whose_by_looks(on_link, late, call) };
        let Some(own) = on_link.iter().position(|waiting| waiting.run == run) else {
            if calls_out.came_back(run, &call.link) {
                return Whose::Told;
            }
            // The run that made it has ended.
            late.forget(run);
            return Whose::Leftover;
        };
        // A run's own call is that run's and nobody else's, but it may be wrong all the same.
        let owner = &on_link[own];
        let fits = owner.expected.has_number(call, on_link.len() > 1) || owner.fits_by_caller(call);
        match fits && owner.expected.mismatch(call).is_none() {
            true if owner.stage < Stage::Arrived => return Whose::TheirsAlone(own),
            true => owner.inbox.put(Notice::AnotherFits),
            false => owner.inbox.put(owner.notice_of_other(call)),
        }
        Whose::Told
    }
}

/// The same for a call of which the engine does not know whose it is.
fn whose_by_looks(on_link: &[Waiting], late: &mut LateCalls, call: &Arriving) -> Whose {
    let fitting = fitting(on_link, call);
    // Where one run fits and waits, the late call has to be told from that run's own.
    let other = match fitting[..] {
        [theirs] => Some(&theirs.expected),
        _ => None,
    };
    if late.take(call, other) {
        let concerned = if fitting.is_empty() { on_link.iter().collect() } else { fitting };
        concerned.into_iter().for_each(|waiting| waiting.doubt(call));
        return Whose::Leftover;
    }
    let is_awaited = fitting.iter().any(|waiting| waiting.stage == Stage::Due);
    let branched = on_link.iter().find(|waiting| !is_awaited && waiting.has_its_like(call));
    if let Some(waiting) = branched {
        waiting.inbox.put(Notice::Duplicate { caller: call.caller.clone(), dialled: call.dialled.clone() });
        return Whose::Told;
    }
    match fitting[..] {
        [] if on_link.is_empty() => return Whose::Nobodys,
        [] => on_link.iter().for_each(|waiting| waiting.inbox.put(waiting.notice_of_other(call))),
        [theirs] if theirs.stage == Stage::Due => {
            let index = on_link.iter().position(|waiting| std::ptr::eq(waiting, theirs));
            return Whose::TheirsAlone(index.expect("what fits was found among those on the link"));
        }
        _ => fitting.iter().for_each(|waiting| waiting.inbox.put(Notice::AnotherFits)),
    }
    Whose::Told
}

/// The runs whose own call it may be, by what it shows.
fn fitting<'w>(on_link: &'w [Waiting], call: &Arriving) -> Vec<&'w Waiting> {
    let shares_link = on_link.len() > 1;
    let may_have: Vec<&Waiting> = on_link.iter().filter(|waiting| waiting.may_have_come()).collect();
    let fits = |waiting: &&&Waiting| {
        waiting.expected.has_number(call, shares_link) && waiting.expected.mismatch(call).is_none()
    };
    let fitting: Vec<&Waiting> = may_have.iter().filter(fits).copied().collect();
    if !fitting.is_empty() || on_link.iter().any(|waiting| waiting.expected.shares_trunk) {
        return fitting;
    }
    // Numbers that merely differ in form tell nothing where the caller's tells enough.
    let by_caller: Vec<&Waiting> = may_have.into_iter().filter(|waiting| waiting.fits_by_caller(call)).collect();
    if by_caller.len() == 1 { by_caller } else { Vec::new() }
}

impl Waiting {
    /// Whether a call that comes in now may be its own.
    fn may_have_come(&self) -> bool {
        matches!(self.stage, Stage::Due | Stage::Arrived)
    }

    /// Whether the caller's number tells that it is the call awaited, whatever it has dialled.
    fn fits_by_caller(&self, call: &Arriving) -> bool {
        let Expected { caller, shares_trunk, .. } = &self.expected;
        self.stage < Stage::Arrived && !shares_trunk && caller.is_some() && self.expected.mismatch(call).is_none()
    }

    /// Whether a call looks like a branch of the one that it has: forks and ring groups deliver a call more than once. Who
    /// withholds the number may be anybody.
    fn has_its_like(&self, call: &Arriving) -> bool {
        let is_like = |(caller, dialled): &(String, String)| *caller == call.caller && *dialled == call.dialled;
        self.taken.as_ref().is_some_and(is_like) && !is_withheld(&call.caller)
    }

    /// What the run is told of a call that is not its own.
    fn notice_of_other(&self, call: &Arriving) -> Notice {
        let (caller, dialled) = (call.caller.clone(), call.dialled.clone());
        match self.stage {
            Stage::Due => Notice::WrongCall { caller, dialled, mismatch: self.expected.mismatch(call) },
            Stage::Early | Stage::Arrived | Stage::Certain => Notice::Stranger { caller },
        }
    }

    /// Tells the run of a call that may be its own, or a late one. Whether its own comes as well will show.
    fn doubt(&self, call: &Arriving) {
        let is_for_another = self.expected.shares_trunk && self.expected.by_number(call) == ByNumber::Other;
        if self.stage == Stage::Due && !is_for_another {
            self.inbox.put(Notice::PerhapsLate { caller: call.caller.clone() });
        }
    }
}

impl Registration {
    /// From now on the call may come.
    pub(crate) fn expect_from_now(&self) {
        self.come_to(Stage::Due);
    }

    /// What has come is the run's own call, whatever else may come.
    pub(crate) fn settle(&self) {
        self.come_to(Stage::Certain);
    }

    fn come_to(&self, stage: Stage) {
        let mut registered = self.switchboard.registered();
        let on_link = registered.waiting.get_mut(&self.arrives_as);
        if let Some(waiting) = on_link.and_then(|on_link| on_link.iter_mut().find(|known| known.run == self.run)) {
            waiting.stage = waiting.stage.max(stage);
        }
    }

    /// Ends the wait for a call that may still arrive, until that moment.
    pub(crate) fn leave_late_call(self, until: Instant) {
        let mut registered = self.switchboard.registered();
        if let Some(Waiting { run, expected, stage: Stage::Due, .. }) = registered.remove(&self.arrives_as, self.run) {
            registered.late.add(LateCall { run, expected, until });
        }
    }
}

impl Registered {
    fn remove(&mut self, arrives_as: &str, run: RunId) -> Option<Waiting> {
        let on_link = self.waiting.get_mut(arrives_as)?;
        let place = on_link.iter().position(|waiting| waiting.run == run)?;
        let removed = on_link.remove(place);
        if on_link.is_empty() {
            self.waiting.remove(arrives_as);
        }
        Some(removed)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.switchboard.registered().remove(&self.arrives_as, self.run);
    }
}
