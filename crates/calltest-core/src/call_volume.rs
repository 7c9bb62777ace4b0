//! Call volume: how many calls and minutes a day the tests of a plan make over each link, said before they are made.
//!
//! Only what runs by itself counts. A run takes some time besides its pause, and quiet times take runs away, so the true
//! volume is below these figures.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::guard::Budget;
use crate::name::LinkName;
use crate::plan::{CallTest, Link, Plan};

const DAY: Duration = Duration::from_secs(86_400);
const MINUTES_A_DAY: u64 = 1440;

/// What goes out over a link within a day, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Calls; `None` where one follows the other without a pause.
    pub calls: Option<u64>,
    /// Minutes, each call taken for as long as its test may last.
    pub minutes: u64,
}

/// The call volume of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallVolume {
    /// While every test passes.
    pub planned: Volume,
    /// The most that budgets let it become, whether tests pass or fail.
    pub at_most: Volume,
    /// Whether any budget holds it back.
    pub has_budget: bool,
}

impl CallVolume {
    /// That of a link which no test calls out on by itself.
    pub const NONE: Self = Self { planned: Volume::NOTHING, at_most: Volume::NOTHING, has_budget: false };

    /// The volume of every link that tests call out on by themselves.
    pub fn of_all(plan: &Plan) -> BTreeMap<&LinkName, Self> {
        let mut tests: BTreeMap<&LinkName, Vec<&CallTest>> = BTreeMap::new();
        for test in plan.tests.iter().filter(|test| !test.schedule.is_manual) {
            if let Some(src) = test.route.src() {
                tests.entry(src).or_default().push(test);
            }
        }
        tests.into_iter().map(|(link, tests)| (link, Self::of(plan, plan.link(link), &tests))).collect()
    }

    fn of(plan: &Plan, link: &Link, tests: &[&CallTest]) -> Self {
        let volume = |pause: fn(&CallTest) -> Duration| {
            let volumes = tests.iter().map(|test| Volume::of_test(pause(test), test.timeout));
            let sum = volumes.fold(Volume::NOTHING, Volume::plus);
            Volume { minutes: sum.minutes.min(MINUTES_A_DAY * u64::from(link.max_calls.get())), ..sum }
        };
        let busiest = volume(|test| test.schedule.retry.min(test.schedule.repeat));
        let budgets = [plan.guard.budget, link.guard.budget];
        Self {
            planned: volume(|test| test.schedule.repeat),
            at_most: budgets.iter().fold(busiest, Volume::within),
            has_budget: budgets.iter().any(|budget| !budget.is_unlimited()),
        }
    }
}

impl Volume {
    const NOTHING: Self = Self { calls: Some(0), minutes: 0 };

    /// That of a test with this pause between its runs. Short runs make the most calls, long ones the most minutes.
    fn of_test(pause: Duration, longest: Duration) -> Self {
        let calls = DAY.as_nanos().checked_div(pause.as_nanos());
        let share = longest.as_secs_f64() / (pause + longest).as_secs_f64().max(f64::MIN_POSITIVE);
        Self { calls: calls.map(|calls| (calls as u64).max(1)), minutes: (share * MINUTES_A_DAY as f64).ceil() as u64 }
    }

    fn plus(self, other: Self) -> Self {
        let calls = self.calls.zip(other.calls).map(|(these, those)| these.saturating_add(those));
        Self { calls, minutes: self.minutes.saturating_add(other.minutes) }
    }

    fn within(self, budget: &Budget) -> Self {
        let least = |own: Option<u64>, limit: Option<NonZeroU32>, hours: u64| {
            let limit = limit.map(|limit| u64::from(limit.get()) * hours);
            own.into_iter().chain(limit).min()
        };
        let calls = least(least(self.calls, budget.calls_per_day, 1), budget.calls_per_hour, 24);
        let minutes = least(least(Some(self.minutes), budget.minutes_per_day, 1), budget.minutes_per_hour, 24);
        Self { calls, minutes: minutes.unwrap_or(self.minutes) }
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls {
            Some(1) => f.write_str("1 call")?,
            Some(calls) => write!(f, "{calls} calls")?,
            None => f.write_str("one call after the other")?,
        }
        let ending = if self.minutes == 1 { "" } else { "s" };
        write!(f, " and up to {} minute{ending} a day", self.minutes)
    }
}

impl fmt::Display for CallVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { planned, at_most, has_budget } = self;
        let why = if *has_budget {
            "by the budgets, even if everything fails"
        } else {
            "if everything fails: there is no budget"
        };
        write!(f, "{planned} as planned; {at_most} {why}")
    }
}
