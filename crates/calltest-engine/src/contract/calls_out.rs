//! Promises about calls that go out.

use std::time::Duration;

use calltest_core::cause::HangupCause;
use calltest_core::evidence::{Observation, Side};
use tokio::time::{sleep, timeout};

use crate::contract::trial::{Trial, ends, obeys, within};
use crate::contract::{Bench, FarEnd};
use crate::{Command, Pace};

/// Longer than a call needs to get to its far end.
const A_WHILE: Duration = Duration::from_secs(2);
/// As long as a recording needs to have something in it.
const SHORT: Duration = Duration::from_millis(600);
const PACE: Pace = Pace { tone: Duration::from_millis(100), gap: Duration::from_millis(100) };

/// Whatever happens after [`Permit::dial`](crate::Permit::dial) has returned is told, even to a run that looks late.
pub async fn what_happens_after_dialling_is_told(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut leg = trial.dial(bench.target(FarEnd::Answers)).await;
    sleep(A_WHILE).await;
    trial.see(Side::Src, "the answer", |what| *what == Observation::Answered).await;
    ends(&mut *leg).await;
    trial.see_end(Side::Src).await;
    let mut trial = Trial::on(bench);
    let mut leg = trial.dial(bench.target(FarEnd::Rings)).await;
    trial.see(Side::Src, "ringing", |what| *what == Observation::Ringing).await;
    ends(&mut *leg).await;
    trial.nothing_is_up().await;
}

/// Whoever has a permit and does not use it has called nobody, and keeps nobody else from calling.
pub async fn a_permit_alone_calls_nobody(bench: &impl Bench) {
    let trial = Trial::on(bench);
    let permit = within("a turn to dial", bench.engine().permit()).await;
    drop(permit.expect("a connected engine lets calls out"));
    assert_eq!(bench.up().await, 0, "a permit that was not used made a call");
    let mut leg = trial.dial(bench.target(FarEnd::Rings)).await;
    trial.something_is_up().await;
    ends(&mut *leg).await;
    trial.nothing_is_up().await;
}

/// A call that is rejected tells its end, with the cause.
pub async fn a_rejection_tells_its_cause(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut leg = trial.dial(bench.target(FarEnd::IsBusy)).await;
    trial.see_end(Side::Src).await;
    let is_busy = |what: &Observation| match what {
        Observation::HangupRequest { end, .. } | Observation::Gone { end: Some(end) } => {
            end.cause == HangupCause::USER_BUSY
        }
        Observation::DialEnded { status } => status == "BUSY",
        _ => false,
    };
    assert!(trial.has_seen(Side::Src, is_busy), "a busy far end was not told as busy: {:#?}", trial.told);
    ends(&mut *leg).await;
    trial.nothing_is_up().await;
}

/// What happens to one leg is told in the order in which it happened, and its end last.
pub async fn a_leg_tells_things_in_their_order(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let _listening = trial.listen().await;
    let mut src = trial.dial(bench.target_at_door()).await;
    let mut dst = trial.claim(trial.arrival().await);
    obeys(&mut *dst, Command::Ring).await;
    sleep(SHORT).await;
    obeys(&mut *dst, Command::Answer).await;
    trial.see(Side::Src, "the answer", |what| *what == Observation::Answered).await;
    trial.see(Side::Src, "ringing", |what| *what == Observation::Ringing).await;
    ends(&mut *src).await;
    ends(&mut *dst).await;
    trial.see_end(Side::Src).await;
    trial.linger(SHORT).await;
    let of_src: Vec<&Observation> =
        trial.told.iter().filter(|seen| seen.side == Side::Src).map(|seen| &seen.what).collect();
    let place = |is_it: fn(&Observation) -> bool| of_src.iter().position(|what| is_it(what));
    let rang = place(|what| *what == Observation::Ringing);
    let answered = place(|what| *what == Observation::Answered);
    let gone = place(|what| matches!(what, Observation::Gone { .. }));
    assert!(rang < answered && answered < gone, "told out of order: {of_src:#?}");
    assert_eq!(gone, of_src.len().checked_sub(1), "something was told after the end: {of_src:#?}");
    trial.nothing_is_up().await;
}

/// A command to a leg that takes none yet is held back, and carried out once it does.
pub async fn commands_wait_until_the_leg_takes_them(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let _listening = trial.listen().await;
    let mut src = trial.dial(bench.target_at_door()).await;
    let mut early = src.command(Command::SendDigits { digits: "5".into(), pace: PACE });
    let outcome = timeout(SHORT, &mut early).await;
    assert!(outcome.is_err(), "a leg that is not answered took digits: {outcome:?}");
    let mut dst = trial.claim(trial.arrival().await);
    obeys(&mut *dst, Command::Answer).await;
    assert_eq!(within("an answer to the early command", early).await, Ok(()), "it was held back, then refused");
    let digit = |what: &Observation| matches!(what, Observation::DigitReceived { digit: '5', .. });
    trial.see(Side::Dst, "the digit that was sent early", digit).await;
    ends(&mut *src).await;
    ends(&mut *dst).await;
    trial.nothing_is_up().await;
}

/// Either leg takes a limit.
pub async fn a_limit_is_taken(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    obeys(&mut *up.src, Command::Limit(Duration::from_secs(30))).await;
    obeys(&mut *up.dst, Command::Limit(Duration::from_secs(30))).await;
    up.end().await;
    trial.nothing_is_up().await;
}

/// The engine itself ends a call at its limit.
pub async fn a_call_ends_at_its_limit(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut leg = trial.dial_for(bench.target(FarEnd::Rings), Duration::from_secs(2)).await;
    trial.see_end(Side::Src).await;
    trial.nothing_is_up().await;
    ends(&mut *leg).await;
}

/// Digits arrive at the other end: each of them, once, in their order.
pub async fn digits_arrive_as_they_were_sent(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    for (from, digits) in [(Side::Dst, "1447#"), (Side::Src, "09*D0")] {
        let leg = match from {
            Side::Src => &mut up.src,
            Side::Dst => &mut up.dst,
        };
        let time = leg.sending_time(digits.len(), PACE);
        assert!(time >= PACE.tone * 5, "five digits cannot be sent in {time:?}");
        obeys(&mut **leg, Command::SendDigits { digits: digits.into(), pace: PACE }).await;
        trial.linger(time).await;
        obeys(&mut **leg, Command::FlushDigits).await;
        trial.linger(A_WHILE).await;
        let arrived: String = trial.told.iter().filter_map(|seen| digit(from.other(), seen)).collect();
        assert_eq!(arrived, digits, "digits sent by {from:?}");
    }
    up.end().await;
    trial.nothing_is_up().await;
}

fn digit(to: Side, seen: &crate::Seen) -> Option<char> {
    match seen.what {
        Observation::DigitReceived { digit, .. } if seen.side == to => Some(digit),
        _ => None,
    }
}

/// What came in since [`Command::Hear`] is handed over as a WAV file, and not twice.
pub async fn what_was_heard_is_fetched_once(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    obeys(&mut *up.src, Command::Hear { name: format!("contract-{}", trial.run) }).await;
    sleep(SHORT).await;
    let heard = within("what was heard", up.src.fetch()).await;
    let bytes = heard.expect("a recording was begun").expect("a recording that was begun is there");
    assert!(bytes.starts_with(b"RIFF") && bytes.len() > 44, "{} bytes that are no WAV file with sound", bytes.len());
    assert_eq!(within("a second answer", up.src.fetch()).await, None, "a recording was handed over twice");
    up.end().await;
    trial.nothing_is_up().await;
}

/// What came in is there when its leg is not any more, whether we ended that leg or the other one did.
pub async fn what_was_heard_is_fetched_after_the_end(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    for leg in [&mut up.src, &mut up.dst] {
        obeys(&mut **leg, Command::Hear { name: format!("contract-{}", trial.run) }).await;
    }
    sleep(SHORT).await;
    ends(&mut *up.src).await;
    trial.see_end(Side::Dst).await;
    ends(&mut *up.dst).await;
    for leg in [&mut up.src, &mut up.dst] {
        let heard = within("what was heard", leg.fetch()).await.expect("a recording was begun");
        let bytes = heard.expect("a recording of a leg that has ended is there");
        assert!(
            bytes.starts_with(b"RIFF") && bytes.len() > 44,
            "{} bytes that are no WAV file with sound",
            bytes.len()
        );
        assert_eq!(within("a second answer", leg.fetch()).await, None, "a recording was handed over twice");
    }
    trial.nothing_is_up().await;
}

/// Where nothing was recorded, nothing is handed over.
pub async fn nothing_is_fetched_where_nothing_was_begun(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    assert_eq!(within("an answer", up.src.fetch()).await, None, "nobody has asked for a recording");
    up.end().await;
    trial.nothing_is_up().await;
}
