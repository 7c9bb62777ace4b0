//! Two runs that want the same app of one server.

use std::time::Duration;

use crate::server::{channels_up, nothing_is_left, run, server};

#[test]
fn a_second_run_gives_way_and_names_the_first() {
    let lab = server();
    let mut first = run(&lab, ["digits", "-C", "calls.digits.delay.answer=8"]).start();
    first.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    let second = run(&lab, ["good"]).run().exits(3);
    let sentence = second.sentence();
    let owner = format!(":{}:", first.id());
    assert!(sentence.contains("application `calltest` on ") && sentence.contains("is in use by calltest@"), "{second}");
    assert!(sentence.contains(&owner) && second.stdout.is_empty(), "{second}");
    assert_eq!(channels_up(lab.server("a")), 2, "the second has not touched the first's call");
    first.finish().exits(0).complains("").prints("1 passed");
    nothing_is_left(&lab);
}

#[test]
fn a_second_run_that_takes_over_ends_the_first_with_an_error() {
    let lab = server();
    let mut first = run(&lab, ["long"]).start();
    first.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    run(&lab, ["--take-over", "good", "digits"]).run().exits(0).complains("").prints(": 2 passed\n");
    let first = first.finish().exits(3);
    assert!(first.took < Duration::from_secs(15), "{first}");
    first.prints("error long (").prints("another process took the app over on server asterisk during the run");
    nothing_is_left(&lab);
}
