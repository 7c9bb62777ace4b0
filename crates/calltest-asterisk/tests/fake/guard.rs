//! Budgets: a call that they have no room for does not go out, and the run ends as an error that says why.

use std::fs;
use std::num::NonZeroU32;

use calltest_core::guard::Budget;
use calltest_core::plan::Link;
use calltest_runner::CallLog;
use fake_asterisk::{FakeAsterisk, Request};

use crate::scene::{Stage, call, check, ends, passes};
use crate::{nothing_is_left, scene};

fn one_call_an_hour(link: &mut Link) {
    link.guard.budget = Budget { calls_per_hour: NonZeroU32::new(1), ..Budget::default() };
}

fn call_log(stage: &Stage) -> String {
    fs::read_to_string(stage.state.path().join(CallLog::FILE_NAME)).unwrap()
}

/// How many calls the server was asked to make.
fn originates(fake: &FakeAsterisk) -> usize {
    let makes_a_call = |request: &&Request| {
        let id = request.path.strip_prefix("/channels/ct");
        request.method == "POST" && id.is_some_and(|id| !id.contains('/'))
    };
    fake.look(move |view| view.requests().filter(makes_a_call).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_budget_has_no_room_for_does_not_go_out() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake)
        .change_link("fone1", one_call_an_hour)
        .open(&[call(ends("fone1", "trunk", "trunk", "fone1"))])
        .await;
    passes(&stage.run().await);
    let lines: Vec<String> = call_log(&stage).lines().map(str::to_owned).collect();
    let [begun, ended] = &lines[..] else { panic!("{lines:?}") };
    assert!(begun.starts_with("call ") && begun.ends_with(" 25 fone1") && ended.starts_with("end "), "{lines:?}");
    let before = originates(&fake);
    let run = stage.run().await;
    let rule = "the call did not go out by guard.calls_per_hour of link fone1: 1: the budget is used up; the next call is possible in ";
    check(&run, "error", |reason| reason.starts_with(rule) && reason.ends_with(" min"));
    assert_eq!((before, originates(&fake)), (1, 1));
    assert_eq!(call_log(&stage).lines().count(), 2);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_cannot_be_counted_do_not_go_out() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake)
        .change_link("fone1", one_call_an_hour)
        .open(&[call(ends("fone1", "trunk", "trunk", "fone1"))])
        .await;
    let path = stage.state.path().join(CallLog::FILE_NAME);
    fs::create_dir(&path).unwrap();
    let run = stage.run().await;
    let expected =
        format!("the call did not go out by guard: calls cannot be counted: cannot write {}: ", path.display());
    check(&run, "error", |reason| reason.starts_with(&expected));
    assert_eq!(originates(&fake), 0);
    // Once it can be written, calls go out again.
    fs::remove_dir(&path).unwrap();
    passes(&stage.run().await);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_nothing_is_written() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[call(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    passes(&stage.run().await);
    assert_eq!(fs::read_dir(stage.state.path()).unwrap().count(), 0);
    stage.close().await;
}
