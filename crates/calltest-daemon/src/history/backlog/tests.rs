//! What is kept, what is given up, and what goes to disk together.

use std::time::{Duration, UNIX_EPOCH};

use calltest_core::verdict::VerdictKind::{self, Error, Fail, Pass};

use super::super::record::FinishedRecord;
use super::*;

const BOUND: Bound = Bound { runs: 1000, bytes: 1 << 20 };

fn run(number: u64, verdict: VerdictKind, report: &str) -> PendingRun {
    PendingRun::new(FinishedRecord {
        id: number.to_string(),
        test: "ring".into(),
        requested: UNIX_EPOCH,
        ended: UNIX_EPOCH,
        waited: Duration::ZERO,
        duration: Duration::ZERO,
        verdict,
        reason: None,
        report: report.into(),
        recordings: Vec::new(),
    })
}

fn add(backlog: &mut Backlog, number: u64, verdict: VerdictKind) -> Seq {
    backlog.add(run(number, verdict, "{}"), UNIX_EPOCH, None)
}

fn ids(backlog: &Backlog) -> Vec<&str> {
    backlog.runs.iter().map(|waiting| &*waiting.run.id).collect()
}

#[test]
fn places_grow_even_if_the_clock_does_not() {
    let mut backlog = Backlog::new(BOUND);
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let places = [5, 9, 9, 3, 10].map(|seconds| backlog.add(run(seconds, Pass, ""), at(seconds), None).0);
    assert_eq!(places, [5_000_000, 9_000_000, 9_000_001, 9_000_002, 10_000_000]);
    backlog.go_on_after(Seq(20_000_000));
    assert_eq!(backlog.add(run(6, Pass, ""), at(11), None), Seq(20_000_001));
}

#[test]
fn bytes_have_a_bound_too() {
    let mut backlog = Backlog::new(Bound { runs: 1000, bytes: 4000 });
    for number in 0..3 {
        let noise: String = (0..800).map(|_| char::from(rand::random_range(b' '..=b'~'))).collect();
        backlog.add(run(number, Fail, &noise), UNIX_EPOCH, None);
    }
    assert_eq!(backlog.shrink(false), 0);
    assert!(backlog.bytes > 2700, "{}", backlog.bytes);
    backlog.add(run(3, Error, &"\u{1f4de}".repeat(5)), UNIX_EPOCH, None);
    backlog.bound.bytes = backlog.bytes - 1;
    assert_eq!((backlog.shrink(false), ids(&backlog)), (1, vec!["0", "1", "2"]));
    backlog.bound.bytes = 0;
    assert_eq!((backlog.shrink(false), backlog.bytes, backlog.figures()), (3, 0, (0, 4)));
}

#[test]
fn what_is_being_written_is_not_dropped() {
    let mut backlog = Backlog::new(BOUND);
    add(&mut backlog, 0, Pass);
    let batch = backlog.take();
    add(&mut backlog, 1, Fail);
    backlog.bound.runs = 0;
    backlog.shrink(false);
    assert_eq!(ids(&backlog), ["0"]);
    backlog.written(&batch);
    assert!(backlog.is_empty());
    assert_eq!(backlog.bytes, 0);
}

#[test]
fn whoever_waits_is_told_when_it_is_written_and_when_it_is_not() {
    let mut backlog = Backlog::new(BOUND);
    let (written, mut wait) = oneshot::channel();
    backlog.add(run(1, Pass, ""), UNIX_EPOCH, Some(written));
    let batch = backlog.take();
    assert!(wait.try_recv().is_err());
    backlog.written(&batch);
    assert_eq!(wait.try_recv(), Ok(()));

    let (written, mut wait) = oneshot::channel();
    backlog.add(run(2, Pass, ""), UNIX_EPOCH, Some(written));
    backlog.take();
    backlog.failed();
    assert_eq!(wait.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    assert_eq!(ids(&backlog), ["2"]);
}

#[test]
fn a_state_is_not_written_before_the_runs_that_it_includes() {
    let mut backlog = Backlog::new(BOUND);
    let first = add(&mut backlog, 0, Pass);
    for number in 1..=BATCH_RUNS as u64 {
        add(&mut backlog, number, Pass);
    }
    let last = Seq(backlog.last);
    for (name, included) in [("early", Some(first)), ("late", Some(last)), ("none", None)] {
        backlog.save_test(name.into(), SavedTest { included, ..SavedTest::default() });
    }
    let names = |batch: &Batch| batch.tests.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let batch = backlog.take();
    assert_eq!((batch.runs.len(), names(&batch)), (BATCH_RUNS, vec!["early".to_owned(), "none".to_owned()]));
    backlog.written(&batch);
    let batch = backlog.take();
    assert_eq!((batch.runs.len(), names(&batch)), (1, vec!["late".to_owned()]));
}

#[test]
fn a_state_that_changes_while_it_is_written_is_written_again() {
    let mut backlog = Backlog::new(BOUND);
    let state = |failures| SavedTest { failures, ..SavedTest::default() };
    backlog.save_test("ring".into(), state(1));
    backlog.save_silence("a".into(), None);
    let batch = backlog.take();
    backlog.save_test("ring".into(), state(2));
    backlog.written(&batch);
    let batch = backlog.take();
    assert_eq!((batch.tests[0].1.value.failures, batch.silences.len()), (2, 0));
    backlog.written(&batch);
    assert!(backlog.is_empty());
}

#[test]
fn a_batch_of_long_reports_has_fewer_runs() {
    let mut backlog = Backlog::new(Bound { runs: 1000, bytes: usize::MAX });
    let noise: String = (0..2 << 20).map(|_| char::from(rand::random_range(b' '..=b'~'))).collect();
    for number in 0..6 {
        backlog.add(run(number, Pass, &noise), UNIX_EPOCH, None);
    }
    let count = backlog.take().runs.len();
    assert!((1..6).contains(&count), "{count}");
}
