//! What the scripts do: listen, dial, ring, answer, send, play, record, reject.
//!
//! Each verb does one thing to the call and notes what it did. None decides whether what it sees is right.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::caller::ExpectedCaller;
use calltest_core::cause::ExpectedCause;
use calltest_core::evidence::{Awaiting, Observation, Side, Stop};
use calltest_core::expectation::{ArrivalLimit, ExpectedDigits};
use calltest_core::plan::{Dtmf, Parties, PostDialStep, Reception, Rejection, without_secret};
use calltest_core::verdict::Trouble;
use calltest_engine::{Claim, Command, Dialling, Outgoing, Pace, Permit, Sound, Undialled};
use calltest_trigger::Running;
use tokio::time::Instant;

use crate::call::{Call, Party, Waited};
use crate::calls_out::CallOut;
use crate::expected::Expected;
use crate::legs::LegState;
use crate::waits::Limit;

/// How fast digits are dialled on with: slowly enough for any attendant.
const DIAL_ON_PACE: Pace = Pace { tone: Duration::from_millis(120), gap: Duration::from_millis(120) };
/// By how much the engine's own limits on a call exceed the run's deadline: they are the last net, and must not be mistaken
/// for the far end.
const LIMIT_MARGIN: Duration = Duration::from_secs(15);

impl Call<'_> {
    /// Waits from now on for the call that is about to go out.
    pub(crate) async fn listen(&mut self, parties: &Parties) -> Result<(), Stop> {
        self.expect(parties.number.clone(), parties.caller.clone()).await
    }

    /// Waits from now on for a call that somebody else makes, and sets off what causes it.
    pub(crate) async fn invite(&mut self, at: &Reception) -> Result<(), Stop> {
        self.expect(at.number.clone(), at.caller.clone()).await?;
        self.expect_from_now();
        let Some(trigger) = &at.trigger else { return Ok(()) };
        self.departure.out_since = Some(Instant::now());
        let running = Running::start(trigger, at.number.as_deref())
            .map_err(|why| Stop::Trouble(Trouble::TriggerFailed { why }))?;
        self.recorder.note(None, Observation::TriggerStarted { what: running.what().to_owned() });
        self.trigger = Some(running);
        Ok(())
    }

    async fn expect(&mut self, number: Option<String>, caller: Option<ExpectedCaller>) -> Result<(), Stop> {
        self.ready(Side::Dst)?;
        let Party { link, server, open, shares_trunk } = self.party(Side::Dst).clone();
        // What the far end dials for a link on a shared trunk is that link's number, whatever we dial to get there.
        let own_number = link.number.as_ref().map(ToString::to_string).filter(|_| shares_trunk);
        // A call that may be forwarded arrives with the number to which it was.
        let is_dialled_as_it_is = !self.follows_forwarding();
        let number = own_number.or_else(|| number.filter(|_| is_dialled_as_it_is));
        let expected = Expected { link: Arc::clone(&link), server, shares_trunk, number, caller };
        let registration = open.switchboard.expect(self.run, expected, &self.arrivals.inbox);
        self.arrivals.registration = Some(registration);
        match self.in_time(open.engine.listen(&link, self.run, &self.sink)).await? {
            Some(Ok(listening)) => {
                self.arrivals.listening = Some(listening);
                Ok(())
            }
            Some(Err(refused)) => {
                let why = refused.to_string();
                Err(Stop::Trouble(self.request_failed(Side::Dst, "listen for calls", why)))
            }
            None => Err(self.out_of_time_while(Side::Dst, "listening for calls")),
        }
    }

    /// Sends the call out: first in its turn, then counted, then dialled.
    ///
    /// The dialling is never abandoned halfway: whoever does cannot know whether there is a call.
    pub(crate) async fn dial(&mut self, number: Option<&str>) -> Result<(), Stop> {
        self.require_sip_codes()?;
        let permit = self.permit().await?;
        self.reserve_budget().await?;
        self.ready(Side::Src)?;
        let Party { link, server, .. } = self.party(Side::Src).clone();
        self.watch_for_return(number);
        let address =
            link.address.as_ref().expect("the configuration check lets only links with an address be a source");
        let dial_string = without_secret(&address.dial(number));
        self.recorder.note(Some(Side::Src), Observation::Dialled { dial_string: dial_string.clone() });
        let (number, limit, seen) = (number.map(str::to_owned), self.limit(), self.sink.clone());
        self.expect_from_now();
        self.departure.out_since = Some(Instant::now());
        let follows_forwarding = self.follows_forwarding();
        let withholds_number = self.test.withholds_number;
        let call = Outgoing { run: self.run, link, server, number, withholds_number, follows_forwarding, limit, seen };
        let Dialling { leg, taken } = permit.dial(call);
        self.legs.set(Side::Src, Some(leg));
        let trouble = match taken.await {
            Ok(stamp) => {
                self.departure.dialled = Some(Instant::now());
                self.recorder.stamp_latest(Side::Src, stamp);
                return Ok(());
            }
            Err(Undialled::Offline { endpoint }) => {
                self.nothing_went_out();
                self.recorder.note(Some(Side::Src), Observation::EndpointOffline { endpoint });
                return Err(Stop::Offline);
            }
            Err(Undialled::No { why }) => {
                self.nothing_went_out();
                Trouble::OriginateRefused { dial_string, why }
            }
            // There may be a call all the same, which has to be ended.
            Err(Undialled::Unclear { why }) => Trouble::OriginateUnclear { dial_string, why },
        };
        Err(Stop::Trouble(trouble))
    }

    /// The call may come back to us, on whichever link.
    fn watch_for_return(&mut self, number: Option<&str>) {
        let Party { link, open, .. } = self.party(Side::Src);
        let call = CallOut {
            inbox: Arc::clone(&self.arrivals.inbox),
            dialled: number.map(str::to_owned),
            caller: link.number.as_ref().map(ToString::to_string),
            is_awaited: self.parties.dst.is_some(),
        };
        self.departure.return_watch = Some(open.calls_out.watch(self.run, call));
    }

    fn nothing_went_out(&mut self) {
        self.legs.set(Side::Src, None);
        self.departure.out_since = None;
    }

    /// What comes in from now on may be this run's call, if it waits for one.
    fn expect_from_now(&self) {
        if let Some(registration) = &self.arrivals.registration {
            registration.expect_from_now();
        }
    }

    /// Waits until the engine has room for another call out.
    async fn permit(&self) -> Result<Box<dyn Permit>, Stop> {
        self.ready(Side::Src)?;
        match self.in_time(self.party(Side::Src).open.engine.permit()).await? {
            Some(Ok(permit)) => Ok(permit),
            Some(Err(refused)) => Err(Stop::Trouble(self.request_failed(Side::Src, "dial", refused.to_string()))),
            None => Err(self.out_of_time_while(Side::Src, "waiting for its turn to dial")),
        }
    }

    fn out_of_time_while(&self, side: Side, what: &'static str) -> Stop {
        Stop::Trouble(Trouble::OutOfTime { link: self.link(side), within: self.expectation.deadline, what })
    }

    /// Asks the budgets whether another call may go out, and has it counted.
    async fn reserve_budget(&mut self) -> Result<(), Stop> {
        let Some(budgets) = &self.departure.budgets else { return Ok(()) };
        // A disk may hang. A call that is counted all the same, and not made, counts for as long as it could have taken.
        match self.in_time(budgets.begin(self.run, &self.party(Side::Src).link, self.limit())).await? {
            Some(counted) => {
                self.departure.counted = Some(counted.map_err(Stop::Trouble)?);
                Ok(())
            }
            None => Err(self.out_of_time_while(Side::Src, "waiting for its call to be counted")),
        }
    }

    /// Where a SIP status is expected, makes sure beforehand that the server tells any.
    fn require_sip_codes(&self) -> Result<(), Stop> {
        let is_sip = |cause: &ExpectedCause| matches!(cause, ExpectedCause::Sip(_));
        let Some(wanted) = self.expectation.causes.iter().copied().find(is_sip) else { return Ok(()) };
        self.ready(Side::Src)?;
        let Party { server, open, .. } = self.party(Side::Src);
        if self.abilities.sip_codes {
            return Ok(());
        }
        let (server, product) = (server.name.clone(), open.engine.product());
        Err(Stop::Trouble(Trouble::NoSipCodes { server, product, wanted }))
    }

    /// Waits for the call to arrive at our own end, and lets it ring there for as long as the test says.
    pub(crate) async fn accept_and_ring(&mut self) -> Result<(), Stop> {
        let delay = &self.test.delay;
        self.accept().await?;
        self.pause(delay.pre).await?;
        self.recorder.note(Some(Side::Dst), Observation::RingingSent);
        self.command(Side::Dst, Command::Ring).await?;
        let since = Instant::now();
        self.identify_caller().await?;
        self.pause(delay.ring.saturating_sub(since.elapsed())).await
    }

    /// Asks what the network says of the caller beside its number.
    async fn identify_caller(&mut self) -> Result<(), Stop> {
        const ACTION: &str = "learn who calls";
        let leg = self.legs.get_mut(Side::Dst).expect("the call was accepted just now");
        let told = leg.leg.identify();
        match self.in_time(told).await? {
            Some(Ok(told)) => {
                told.into_iter().for_each(|what| self.recorder.note(Some(Side::Dst), what));
                Ok(())
            }
            Some(Err(refused)) => Err(self.explain(Side::Dst, ACTION, refused).await),
            None => Err(self.out_of_time_while(Side::Dst, "learning who calls")),
        }
    }

    /// Waits for the call to arrive at our own end, and takes it.
    async fn accept(&mut self) -> Result<(), Stop> {
        let has_arrived = |call: &Self| call.arrivals.arrived.is_some();
        let is_answered = |call: &Self| call.has_come_to(Side::Src, LegState::Answered);
        let limit = self.arrival_limit(false);
        self.arrives_by(limit, |call| has_arrived(call) || is_answered(call)).await?;
        if !has_arrived(self) {
            // Something else has answered: an announcement, a queue, an attendant.
            self.dial_on().await?;
            let limit = self.arrival_limit(true);
            self.arrives_by(limit, has_arrived).await?;
        }
        let arriving = self.arrivals.arrived.take().expect("the wait ended since the call has arrived");
        let Party { link, server, .. } = self.party(Side::Dst);
        let (link, server) = (link.name.clone(), Arc::clone(server));
        let claim = Claim { run: self.run, server, link, seen: self.sink.clone() };
        self.legs.set(Side::Dst, Some(arriving.call.claim(claim)));
        // Even the far half of a call of our own: a half has been seen to outlive the other.
        self.command(Side::Dst, Command::Limit(self.limit())).await
    }

    async fn arrives_by(&mut self, limit: Option<Limit>, is_there: impl Fn(&Self) -> bool) -> Result<(), Stop> {
        match (self.wait(Awaiting::Arrival, limit.map(|limit| limit.until), is_there).await?, limit) {
            (Waited::Elapsed, Some(Limit { within, .. })) => Err(Stop::Overdue { awaiting: Awaiting::Arrival, within }),
            (Waited::Elapsed | Waited::Seen, _) => Ok(()),
        }
    }

    /// By when the call has to arrive that we have sent out; `None` if only the run's own time limits that.
    fn arrival_limit(&self, is_answered: bool) -> Option<Limit> {
        self.departure.dialled?;
        match self.expectation.arrive_within {
            ArrivalLimit::After(within) => Some(self.since_dialled(within)),
            ArrivalLimit::AfterUnlessAnswered(within) if !is_answered => Some(self.since_dialled(within)),
            ArrivalLimit::AfterUnlessAnswered(_) | ArrivalLimit::Deadline => None,
        }
    }

    /// Sends the digits that the test dials on with, now that something has answered.
    pub(crate) async fn dial_on(&mut self) -> Result<(), Stop> {
        let Some(post_dial) = self.test.route.post_dial() else { return Ok(()) };
        for PostDialStep { pause, digits } in post_dial.steps() {
            self.pause(*pause).await?;
            if !digits.is_empty() {
                self.recorder.note(Some(Side::Src), Observation::DialledOn { digits: digits.clone() });
                self.command(Side::Src, Command::SendDigits { digits: digits.clone(), pace: DIAL_ON_PACE }).await?;
                let time = self.sending_time(Side::Src, digits.chars().count(), DIAL_ON_PACE);
                self.pause(time).await?;
            }
        }
        Ok(())
    }

    /// Lets time pass, with an eye on the call.
    pub(crate) async fn pause(&mut self, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        self.wait(Awaiting::Pause, Some(until), |_| Instant::now() >= until).await.map(drop)
    }

    /// Answers the call that arrived.
    pub(crate) async fn answer(&mut self) -> Result<(), Stop> {
        // Where neither we nor a trigger cause the call, whoever calls first is as good as any who calls later.
        if self.departure.out_since.is_none() {
            self.settle_whose_call();
        }
        self.recorder.note(Some(Side::Dst), Observation::AnswerSent);
        self.command(Side::Dst, Command::Answer).await
    }

    /// No further call can be this run's own.
    pub(crate) fn settle_whose_call(&self) {
        if let Some(registration) = &self.arrivals.registration {
            registration.settle();
        }
    }

    /// Exchanges digits in each direction, one after the other. What is wrong in one direction says little until the other was
    /// tried, too.
    pub(crate) async fn exchange_digits(&mut self, directions: &[ExpectedDigits], dtmf: &Dtmf) -> Result<(), Stop> {
        let mut outcome = Ok(());
        for expected in directions {
            match self.send_digits(expected, dtmf).await {
                Err(stop @ (Stop::DigitsWrong { .. } | Stop::DigitsOverdue { .. })) => outcome = outcome.and(Err(stop)),
                Err(stop @ (Stop::LegEnded { .. } | Stop::Deadline { .. })) => return outcome.and(Err(stop)),
                sent => sent?,
            }
        }
        outcome
    }

    /// Sends digits from the other end, and waits until they have come in at this one.
    async fn send_digits(&mut self, expected: &ExpectedDigits, dtmf: &Dtmf) -> Result<(), Stop> {
        let from = expected.to.other();
        let digits = expected.digits.clone();
        let pace = Pace { tone: dtmf.duration, gap: dtmf.between };
        self.recorder.note(Some(from), Observation::DigitsSent { digits: digits.clone() });
        self.command(from, Command::SendDigits { digits, pace }).await?;
        self.see_digits(expected, pace).await
    }

    /// Plays a sound to the far end of a leg, if there is one to play, and waits for its end.
    pub(crate) async fn play(&mut self, side: Side, sound: Option<&str>) -> Result<(), Stop> {
        self.start_to_play(side, sound).await?;
        let is_played = |what: &Observation| matches!(what, Observation::PlaybackFinished { .. });
        self.until(Awaiting::Playback, |call| sound.is_none() || call.saw(side, is_played)).await
    }

    /// Starts to play a sound to the far end of a leg, if there is one to play.
    pub(crate) async fn start_to_play(&mut self, side: Side, sound: Option<&str>) -> Result<(), Stop> {
        match sound {
            Some(sound) => self.command(side, Command::Say(Sound::Stored(sound.to_owned()))).await,
            None => Ok(()),
        }
    }

    /// Rejects the call that arrived. From then on the script does without it.
    pub(crate) async fn reject(&mut self, with: Rejection) -> Result<(), Stop> {
        self.recorder.note(Some(Side::Dst), Observation::HangupSent);
        match self.command(Side::Dst, Command::Reject(with)).await {
            // It has just ended by itself, or our first request was obeyed and the answer to it got lost.
            Ok(()) | Err(Stop::LegEnded { side: Side::Dst, .. }) => {}
            Err(stop) => return Err(stop),
        }
        if let Some(leg) = self.legs.get_mut(Side::Dst) {
            leg.is_dismissed = true;
        }
        Ok(())
    }

    /// The limit that the engine itself puts on a leg of this run.
    fn limit(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()) + LIMIT_MARGIN
    }
}
