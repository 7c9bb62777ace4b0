//! Leases: who may use a link, a server, or a place among all calls, and when.
//!
//! A run asks once for everything it needs and gets all of it or waits for all of it, so no two runs can each hold what
//! the other wants. The order is first come, first served; a request that can be granted may overtake one that cannot,
//! but only so often: after [`MAX_OVERTAKEN`] times nobody takes what it waits for any more. Requests of the same moment
//! are ordered by priority and name. The trait is the seam at which a cluster's leases can replace the in-process ones.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use calltest_core::plan::{CallTest, LinkName, Plan, ServerName, TestName};
use calltest_engine::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How often a waiting request may be overtaken.
const MAX_OVERTAKEN: u32 = 16;
/// Requests that come within this time of each other count as of the same moment.
const SAME_MOMENT: Duration = Duration::from_millis(10);

/// Something of which only so many may be in use at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A link; its limit is the link's `max_calls`.
    Link(LinkName),
    /// A server; its limit is the server's `max_calls`.
    Server(ServerName),
    /// A place among all calls; its limit is the plan's `max_calls`.
    Total,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => write!(f, "link {link}"),
            Self::Server(server) => write!(f, "server {server}"),
            Self::Total => f.write_str("the total of calls"),
        }
    }
}

/// How many of a resource are wanted, and how many of it there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// What is wanted.
    pub resource: Resource,
    /// How many of it.
    pub count: u32,
    /// How many there are in all.
    pub limit: u32,
}

/// All that one run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Each resource at most once.
    pub wants: Vec<Want>,
    /// Orders requests of the same moment: lower first.
    pub prio: i64,
    /// Orders requests of the same moment and priority.
    pub name: TestName,
}

impl LeaseRequest {
    /// What a run of this test needs: its links, the servers they lie on, and one of all the calls. Who only looks needs nothing.
    pub fn for_test(plan: &Plan, test: &CallTest) -> Self {
        let mut wants: Vec<Want> = Vec::new();
        let mut want = |resource: Resource, limit: Option<NonZeroU32>, at_most_once: bool| {
            let Some(limit) = limit.map(NonZeroU32::get) else { return };
            match wants.iter_mut().find(|want| want.resource == resource) {
                Some(_) if at_most_once => {}
                Some(want) => want.count += 1,
                None => wants.push(Want { resource, count: 1, limit }),
            }
        };
        let in_use = [test.route.src(), test.route.dst()].into_iter().flatten();
        let mut has_call = false;
        for name in in_use {
            has_call = true;
            let server = plan.server_of(name);
            want(Resource::Link(name.clone()), Some(plan.link(name).max_calls), false);
            want(Resource::Server(server.name.clone()), server.max_calls, true);
        }
        want(Resource::Total, plan.max_calls.filter(|_| has_call), true);
        let prio = test.links().into_iter().map(|link| plan.link(link).prio).min().unwrap_or(0);
        Self { wants, prio, name: test.name.clone() }
    }
}

/// Hands out leases.
pub trait Leases: Send + Sync {
    /// Waits until all that is requested can be had at once. Dropping the future takes the request back.
    fn acquire(&self, request: LeaseRequest) -> BoxFuture<'_, Box<dyn LeaseSet>>;
}

/// What a run holds while it lasts. Dropping it gives everything back as well, where that needs no waiting.
pub trait LeaseSet: Send + Sync {
    /// Completes if the leases are lost before they are released, as a cluster's can be.
    fn lost(&self) -> BoxFuture<'_, ()>;

    /// Gives everything back, and returns once others can have it.
    fn release(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Leases among the runs of this process.
#[derive(Debug, Clone, Default)]
pub struct LocalLeases {
    desk: Arc<Mutex<Desk>>,
}

/// What is in use, and who waits.
#[derive(Debug, Default)]
struct Desk {
    used: HashMap<Resource, u32>,
    waiting: Vec<Waiter>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    since: Instant,
    request: LeaseRequest,
    overtaken: u32,
    grant: oneshot::Sender<Held>,
}

/// Local leases that are held; given back on drop.
#[derive(Debug)]
struct Held {
    desk: Arc<Mutex<Desk>>,
    wants: Vec<Want>,
}

impl Leases for LocalLeases {
    fn acquire(&self, request: LeaseRequest) -> BoxFuture<'_, Box<dyn LeaseSet>> {
        Box::pin(async move {
            let (grant, granted) = oneshot::channel();
            let ticket = {
                let mut desk = lock(&self.desk);
                let ticket = desk.enqueue(request, grant);
                desk.serve(&self.desk);
                ticket
            };
            // If this future is dropped while it waits, the request must not keep others back any longer.
            let _withdrawal = Withdrawal { desk: &self.desk, ticket };
            let held = granted.await.expect("a waiting request stays at the desk until it is granted or withdrawn");
            Box::new(held) as Box<dyn LeaseSet>
        })
    }
}

/// Takes a request back when its future goes away.
struct Withdrawal<'a> {
    desk: &'a Arc<Mutex<Desk>>,
    ticket: u64,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        let mut desk = lock(self.desk);
        if let Some(place) = desk.waiting.iter().position(|waiter| waiter.ticket == self.ticket) {
            desk.waiting.remove(place);
            desk.serve(self.desk);
        }
    }
}

impl Desk {
    fn enqueue(&mut self, request: LeaseRequest, grant: oneshot::Sender<Held>) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let since = Instant::now();
        // Those of the same moment stand at the end of the queue, since time does not run backwards.
        let behind = |other: &Waiter| {
            since.saturating_duration_since(other.since) > SAME_MOMENT
                || (other.request.prio, &other.request.name) <= (request.prio, &request.name)
        };
        let place = self.waiting.iter().rposition(behind).map_or(0, |place| place + 1);
        self.waiting.insert(place, Waiter { ticket, since, request, overtaken: 0, grant });
        ticket
    }

    /// Grants whatever can be granted, in order.
    fn serve(&mut self, shared: &Arc<Mutex<Desk>>) {
        let mut reserved: Vec<Resource> = Vec::new();
        let mut passed: Vec<usize> = Vec::new();
        let mut place = 0;
        while place < self.waiting.len() {
            let request = &self.waiting[place].request;
            let is_free = |want: &Want| self.used.get(&want.resource).copied().unwrap_or(0) + want.count <= want.limit;
            let is_open = |want: &Want| !reserved.contains(&want.resource);
            if !request.wants.iter().all(|want| is_free(want) && is_open(want)) {
                if self.waiting[place].overtaken >= MAX_OVERTAKEN {
                    reserved.extend(request.wants.iter().map(|want| want.resource.clone()));
                }
                passed.push(place);
                place += 1;
                continue;
            }
            let waiter = self.waiting.remove(place);
            for want in &waiter.request.wants {
                *self.used.entry(want.resource.clone()).or_default() += want.count;
            }
            let shares = |other: &Waiter| {
                let wants = &waiter.request.wants;
                other.request.wants.iter().any(|want| wants.iter().any(|taken| taken.resource == want.resource))
            };
            for index in &passed {
                if shares(&self.waiting[*index]) {
                    self.waiting[*index].overtaken += 1;
                }
            }
            let held = Held { desk: Arc::clone(shared), wants: waiter.request.wants };
            if let Err(mut unwanted) = waiter.grant.send(held) {
                // Withdrawn at this very moment: its part goes back here, since we hold the lock that its drop needs.
                self.give_back(&std::mem::take(&mut unwanted.wants));
            }
        }
    }

    fn give_back(&mut self, wants: &[Want]) {
        for want in wants {
            if let Some(used) = self.used.get_mut(&want.resource) {
                *used = used.saturating_sub(want.count);
                if *used == 0 {
                    self.used.remove(&want.resource);
                }
            }
        }
    }
}

impl LeaseSet for Held {
    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, ()> {
        drop(self);
        Box::pin(std::future::ready(()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.wants.is_empty() {
            return;
        }
        let mut desk = lock(&self.desk);
        desk.give_back(&self.wants);
        desk.serve(&self.desk);
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn request(name: &str, prio: i64, links: &[&str]) -> LeaseRequest {
        let wants = links.iter().map(|link| Want { resource: Resource::Link((*link).into()), count: 1, limit: 1 });
        LeaseRequest { wants: wants.collect(), prio, name: name.into() }
    }

    #[tokio::test]
    async fn all_or_nothing() {
        let leases = LocalLeases::default();
        let first = leases.acquire(request("first", 0, &["a", "b"])).await;
        let mut second = leases.acquire(request("second", 0, &["b", "c"]));
        assert!((&mut second).now_or_never().is_none());
        // `c` is not held by the one that waits for `b`.
        let third = leases.acquire(request("third", 0, &["c"])).now_or_never().expect("c is free");
        third.release().await;
        first.release().await;
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn requests_of_the_same_moment_go_by_priority_and_name() {
        let leases = LocalLeases::default();
        let holder = leases.acquire(request("holder", 0, &["a"])).await;
        let mut waiting: Vec<_> = [("low", 9), ("b", 1), ("a", 1)]
            .into_iter()
            .map(|(name, prio)| (name, leases.acquire(request(name, prio, &["a"]))))
            .collect();
        waiting.iter_mut().for_each(|(_, future)| assert!(future.now_or_never().is_none()));
        holder.release().await;
        let mut order = Vec::new();
        while !waiting.is_empty() {
            let mut granted = None;
            for (index, (_, future)) in waiting.iter_mut().enumerate() {
                if let Some(lease) = future.now_or_never() {
                    granted = Some((index, lease));
                    break;
                }
            }
            let (index, lease) = granted.expect("somebody is next");
            order.push(waiting.remove(index).0);
            lease.release().await;
        }
        assert_eq!(order, ["a", "b", "low"]);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let leases = LocalLeases::default();
        // Somebody always holds `a` or `b`, so the one that wants both would starve.
        let mut holder = leases.acquire(request("x", 0, &["a"])).await;
        let mut both = leases.acquire(request("both", 0, &["a", "b"]));
        assert!((&mut both).now_or_never().is_none());
        let mut overtakers = 0;
        for turn in 0.. {
            let link = if turn % 2 == 0 { "b" } else { "a" };
            let Some(next) = leases.acquire(request("y", 0, &[link])).now_or_never() else { break };
            overtakers += 1;
            assert!(overtakers <= MAX_OVERTAKEN, "still overtaken");
            drop(std::mem::replace(&mut holder, next));
        }
        drop(holder);
        assert!(both.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_withdrawn_request_keeps_nobody_back() {
        let leases = LocalLeases::default();
        let holder = leases.acquire(request("holder", 0, &["a"])).await;
        let mut gone = leases.acquire(request("gone", 0, &["a"]));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        drop(holder);
        assert!(leases.acquire(request("next", 0, &["a"])).now_or_never().is_some());
        assert!(lock(&leases.desk).used.is_empty() && lock(&leases.desk).waiting.is_empty());
    }
}
