//! Calls that a network may still deliver although the run that made them has ended.
//!
//! Over a trunk no id tells whose call it is. A run that ends before its call has arrived leaves it here, so that the call is
//! not taken for that of the next run. Why, and for how long: `docs/design/2026-11-28-late-calls.md`.

use std::collections::HashMap;
use std::time::Duration;

use calltest_core::run::RunId;
use calltest_engine::Arriving;
use tokio::time::Instant;

use crate::expected::{ByNumber, Expected};

/// How long a network may take to deliver a call, at the least: international calls have been known to.
const MIN_DELIVERY: Duration = Duration::from_secs(10);
/// The same at the most, however long the test may take: a SIP request that nobody answers is given up after 32 s (RFC 3261,
/// timer B).
const MAX_DELIVERY: Duration = Duration::from_secs(32);
/// How many late calls are remembered on one link. The oldest, which has had the most time to come, goes first.
const MAX_ON_LINK: usize = 64;

/// Until when a call may arrive that went out at `since`, in a run that gives it so much time.
pub(crate) fn may_arrive_until(since: Instant, limit: Duration) -> Instant {
    since + limit.clamp(MIN_DELIVERY, MAX_DELIVERY)
}

/// A call whose run has ended before it arrived.
pub(crate) struct LateCall {
    pub(crate) run: RunId,
    pub(crate) expected: Expected,
    /// After this moment nobody expects it.
    pub(crate) until: Instant,
}

/// Those of one server, by the name under which they would arrive, the oldest first.
#[derive(Default)]
pub(crate) struct LateCalls(HashMap<String, Vec<LateCall>>);

impl LateCalls {
    pub(crate) fn add(&mut self, late: LateCall) {
        let now = Instant::now();
        self.0.retain(|_, on_link| {
            on_link.retain(|known| known.until > now);
            !on_link.is_empty()
        });
        let on_link = self.0.entry(late.expected.link.arrives_as.as_str().to_owned()).or_default();
        if on_link.len() == MAX_ON_LINK {
            on_link.remove(0);
        }
        on_link.push(late);
    }

    /// Whether a call may be a late one, although it may be that of the run that expects `other`. If it may, that late call is
    /// not expected any more.
    pub(crate) fn take(&mut self, call: &Arriving, other: Option<&Expected>) -> bool {
        let now = Instant::now();
        let Some(on_link) = self.0.get_mut(&call.link) else { return false };
        on_link.retain(|late| late.until > now);
        let place = on_link.iter().position(|late| late.expected.may_be(call, other));
        if let Some(place) = place {
            on_link.remove(place);
        }
        if on_link.is_empty() {
            self.0.remove(&call.link);
        }
        place.is_some()
    }

    /// The late call of that run has come.
    pub(crate) fn forget(&mut self, run: RunId) {
        for on_link in self.0.values_mut() {
            on_link.retain(|late| late.run != run);
        }
    }
}

impl Expected {
    /// Whether a call may be the one expected here, rather than that of a run that expects `other`.
    fn may_be(&self, call: &Arriving, other: Option<&Expected>) -> bool {
        let is_others = other.is_some_and(|other| other.by_number(call) == ByNumber::Same);
        let by_number = match self.by_number(call) {
            ByNumber::Other => !is_others && !self.shares_trunk,
            ByNumber::Same | ByNumber::Nothing => true,
        };
        by_number && self.mismatch(call).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use calltest_core::number::Dialplan;
    use calltest_core::number_rule::NumberRules;
    use calltest_core::plan::{Asterisk, Link, Secret, Server, ServerKind};
    use calltest_core::quiet::QuietTimes;

    fn late(run: u64, link: &str, until: Instant) -> LateCall {
        let link = Link::new(link, "a");
        let kind = ServerKind::Asterisk(Asterisk {
            host: "a.example".into(),
            port: 8088,
            tls: None,
            path: String::new(),
            timeout: Duration::from_secs(5),
            username: String::new(),
            password: Secret::new(""),
            app: "calltest".into(),
            play_base: String::new(),
            record_base: String::new(),
        });
        let server = Server {
            name: "a".into(),
            dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            max_calls: None,
            quiet: QuietTimes::default(),
            kind,
        };
        let (link, server) = (Arc::new(link), Arc::new(server));
        let expected = Expected { link, server, shares_trunk: false, number: None, caller: None };
        LateCall { run: RunId(run), expected, until }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_in_number_and_time() {
        let mut calls = LateCalls::default();
        let until = Instant::now() + MIN_DELIVERY;
        (0..1000).for_each(|run| calls.add(late(run, "bar", until)));
        let runs: Vec<u64> = calls.0["bar"].iter().map(|late| late.run.0).collect();
        assert_eq!(runs, (936..1000).collect::<Vec<u64>>(), "the oldest goes first");
        // Links may go with a plan, so whatever is over goes with the next one on any link.
        tokio::time::advance(MIN_DELIVERY).await;
        calls.add(late(1000, "foo", Instant::now() + MIN_DELIVERY));
        assert_eq!(calls.0.keys().collect::<Vec<_>>(), ["foo"]);
        calls.forget(RunId(1000));
        assert!(calls.0["foo"].is_empty());
    }
}
