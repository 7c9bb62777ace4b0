//! Digits: which are wrong, in which direction, and what they show.

use super::*;

#[test]
fn digits_are_told_apart() {
    let up = || story(Milestone::Answer).arrived().src(Observation::Answered);
    up().digits(Side::Dst, "04427", "0447")
        .stopped(Stop::DigitsWrong { to: Side::Dst })
        .is("fail", "bar (dst): expected digits 04427, received 0447: number 4 missing");
    up().digits(Side::Dst, "04427", "044270")
        .is("fail", "bar (dst): expected digits 04427, received 044270: more than were sent");
    up().digits(Side::Dst, "04427", "0442")
        .deadline(Awaiting::Digits(Side::Dst))
        .is("fail", "bar (dst): expected digits 04427, received 0442 before the deadline (30 s): last digit missing");
    up().digits(Side::Src, "04427", "")
        .stopped(Stop::DigitsOverdue {
            to: Side::Src,
            overdue: Duration::from_secs(3),
            given_up_at: Duration::from_secs(60),
        })
        .is("fail", "foo (src): expected digits 04427, received none until 3 s after the last was due");
    // A script that claims to be through without its digits is not believed.
    up().digits(Side::Src, "04427", "044")
        .is("error", "the call stopped while foo waited for digits, and nothing that was seen explains it");
}

// field telephony 21
#[test]
fn the_direction_is_told_where_both_ends_are_one_link() {
    let mut case = story(Milestone::Answer).arrived().src(Observation::Answered).digits(Side::Dst, "123", "112233");
    (case.evidence.src, case.evidence.dst) = (Some("line".into()), Some("line".into()));
    case.is("fail", "line (dst): expected digits 123, received 112233: every digit twice");
}

/// What comes in after it was given up was missing all the same, though the call is still up for the other direction.
#[test]
fn digits_that_come_after_they_were_given_up_are_missing() {
    let given_up = |given_up_at| {
        let stop = Stop::DigitsOverdue { to: Side::Src, overdue: Duration::from_secs(3), given_up_at };
        let up = story(Milestone::Answer).arrived().src(Observation::Answered);
        up.digits(Side::Src, "123", "12").after(5000).digits(Side::Src, "123", "3").stopped(stop)
    };
    given_up(Duration::from_secs(3))
        .is("fail", "foo (src): expected digits 123, received 12 until 3 s after the last was due: last digit missing");
    // Just then: nobody can tell whose delay that was.
    given_up(Duration::from_secs(60)).is(
        "error",
        "digits came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
}
