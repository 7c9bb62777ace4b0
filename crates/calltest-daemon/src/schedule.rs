//! When a test runs next. Pure arithmetic: the random numbers are arguments, between 0 and 1.

use std::time::Duration;

use calltest_core::plan::Schedule;
use calltest_core::streak::Streak;

/// How many tests may start in one second when the daemon does: a thousand tests must not dial all at once.
const STARTS_PER_SECOND: u32 = 20;
/// By how much of itself a pause is varied at most, so that tests with the same pause drift apart.
const JITTER: f64 = 0.05;
/// How long a test rests at least if nothing could be found out: what keeps it from that, such as a server that is down,
/// is often told at once, and asking again at once would keep everybody busy with nothing.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// When a test of so many runs for the first time, after the start of the daemon.
pub(crate) fn first_start(tests: usize, random: f64) -> Duration {
    let tests = u32::try_from(tests).unwrap_or(u32::MAX);
    (Duration::from_secs(1) * tests / STARTS_PER_SECOND).mul_f64(random.clamp(0.0, 1.0))
}

/// How long a test rests after a run: shorter while something is wrong with it, or nothing could be found out.
pub(crate) fn pause(schedule: &Schedule, streak: &Streak, random: f64) -> Duration {
    let is_well = streak.failures() == 0 && !streak.is_unknown();
    let pause = if is_well { schedule.repeat } else { schedule.retry };
    let pause = if streak.is_unknown() { pause.max(AFTER_ERROR) } else { pause };
    pause.mul_f64(1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use calltest_core::verdict::VerdictKind::{self, Cancelled, Error, Fail, Pass};

    use super::*;

    #[test]
    fn a_thousand_tests_take_fifty_seconds_to_start() {
        assert_eq!(first_start(1000, 1.0), Duration::from_secs(50));
        assert_eq!(first_start(1000, 0.5), Duration::from_secs(25));
        assert_eq!(first_start(1, 1.0), Duration::from_millis(50));
        assert_eq!(first_start(usize::MAX, 0.0), Duration::ZERO);
    }

    #[test]
    fn what_is_wrong_is_looked_at_again_sooner() {
        let schedule = Schedule {
            retry: Duration::from_secs(100),
            repeat: Duration::from_secs(1000),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        };
        let after = |verdicts: &[VerdictKind], random| {
            let mut streak = Streak::default();
            verdicts.iter().for_each(|verdict| streak.record(*verdict));
            pause(&schedule, &streak, random).as_secs()
        };
        assert_eq!(after(&[Pass], 0.5), 1000);
        assert_eq!(after(&[Pass, Fail], 0.5), 100);
        assert_eq!(after(&[Fail, Pass], 0.5), 1000);
        assert_eq!(after(&[Pass, Error], 0.5), 100);
        assert_eq!(after(&[Fail, Cancelled], 0.5), 100);
        assert_eq!((after(&[Pass], 0.0), after(&[Pass], 1.0)), (950, 1050));
        let at_once = Schedule { retry: Duration::ZERO, repeat: Duration::ZERO, ..schedule };
        let after = |verdict| {
            let mut streak = Streak::default();
            streak.record(verdict);
            pause(&at_once, &streak, 0.5)
        };
        assert_eq!((after(Pass), after(Fail), after(Error)), (Duration::ZERO, Duration::ZERO, AFTER_ERROR));
    }
}
