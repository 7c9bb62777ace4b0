//! The accounting of a budget: which calls went out lately, and whether another one may.
//!
//! Windows slide: the last hour, the last day. A call counts from the moment it goes out; its minutes are those between
//! then and its end, ringing included, and a call that is under way counts with the time that it has taken so far. Where
//! the calls are written down is left to the runner.

use std::fmt;
use std::num::NonZeroU32;

use super::{Budget, GuardOwner};
use crate::name::LinkName;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// For how long calls are kept. They count for a day; but a clock that was days ahead comes back.
const KEPT: u64 = 7 * DAY;

/// The calls of the last days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallBudget {
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
            // How long a call of the future has taken so far, nobody can tell.
            Length::AtMost(seconds) if self.start > now => self.start.saturating_add(seconds),
            Length::AtMost(seconds) => self.start.saturating_add(seconds).min(now),
        }
    }
}

impl CallBudget {
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

    /// Forgets what no budget asks for any more, even if the clock is days ahead. What lies in the future is kept, and counts:
    /// a clock that was set back, by whatever it was, frees no budget. Returns how many calls were forgotten.
    pub fn forget(&mut self, now: u64) -> usize {
        let before = self.calls.len();
        self.calls.retain(|call| call.end(now).saturating_add(KEPT) > now);
        before - self.calls.len()
    }

    /// Whether a call may go out over a link now, by the budget of all links and by that of this one.
    ///
    /// # Errors
    /// Names the limit that keeps it waiting longest.
    pub fn check(&self, overall: &Budget, of_link: &Budget, link: &LinkName, now: u64) -> Result<(), Exhausted> {
        let account = |budget, link| Account { past: self, budget, link, now };
        let accounts = [account(overall, None), account(of_link, Some(link))];
        let exhausted = accounts.iter().flat_map(Account::exhausted).max_by_key(|exhausted| exhausted.wait);
        exhausted.map_or(Ok(()), Err)
    }

    /// How much of every limit is used up, in the order of the keys: calls or minutes begun.
    pub fn usage(&self, overall: &Budget, of_link: &Budget, link: &LinkName, now: u64) -> Vec<Usage> {
        let account = |budget, link| Account { past: self, budget, link, now };
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
    past: &'l CallBudget,
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
        let calls = self.past.calls.iter().filter(|call| self.link.is_none_or(|link| call.link == *link));
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
            let last = self.past.calls.iter().map(|call| call.end(self.now)).max().unwrap_or(self.now).max(self.now);
            let (mut full, mut free) = (self.now, last.saturating_add(limit.window).saturating_add(1));
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
        let next = Wait(self.wait);
        // No window is longer than a day, and no call that is counted long.
        let future = if self.wait > 2 * DAY {
            ", since calls dated in the future count; if a clock was wrong then, take them out of the file guard.calls"
        } else {
            ""
        };
        format!("the budget is used up; the next call is possible in {next}{future}")
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
    fn past(calls: &[(&str, u64, u64)]) -> CallBudget {
        let mut past = CallBudget::default();
        for (id, (link, ago, seconds)) in (0..).zip(calls) {
            let length = Length::Seconds(*seconds);
            past.begin(PastCall { id, link: (*link).into(), start: NOW - ago, length });
        }
        past
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
        let checked = past(calls).check(&Budget::default(), &budget, &"trunk".into(), NOW);
        assert_eq!(checked.as_ref().err().map(|exhausted| exhausted.wait), wait, "{checked:?}");
        if let Err(exhausted) = checked {
            assert_eq!((exhausted.key, exhausted.limit.get(), exhausted.next), (key, limit, NOW + exhausted.wait));
            let later = past(calls);
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
        let mut past = CallBudget::default();
        let link: LinkName = "trunk".into();
        past.begin(PastCall { id: 7, link: link.clone(), start: NOW, length: Length::AtMost(120) });
        let minute = budget("minutes_per_hour", 1);
        let check = |past: &CallBudget, now| past.check(&Budget::default(), &minute, &link, now).map_err(|e| e.wait);
        assert_eq!(check(&past, NOW + 59), Ok(()));
        assert_eq!(check(&past, NOW + 60), Err(3541));
        // Whoever should have noted its end is gone.
        assert_eq!(check(&past, NOW + 3000), Err(661));
        assert_eq!(check(&past, NOW + 3661), Ok(()));
        assert!(past.end(7, 30) && !past.end(8, 1));
        assert_eq!(check(&past, NOW + 60), Ok(()));
    }

    #[test]
    fn all_links_count_towards_the_overall_budget_and_the_longest_wait_is_named() {
        let calls = past(&[("trunk", 100, 0), ("other", 50, 0)]);
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
        let calls = past(&[("trunk", 100, 61), ("other", 50, 30)]);
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
    fn what_is_older_than_a_week_is_forgotten_and_what_is_ahead_is_not() {
        let mut calls = past(&[
            ("a", KEPT, 0),
            ("b", KEPT - 1, 0),
            ("c", KEPT + 3600, 3601),
            ("d", KEPT + 3600, 3600),
            ("e", 5, 1),
        ]);
        for (link, ahead) in [("f", DAY + 1), ("g", 3 * DAY), ("h", 400 * DAY)] {
            calls.begin(PastCall { id: 9, link: link.into(), start: NOW + ahead, length: Length::AtMost(1) });
        }
        assert_eq!(calls.forget(NOW), 2);
        let left: Vec<_> = calls.calls().iter().map(|call| call.link.as_str()).collect();
        assert_eq!(left, ["b", "c", "e", "f", "g", "h"]);
        // A day is a day all the same.
        check(&[("trunk", DAY, 60), ("trunk", 2 * DAY, 60)], "calls_per_day", 1, None);
    }

    #[test]
    fn a_clock_that_was_set_back_frees_no_budget() {
        for (ahead, length) in
            [(600, Length::Seconds(60)), (3 * DAY, Length::Seconds(60)), (90 * DAY, Length::AtMost(60))]
        {
            let mut past = CallBudget::default();
            past.begin(PastCall { id: 1, link: "trunk".into(), start: NOW + ahead, length });
            past.forget(NOW);
            for (key, wait) in [("calls_per_hour", ahead + 3600), ("minutes_per_hour", ahead + 3601)] {
                let exhausted = past.check(&budget(key, 1), &Budget::default(), &"x".into(), NOW).unwrap_err();
                assert_eq!(exhausted.wait, wait, "{key}");
                assert_eq!(
                    exhausted.why().contains("take them out of the file guard.calls"),
                    ahead > DAY,
                    "{exhausted}"
                );
            }
        }
    }
}
