//! The accounting of a budget: which calls went out lately, and whether another one may.
//!
//! Windows slide: the last hour, the last day. A call counts from the moment it goes out; its minutes are those between
//! then and its end, ringing included, and a call that is under way counts with the time that it has taken so far. Where
//! the calls are written down is left to the runner.

use std::fmt;
use std::num::NonZeroU32;

use super::{Budget, GuardOwner};
use crate::plan::LinkName;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// The calls of the last day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    calls: Vec<PastCall>,
}

/// A call that went out. Times are seconds since 1970 by the wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// What tells it from the others.
    pub id: u64,
    /// The link that it went out on.
    pub link: LinkName,
    /// When it went out.
    pub start: u64,
    /// How many seconds it took.
    pub length: Length,
}

/// How long a call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// It is over.
    Seconds(u64),
    /// Its end is not known; but it cannot take longer than this.
    AtMost(u64),
}

impl PastCall {
    /// The last second that is known to belong to it.
    fn end(&self, now: u64) -> u64 {
        match self.length {
            Length::Seconds(seconds) => self.start.saturating_add(seconds),
            Length::AtMost(seconds) => self.start.saturating_add(seconds).min(now.max(self.start)),
        }
    }
}

impl Ledger {
    /// The calls, in the order in which they were noted.
    pub fn calls(&self) -> &[PastCall] {
        &self.calls
    }

    /// Notes a call that goes out.
    pub fn begin(&mut self, call: PastCall) {
        self.calls.push(call);
    }

    /// Notes the end of a call; returns whether there is such a call.
    pub fn end(&mut self, id: u64, seconds: u64) -> bool {
        let call = self.calls.iter_mut().rfind(|call| call.id == id);
        call.map(|call| call.length = Length::Seconds(seconds)).is_some()
    }

    /// Forgets what no budget asks for any more, and what lies so far ahead that only a wrong clock can have dated it.
    /// Returns how many calls that were.
    pub fn forget(&mut self, now: u64) -> usize {
        let before = self.calls.len();
        let concerns_now =
            |call: &PastCall| call.end(now).saturating_add(DAY) > now && call.start <= now.saturating_add(DAY);
        self.calls.retain(concerns_now);
        before - self.calls.len()
    }

    /// Whether a call may go out over a link now, by the budget of all links and by that of this one.
    ///
    /// # Errors
    /// Names the limit that keeps it waiting longest.
    pub fn check(&self, overall: &Budget, of_link: &Budget, link: &LinkName, now: u64) -> Result<(), Exhausted> {
        let account = |budget, link| Account { ledger: self, budget, link, now };
        let accounts = [account(overall, None), account(of_link, Some(link))];
        let exhausted = accounts.iter().flat_map(Account::exhausted).max_by_key(|exhausted| exhausted.wait);
        exhausted.map_or(Ok(()), Err)
    }

    /// How much of every limit is used up, in the order of the keys: calls or minutes begun.
    pub fn usage(&self, overall: &Budget, of_link: &Budget, link: &LinkName, now: u64) -> Vec<Usage> {
        let account = |budget, link| Account { ledger: self, budget, link, now };
        let accounts = [account(overall, None), account(of_link, Some(link))];
        accounts.iter().flat_map(Account::usage).collect()
    }
}

/// A limit, and how much of it is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Whose limit it is.
    pub owner: GuardOwner,
    /// Its key below `guard`.
    pub key: &'static str,
    /// What is used up.
    pub used: u64,
    /// The limit.
    pub limit: NonZeroU32,
}

/// A budget with the calls that count against it.
struct Account<'l> {
    ledger: &'l Ledger,
    budget: &'l Budget,
    link: Option<&'l LinkName>,
    now: u64,
}

/// One limit of a budget.
struct Limit {
    key: &'static str,
    measure: Measure,
    window: u64,
    limit: NonZeroU32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Calls,
    Minutes,
}

impl Account<'_> {
    fn limits(&self) -> impl Iterator<Item = Limit> {
        let Budget { calls_per_hour, calls_per_day, minutes_per_hour, minutes_per_day } = *self.budget;
        let limits = [
            ("calls_per_hour", Measure::Calls, HOUR, calls_per_hour),
            ("calls_per_day", Measure::Calls, DAY, calls_per_day),
            ("minutes_per_hour", Measure::Minutes, HOUR, minutes_per_hour),
            ("minutes_per_day", Measure::Minutes, DAY, minutes_per_day),
        ];
        limits
            .into_iter()
            .filter_map(|(key, measure, window, limit)| Some(Limit { key, measure, window, limit: limit? }))
    }

    fn owner(&self) -> GuardOwner {
        self.link.map_or(GuardOwner::TopLevel, |link| GuardOwner::Link(link.clone()))
    }

    /// Calls, or seconds of calls, in the window that ends at that time.
    fn used(&self, measure: Measure, window: u64, at: u64) -> u64 {
        let from = at.saturating_sub(window);
        let calls = self.ledger.calls.iter().filter(|call| self.link.is_none_or(|link| call.link == *link));
        match measure {
            // A call that a clock set back has put into the future counts, too.
            Measure::Calls => calls.filter(|call| call.start > from).count() as u64,
            Measure::Minutes => calls.map(|call| call.end(self.now).saturating_sub(call.start.max(from))).sum(),
        }
    }

    fn leaves_room(&self, limit: &Limit, at: u64) -> bool {
        let most = u64::from(limit.limit.get());
        let most = if limit.measure == Measure::Minutes { most * 60 } else { most };
        self.used(limit.measure, limit.window, at) < most
    }

    fn exhausted(&self) -> impl Iterator<Item = Exhausted> {
        self.limits().filter(|limit| !self.leaves_room(limit, self.now)).map(|limit| {
            // Time only empties a window, so the moment can be found by halving what is left.
            let (mut full, mut free) = (self.now, self.now.saturating_add(limit.window).saturating_add(DAY + 1));
            while free - full > 1 {
                let middle = full + (free - full) / 2;
                if self.leaves_room(&limit, middle) { free = middle } else { full = middle }
            }
            Exhausted { owner: self.owner(), key: limit.key, limit: limit.limit, next: free, wait: free - self.now }
        })
    }

    fn usage(&self) -> impl Iterator<Item = Usage> {
        self.limits().map(|limit| {
            let used = self.used(limit.measure, limit.window, self.now);
            let used = if limit.measure == Measure::Minutes { used.div_ceil(60) } else { used };
            Usage { owner: self.owner(), key: limit.key, used, limit: limit.limit }
        })
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    /// Whose limit it is.
    pub owner: GuardOwner,
    /// Its key below `guard`.
    pub key: &'static str,
    /// The limit.
    pub limit: NonZeroU32,
    /// When the next call is possible, in seconds since 1970.
    pub next: u64,
    /// In how many seconds that is.
    pub wait: u64,
}

impl Exhausted {
    /// The limit's name, as `guard.calls_per_hour of link trunk: 60`.
    pub fn rule(&self) -> String {
        format!("guard.{} {}: {}", self.key, self.owner, self.limit)
    }

    /// What it means.
    pub fn why(&self) -> String {
        format!("the budget is used up; the next call is possible in {}", Wait(self.wait))
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule(), self.why())
    }
}

/// Seconds as people say them.
struct Wait(u64);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ ..=90 => write!(f, "{seconds} s"),
            seconds @ ..=5400 => write!(f, "{} min", seconds.div_ceil(60)),
            seconds => write!(f, "{} h {} min", seconds.div_ceil(60) / 60, seconds.div_ceil(60) % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    /// Calls as (link, how long ago, seconds).
    fn ledger(calls: &[(&str, u64, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (id, (link, ago, seconds)) in (0..).zip(calls) {
            let length = Length::Seconds(*seconds);
            ledger.begin(PastCall { id, link: (*link).into(), start: NOW - ago, length });
        }
        ledger
    }

    fn budget(key: &str, limit: u32) -> Budget {
        let limit = NonZeroU32::new(limit);
        let mut budget = Budget::default();
        match key {
            "calls_per_hour" => budget.calls_per_hour = limit,
            "calls_per_day" => budget.calls_per_day = limit,
            "minutes_per_hour" => budget.minutes_per_hour = limit,
            "minutes_per_day" => budget.minutes_per_day = limit,
            key => panic!("{key}"),
        }
        budget
    }

    /// How long a call on `trunk` has to wait, by a limit of its own.
    #[track_caller]
    fn check(calls: &[(&str, u64, u64)], key: &str, limit: u32, wait: Option<u64>) {
        let budget = budget(key, limit);
        let checked = ledger(calls).check(&Budget::default(), &budget, &"trunk".into(), NOW);
        assert_eq!(checked.as_ref().err().map(|exhausted| exhausted.wait), wait, "{checked:?}");
        if let Err(exhausted) = checked {
            assert_eq!((exhausted.key, exhausted.limit.get(), exhausted.next), (key, limit, NOW + exhausted.wait));
            let later = ledger(calls);
            let check = |now| later.check(&Budget::default(), &budget, &"trunk".into(), now);
            assert!(check(exhausted.next).is_ok() && check(exhausted.next - 1).is_err());
        }
    }

    #[test]
    fn calls_are_counted_over_a_sliding_window() {
        check(&[], "calls_per_hour", 1, None);
        check(&[("trunk", 0, 0)], "calls_per_hour", 1, Some(3600));
        check(&[("trunk", 3599, 10)], "calls_per_hour", 1, Some(1));
        check(&[("trunk", 3600, 10)], "calls_per_hour", 1, None);
        check(&[("trunk", 100, 0), ("trunk", 200, 0), ("trunk", 300, 0)], "calls_per_hour", 4, None);
        check(&[("trunk", 100, 0), ("trunk", 200, 0), ("trunk", 300, 0)], "calls_per_hour", 3, Some(3300));
        check(&[("trunk", 100, 0), ("trunk", 200, 0), ("trunk", 300, 0)], "calls_per_hour", 2, Some(3400));
        check(&[("trunk", 7200, 0), ("trunk", 100, 0)], "calls_per_day", 2, Some(86_400 - 7200));
        check(&[("other", 100, 0), ("trunk", 100, 0)], "calls_per_hour", 2, None);
    }

    #[test]
    fn minutes_are_counted_as_far_as_they_lie_in_the_window() {
        check(&[("trunk", 600, 59)], "minutes_per_hour", 1, None);
        check(&[("trunk", 600, 60)], "minutes_per_hour", 1, Some(3001));
        check(&[("trunk", 3630, 60)], "minutes_per_hour", 1, None);
        check(&[("trunk", 3630, 90)], "minutes_per_hour", 1, Some(1));
        check(&[("trunk", 600, 60), ("other", 600, 6000)], "minutes_per_hour", 2, None);
        check(&[("trunk", 600, 60), ("trunk", 600, 60)], "minutes_per_hour", 2, Some(3001));
        check(&[("trunk", 80_000, 120)], "minutes_per_day", 2, Some(6401));
    }

    #[test]
    fn a_call_under_way_counts_with_its_time_so_far_but_not_for_ever() {
        let mut ledger = Ledger::default();
        let link: LinkName = "trunk".into();
        ledger.begin(PastCall { id: 7, link: link.clone(), start: NOW, length: Length::AtMost(120) });
        let minute = budget("minutes_per_hour", 1);
        let check = |ledger: &Ledger, now| ledger.check(&Budget::default(), &minute, &link, now).map_err(|e| e.wait);
        assert_eq!(check(&ledger, NOW + 59), Ok(()));
        assert_eq!(check(&ledger, NOW + 60), Err(3541));
        // Whoever should have noted its end is gone.
        assert_eq!(check(&ledger, NOW + 3000), Err(661));
        assert_eq!(check(&ledger, NOW + 3661), Ok(()));
        assert!(ledger.end(7, 30) && !ledger.end(8, 1));
        assert_eq!(check(&ledger, NOW + 60), Ok(()));
    }

    #[test]
    fn all_links_count_towards_the_overall_budget_and_the_longest_wait_is_named() {
        let calls = ledger(&[("trunk", 100, 0), ("other", 50, 0)]);
        let overall = budget("calls_per_hour", 2);
        let exhausted = calls.check(&overall, &Budget::default(), &"third".into(), NOW).unwrap_err();
        assert_eq!(
            exhausted.to_string(),
            "guard.calls_per_hour at top level: 2: the budget is used up; the next call is possible in 59 min"
        );
        let of_link = budget("calls_per_day", 1);
        let exhausted = calls.check(&overall, &of_link, &"trunk".into(), NOW).unwrap_err();
        assert_eq!(exhausted.rule(), "guard.calls_per_day of link trunk: 1");
        assert_eq!(exhausted.why(), "the budget is used up; the next call is possible in 23 h 59 min");
    }

    #[test]
    fn what_is_used_is_told_for_every_limit() {
        let calls = ledger(&[("trunk", 100, 61), ("other", 50, 30)]);
        let overall = Budget { minutes_per_day: NonZeroU32::new(10), ..budget("calls_per_hour", 2) };
        let usage = calls.usage(&overall, &budget("calls_per_day", 5), &"trunk".into(), NOW);
        let told: Vec<_> = usage.iter().map(|u| (u.owner.to_string(), u.key, u.used, u.limit.get())).collect();
        let top = || String::from("at top level");
        let expected = [
            (top(), "calls_per_hour", 2, 2),
            (top(), "minutes_per_day", 2, 10),
            ("of link trunk".into(), "calls_per_day", 1, 5),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_older_than_a_day_is_forgotten() {
        let mut calls =
            ledger(&[("a", 86_400, 0), ("b", 86_399, 0), ("c", 90_000, 3601), ("d", 90_000, 3600), ("e", 5, 1)]);
        calls.begin(PastCall { id: 9, link: "f".into(), start: NOW + 86_401, length: Length::AtMost(1) });
        calls.begin(PastCall { id: 9, link: "g".into(), start: NOW + 86_400, length: Length::AtMost(1) });
        assert_eq!(calls.forget(NOW), 3);
        let left: Vec<_> = calls.calls().iter().map(|call| call.link.as_str()).collect();
        assert_eq!(left, ["b", "c", "e", "g"]);
    }

    #[test]
    fn a_clock_that_was_set_back_frees_no_budget() {
        let mut ledger = Ledger::default();
        ledger.begin(PastCall { id: 1, link: "trunk".into(), start: NOW + 600, length: Length::Seconds(60) });
        for (key, wait) in [("calls_per_hour", 4200), ("minutes_per_hour", 4201)] {
            let exhausted = ledger.check(&budget(key, 1), &Budget::default(), &"x".into(), NOW).unwrap_err();
            assert_eq!(exhausted.wait, wait, "{key}");
        }
    }
}
