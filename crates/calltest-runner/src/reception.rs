//! The reception: takes in every call that the dialplan hands to our app on one server, and finds the run that it is for.
//!
//! Calls are matched by link; where several runs wait on one link, by the dialled number too; and by the caller's number
//! where a test checks it: never by order of arrival. Whatever fits no run is rejected as busy and reported, so that no
//! call of a stranger stays in the app.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_ari::requests::channels::{Hangup, HangupReason};
use calltest_ari::{Arrival, Client, Event, Incoming, Unclaimed};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::number::{CallerMismatch, PhoneNumber, end_alike};
use calltest_core::number_rule::check_caller;
use calltest_core::plan::{Link, Server, ServerName};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::Observer;
use crate::channel_id;
use crate::leavings::Leavings;

/// How many calls may wait to be looked at by one run. A run looks at once, so more means a flood, and they are rejected.
const CALLS_PER_RUN: usize = 16;

/// What a run expects of the call that it waits for.
pub(crate) struct Expected {
    /// The link on which it comes.
    pub(crate) link: Arc<Link>,
    /// How numbers look there.
    pub(crate) server: Arc<Server>,
    /// Whether other links' calls arrive under the same name, so that only the dialled number tells them apart.
    pub(crate) shares_trunk: bool,
    pub(crate) number: Option<String>,
    pub(crate) caller: Option<PhoneNumber>,
}

/// What the reception tells a run.
pub(crate) enum Called {
    /// Its call is here.
    Arrived { arrival: Arrival, caller: String, dialled: String },
    /// A call came where its own was awaited, but another one.
    Misfit { caller: String, dialled: String, mismatch: Option<CallerMismatch> },
    /// A further call came, which is not its own.
    Stranger { caller: String },
    /// A further call came that might as well be its own.
    AnotherFits,
    /// The far half of its own Local channel came in on a link where it waits for nothing.
    CameBack { link: String },
}

/// The runs that wait for a call or have theirs, and those whose Local channels may come back.
#[derive(Default)]
struct Desk {
    /// By the name under which their calls arrive: ten thousand runs may wait, each on a link of its own.
    waiting: HashMap<String, Vec<Waiting>>,
    dialled: Diallers,
}

struct Waiting {
    expected: Expected,
    /// The outbound channel of the same run, if it lies on this server.
    outbound: Option<Arc<str>>,
    has_call: bool,
    run: mpsc::Sender<Called>,
}

/// The runs whose Local channels may come back, by the outbound channel.
type Diallers = HashMap<Arc<str>, mpsc::Sender<Called>>;

/// A call that has come in.
#[derive(Clone, Copy)]
struct IncomingCall<'a> {
    id: &'a str,
    link: &'a str,
    dialled: &'a str,
    caller: &'a str,
}

/// The reception of one server.
pub(crate) struct Reception {
    server: ServerName,
    client: Client,
    observer: Arc<dyn Observer>,
    tasks: TaskTracker,
    leavings: Arc<Leavings>,
    desk: Mutex<Desk>,
    /// When the latest event came in that could not be read.
    unreadable: Mutex<Option<Instant>>,
}

/// A run's place at the reception. Dropping it says that the run waits no longer.
pub(crate) struct Place {
    reception: Arc<Reception>,
    seat: Seat,
}

/// Where in the desk's lists a run stands.
enum Seat {
    Waiting { arrives_as: String, run: mpsc::Sender<Called> },
    Dialled { channel: Arc<str> },
}

/// A line between reception and one run.
pub(crate) fn calls() -> (mpsc::Sender<Called>, mpsc::Receiver<Called>) {
    mpsc::channel(CALLS_PER_RUN)
}

impl Reception {
    pub(crate) fn new(
        server: ServerName,
        client: Client,
        observer: Arc<dyn Observer>,
        tasks: TaskTracker,
        leavings: Arc<Leavings>,
    ) -> Self {
        Self { server, client, observer, tasks, leavings, desk: Mutex::default(), unreadable: Mutex::default() }
    }

    /// Whether an event has come in since `start` that could not be read: it may have been any that is missing.
    pub(crate) fn has_unreadable_since(&self, start: Instant) -> bool {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at >= start)
    }

    /// Lets a run wait for a call. Has to be done before anything can cause that call.
    pub(crate) fn expect(
        self: &Arc<Self>,
        expected: Expected,
        outbound: Option<Arc<str>>,
        run: &mpsc::Sender<Called>,
    ) -> Place {
        let arrives_as = expected.link.arrives_as.as_str().to_owned();
        let waiting = Waiting { expected, outbound, has_call: false, run: run.clone() };
        self.desk().waiting.entry(arrives_as.clone()).or_default().push(waiting);
        Place { reception: Arc::clone(self), seat: Seat::Waiting { arrives_as, run: run.clone() } }
    }

    /// Watches for the far half of a Local channel that a run is about to originate.
    pub(crate) fn watch_for_return(self: &Arc<Self>, channel: Arc<str>, run: &mpsc::Sender<Called>) -> Place {
        self.desk().dialled.insert(Arc::clone(&channel), run.clone());
        Place { reception: Arc::clone(self), seat: Seat::Dialled { channel } }
    }

    /// Takes calls in until the connection is closed for good.
    pub(crate) async fn serve(self: Arc<Self>, mut incoming: Incoming) {
        while let Some(unclaimed) = incoming.next().await {
            match unclaimed {
                Unclaimed::Arrival(arrival) => self.take_in(arrival),
                Unclaimed::Event(event) if matches!(*event, Event::Unreadable { .. }) => {
                    *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    // It may have told of a call that nobody will take now.
                    self.leavings.suspect();
                }
                // Events of channels whose run is over, or of the far halves of Local channels.
                Unclaimed::Event(event) => tracing::trace!(server = %self.server, "unclaimed {}", event.kind()),
            }
        }
    }

    /// Hangs up a channel that no run wants, beside everything else.
    pub(crate) fn reject(&self, channel_id: String) {
        let client = self.client.clone();
        let server = self.server.clone();
        let leavings = Arc::clone(&self.leavings);
        self.tasks.spawn(async move {
            let hangup = Hangup { channel_id, reason: Some(HangupReason::Busy), ..Hangup::default() };
            match client.request(hangup).await {
                Err(error) if !error.is_not_found() => {
                    tracing::warn!(%server, "could not reject a stray call: {error}");
                    leavings.suspect();
                }
                _ => {}
            }
        });
    }

    fn take_in(&self, arrival: Arrival) {
        let mut arguments = arrival.start().args.iter().map(|argument| trimmed(argument).to_owned());
        let link = arguments.next().unwrap_or_default();
        let dialled = arguments.next().unwrap_or_default();
        let caller = arrival.channel().caller.number.trim().to_owned();
        let id = arrival.channel().id.to_string();
        let mut desk = self.desk();
        let Desk { waiting, dialled: diallers } = &mut *desk;
        let mut nobody = Vec::new();
        let on_link = waiting.get_mut(&link).unwrap_or(&mut nobody);
        let call = IncomingCall { id: &id, link: &link, dialled: &dialled, caller: &caller };
        let verdict = Self::whose(self.client.app(), on_link, diallers, &call);
        match verdict {
            Whose::TheirsAlone(index) => {
                let waiting = &mut on_link[index];
                waiting.has_call = true;
                if let Err(unsent) = waiting.run.try_send(Called::Arrived { arrival, caller, dialled }) {
                    tracing::warn!(%link, "the run that waits for this call cannot take it: {unsent}");
                    self.reject(id);
                }
            }
            // It ends by itself, unless somebody has really dialled that.
            Whose::Leftover => self.reject(id),
            Whose::Nobodys => {
                self.reject(id);
                tracing::warn!(server = %self.server, %link, %caller, %dialled, "rejected a call that no run waits for");
                let what = ServerProgress::Stray { link, caller, dialled };
                self.observer.server_event(ServerEvent { server: self.server.clone(), what });
            }
            Whose::Told => self.reject(id),
        }
    }

    /// Finds out whose call it is, and tells the runs that it concerns but does not belong to.
    fn whose(app: &str, on_link: &[Waiting], diallers: &Diallers, call: &IncomingCall<'_>) -> Whose {
        let IncomingCall { id, link, dialled, caller } = *call;
        let outbound = id.strip_suffix(";2");
        let own = |waiting: &Waiting| outbound.is_some() && waiting.outbound.as_deref() == outbound;
        // A dialplan pattern for numbers may take the `h` extension too, which Asterisk runs after each hang-up.
        if dialled == "h" || (link == "h" && on_link.is_empty()) {
            return Whose::Leftover;
        }
        let dialler = outbound.and_then(|outbound| diallers.get(outbound));
        if !on_link.iter().any(own) {
            if let Some(run) = dialler {
                tell(run, Called::CameBack { link: link.into() });
                return Whose::Told;
            }
            if outbound.is_some() && channel_id::is_ours(app, id) {
                // The run that made it has ended.
                return Whose::Leftover;
            }
        }
        if on_link.is_empty() {
            return Whose::Nobodys;
        }
        let shares_link = on_link.len() > 1;
        let mismatch = |waiting: &Waiting| {
            let Expected { link, server, caller: expected, .. } = &waiting.expected;
            expected.as_ref().and_then(|expected| check_caller(link, server, expected, caller).err())
        };
        let has_number = |waiting: &Waiting| match &waiting.expected.number {
            Some(number) if (shares_link || waiting.expected.shares_trunk) && !dialled.is_empty() => {
                end_alike(number, dialled)
            }
            _ => true,
        };
        let fits = |index: &usize| {
            let waiting = &on_link[*index];
            has_number(waiting) && mismatch(waiting).is_none()
        };
        // The other half of a run's own Local channel is that run's call and nobody else's.
        let owner = on_link.iter().position(own);
        let candidates: Vec<usize> = owner.map_or_else(|| (0..on_link.len()).collect(), |index| vec![index]);
        let mut fitting: Vec<usize> = candidates.iter().copied().filter(fits).collect();
        if fitting.is_empty() && !candidates.iter().any(|index| on_link[*index].expected.shares_trunk) {
            // Numbers that merely differ in form tell nothing where the caller's tells enough.
            let by_caller = |index: &usize| {
                let waiting = &on_link[*index];
                !waiting.has_call && waiting.expected.caller.is_some() && mismatch(waiting).is_none()
            };
            fitting = candidates.iter().copied().filter(by_caller).collect();
            fitting.truncate(if fitting.len() == 1 { 1 } else { 0 });
        }
        match fitting[..] {
            [index] if !on_link[index].has_call => Whose::TheirsAlone(index),
            [] => {
                for waiting in candidates.iter().map(|index| &on_link[*index]) {
                    let (caller, dialled) = (caller.to_owned(), dialled.to_owned());
                    let called = if waiting.has_call {
                        Called::Stranger { caller }
                    } else {
                        Called::Misfit { caller, dialled, mismatch: mismatch(waiting) }
                    };
                    tell(&waiting.run, called);
                }
                Whose::Told
            }
            _ => {
                fitting.iter().for_each(|index| tell(&on_link[*index].run, Called::AnotherFits));
                Whose::Told
            }
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done with a call.
enum Whose {
    /// It is the call of this one waiting run.
    TheirsAlone(usize),
    /// It is rejected, and the runs that it concerns have been told.
    Told,
    /// It is the tail of a call that is over, and ends by itself.
    Leftover,
    /// It is rejected and reported: nobody waits here.
    Nobodys,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut desk = self.reception.desk();
        match &self.seat {
            Seat::Dialled { channel } => drop(desk.dialled.remove(channel)),
            Seat::Waiting { arrives_as, run } => {
                let Some(on_link) = desk.waiting.get_mut(arrives_as) else { return };
                on_link.retain(|waiting| !waiting.run.same_channel(run));
                if on_link.is_empty() {
                    desk.waiting.remove(arrives_as);
                }
            }
        }
    }
}

/// Tells a run about a call that is not its own. A run that is flooded with those has seen enough of them.
fn tell(run: &mpsc::Sender<Called>, called: Called) {
    if let Err(unsent) = run.try_send(called) {
        tracing::warn!("a run was not told about another call on its link: {unsent}");
    }
}

/// A Stasis argument without the white space and quotes that dialplans leave around it.
fn trimmed(argument: &str) -> &str {
    argument.trim().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_trimmed() {
        for argument in ["foo", " foo", "\"foo\"", " \" foo \" "] {
            assert_eq!(trimmed(argument), "foo");
        }
    }
}
