//! What the scripts wait for: ringing, early media, an answer, a rejection, digits, the caller.

use std::time::Duration;

use calltest_core::dtmf::DigitReader;
use calltest_core::evidence::{Awaiting, Fact, Observation, Side, Stop};
use calltest_core::expectation::ExpectedDigits;
use calltest_core::plan::Presence;
use calltest_core::verdict::Trouble;
use calltest_engine::{Command, EndpointStatus, Pace};
use tokio::time::Instant;

use crate::call::{Call, Party, Waited};
use crate::legs::{CallLeg, LegState};

/// How long after the last digit was due missing ones are waited for.
const DIGIT_GAP: Duration = Duration::from_secs(3);
/// How long after the last digit was due the engine is asked to let those through that it may hold back.
const DIGIT_HELP: Duration = Duration::from_millis(500);

/// A limit of one step, with how it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) until: Instant,
    /// How long that is, from where the test counts it.
    pub(crate) within: Duration,
}

impl Limit {
    pub(crate) fn from_now(within: Duration) -> Self {
        Self { until: Instant::now() + within, within }
    }
}

impl Call<'_> {
    /// Waits until the far end has rejected the call, or ended it otherwise; an answer ends the wait too. A limit of the
    /// step's own may end it earlier than the run's.
    pub(crate) async fn see_rejection(&mut self, limit: Option<Limit>) -> Result<(), Stop> {
        let is_settled = |call: &Self| call.legs.get(Side::Src).is_some_and(|leg| leg.state >= LegState::Answered);
        match self.wait(Awaiting::Rejection, limit.map(|limit| limit.until), is_settled).await? {
            Waited::Seen => Ok(()),
            Waited::Elapsed => {
                let within = limit.map_or(self.expectation.deadline, |limit| limit.within);
                Err(Stop::Overdue { awaiting: Awaiting::Rejection, within })
            }
        }
    }

    /// Waits until the caller has heard early media, where that is required; what comes after it ends the wait too.
    pub(crate) async fn see_early_media(&mut self) -> Result<(), Stop> {
        if self.expectation.early_media != Presence::Required {
            return Ok(());
        }
        let is_there = |what: &Observation| matches!(what, Observation::EarlyMedia | Observation::Answered);
        self.until(Awaiting::EarlyMedia, |call| call.saw(Side::Src, is_there)).await
    }

    /// Waits until the caller sees ringing. An answer ends the wait too, since nothing rings after it: whether it will do in
    /// place of ringing is not decided here.
    pub(crate) async fn see_ringing(&mut self) -> Result<(), Stop> {
        self.until(Awaiting::Ringing, Self::has_rung).await
    }

    /// Waits for the same, up to a limit of the step's own.
    pub(crate) async fn see_ringing_within(&mut self, limit: Limit) -> Result<(), Stop> {
        match self.wait(Awaiting::Ringing, Some(limit.until), Self::has_rung).await? {
            Waited::Seen => Ok(()),
            Waited::Elapsed => Err(Stop::Overdue { awaiting: Awaiting::Ringing, within: limit.within }),
        }
    }

    /// Where only early media stands for ringing, waits for what may come behind an announcement: a rejection.
    pub(crate) async fn hear_early_media_out(&mut self) -> Result<(), Stop> {
        let is_heard_only = self.ringing().is_some_and(|sign| sign.what == Observation::EarlyMedia)
            && !self.saw(Side::Src, |what| *what == Observation::Ringing);
        match is_heard_only {
            true => self.pause(self.test.delay.ring).await,
            false => Ok(()),
        }
    }

    fn has_rung(&self) -> bool {
        self.ringing().is_some() || self.saw(Side::Src, |what| *what == Observation::Answered)
    }

    fn ringing(&self) -> Option<&Fact> {
        self.expectation.ringing.first_sign(self.recorder.facts_of(Side::Src))
    }

    /// Whether such a thing was seen of a side.
    pub(crate) fn saw(&self, side: Side, is_it: impl Fn(&Observation) -> bool) -> bool {
        self.recorder.facts_of(side).any(|fact| is_it(&fact.what))
    }

    /// Waits until a leg is answered.
    pub(crate) async fn see_answer(&mut self, side: Side) -> Result<(), Stop> {
        let is_answered = |call: &Self| call.has_come_to(side, LegState::Answered);
        let within = self.expectation.answer_within.filter(|_| side == Side::Src);
        let limit = within.map(|within| self.since_dialled(within));
        match (self.wait(Awaiting::Answer(side), limit.map(|limit| limit.until), is_answered).await?, limit) {
            (Waited::Elapsed, Some(Limit { within, .. })) => {
                Err(Stop::Overdue { awaiting: Awaiting::Answer(side), within })
            }
            (Waited::Seen | Waited::Elapsed, _) => {
                // Our answer has come out at the other end, so these are two ends of one call.
                if side == Side::Src && self.saw(Side::Dst, |what| *what == Observation::AnswerSent) {
                    self.settle_whose_call();
                }
                Ok(())
            }
        }
    }

    /// A limit that is counted from when the call went out: from when the engine had taken it, so that its own slowness
    /// does not count.
    pub(crate) fn since_dialled(&self, within: Duration) -> Limit {
        Limit { until: self.departure.dialled.unwrap_or_else(Instant::now) + within, within }
    }

    /// A limit that is counted from when the caller first saw ringing.
    pub(crate) fn since_ringing(&self, within: Duration) -> Limit {
        let from = self.ringing().map_or_else(Instant::now, |fact| self.recorder.moment(fact));
        Limit { until: from + within, within }
    }

    /// Waits until the digits that were just sent from the other end have come in at this one.
    pub(crate) async fn see_digits(&mut self, expected: &ExpectedDigits, pace: Pace) -> Result<(), Stop> {
        let (to, from) = (expected.to, expected.to.other());
        let (all, one) =
            (self.sending_time(from, expected.digits.chars().count(), pace), self.sending_time(from, 1, pace));
        let due = Instant::now() + all;
        let is_complete = |call: &Self| call.read_digits(expected).is_complete();
        let mut helped = None;
        loop {
            let limit = |call: &Self| {
                let due = call.digits_due(to, due, one);
                // An engine that was slow to help gets as long as any other to show that it did.
                helped
                    .map_or(due + DIGIT_HELP, |helped: Instant| (due + DIGIT_GAP).max(helped + DIGIT_GAP - DIGIT_HELP))
            };
            match self.wait(Awaiting::Digits(to), Some(limit(self)), is_complete).await? {
                Waited::Seen => return Ok(()),
                // A server that has too much to do sends slowly: as long as digits come, none is missing.
                Waited::Elapsed if Instant::now() < limit(self) => {}
                // What is wrong is taken whole: one digit too many may be the first of a pattern.
                Waited::Elapsed if self.read_digits(expected).fault_so_far().is_some() => {
                    return Err(Stop::DigitsWrong { to });
                }
                Waited::Elapsed if helped.is_none() => {
                    self.command(from, Command::FlushDigits).await?;
                    helped = Some(Instant::now());
                }
                Waited::Elapsed => {
                    let given_up_at = self.recorder.started().elapsed();
                    return Err(Stop::DigitsOverdue { to, overdue: DIGIT_GAP, given_up_at });
                }
            }
        }
    }

    pub(crate) fn sending_time(&self, from: Side, digits: usize, pace: Pace) -> Duration {
        self.legs.get(from).map_or(Duration::ZERO, |leg| leg.leg.sending_time(digits, pace))
    }

    /// When the last digit is due, or the next one if that is later: one digit's time after the one that came in last.
    fn digits_due(&self, to: Side, due: Instant, one: Duration) -> Instant {
        let is_digit = |fact: &&Fact| matches!(fact.what, Observation::DigitReceived { .. });
        let last = self.recorder.facts_of(to).rev().find(is_digit);
        last.map_or(due, |last| due.max(self.recorder.moment(last) + one))
    }

    fn read_digits<'e>(&self, expected: &'e ExpectedDigits) -> DigitReader<'e> {
        DigitReader::read_all(expected, self.recorder.facts_of(expected.to))
    }

    /// Looks whether the endpoint behind the source is online.
    pub(crate) async fn see_endpoint_online(&mut self) -> Result<(), Stop> {
        self.ready(Side::Src)?;
        let Party { link, open, .. } = self.party(Side::Src).clone();
        let cannot = |why| Stop::Trouble(self.request_failed(Side::Src, "look at the endpoint", why));
        match self.in_time(open.engine.endpoint(&link)).await? {
            Some(Ok(EndpointStatus::Online { endpoint })) => {
                if !self.saw(Side::Src, |what| matches!(what, Observation::EndpointOnline { .. })) {
                    self.recorder.note(Some(Side::Src), Observation::EndpointOnline { endpoint });
                }
                Ok(())
            }
            Some(Ok(EndpointStatus::Offline { endpoint })) => {
                self.recorder.note(Some(Side::Src), Observation::EndpointOffline { endpoint });
                Err(Stop::Offline)
            }
            Some(Ok(EndpointStatus::Unasked { why })) => {
                Err(Stop::Trouble(Trouble::EndpointUnqualified { link: link.name.clone(), why }))
            }
            Some(Ok(EndpointStatus::Unknown { why })) => Err(cannot(why)),
            Some(Err(refused)) => Err(cannot(refused.to_string())),
            None => Err(Stop::Deadline { awaiting: Awaiting::Endpoint }),
        }
    }

    /// Lets time pass, and says whether a limit is still ahead.
    pub(crate) async fn pause_within(&mut self, time: Duration, limit: Limit) -> Result<bool, Stop> {
        let left = limit.until.saturating_duration_since(Instant::now());
        self.pause(time.min(left)).await?;
        Ok(!left.is_zero())
    }

    /// Waits until the caller hangs up or presses `#`, for as long as the run may last or up to a limit of the step's own.
    pub(crate) async fn see_caller_end(&mut self, limit: Option<Limit>) -> Result<Waited, Stop> {
        let presses = |what: &Observation| matches!(what, Observation::DigitReceived { digit: '#', .. });
        let is_through =
            |call: &Self| call.legs.get(Side::Dst).is_some_and(CallLeg::is_over) || call.saw(Side::Dst, presses);
        self.wait(Awaiting::CallerToEnd, limit.map(|limit| limit.until), is_through).await
    }
}
