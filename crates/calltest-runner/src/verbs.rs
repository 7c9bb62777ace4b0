//! What the scripts say: dial, arrive, ring, answer, send, play, hang up.
//!
//! Each verb does one thing to the call and notes what it did. None decides whether what it sees is right.

use std::time::Duration;

use calltest_ari::VariableSet;
use calltest_ari::models::{ChannelState, EndpointState};
use calltest_ari::requests::{asterisk, channels, endpoints};
use calltest_core::cause::ExpectedCause;
use calltest_core::dtmf::DigitReader;
use calltest_core::evidence::{Awaiting, Fact, Observation, Side, Stop};
use calltest_core::expectation::ExpectedDigits;
use calltest_core::number::PhoneNumber;
use calltest_core::plan::{DialString, Dtmf, Ends, Link, Presence, Reception, Rejection};
use calltest_core::verdict::Trouble;
use tokio::time::Instant;

use crate::call::{Call, End, Waited};
use crate::channel_id::{Part, channel_id};
use crate::leg::{Leg, LegState};
use crate::observe::server_time;
use crate::reception::Expected;
use crate::trigger::Running;
use crate::version::Version;

/// How long after the last digit was due missing ones are waited for.
const DIGIT_GAP: Duration = Duration::from_secs(3);
/// How long after the last digit was due sound is sent, which lets through digits that Asterisk holds back.
///
/// It lengthens a digit that it takes for shorter than 80 ms, as one may seem that it gets to late, and lets it go with the
/// next frame (`ast_read`). Where nobody speaks, none comes.
const DIGIT_HELP: Duration = Duration::from_millis(500);
/// How long after an answer a call may still arrive at our own end; a call that was answered elsewhere never does.
const ARRIVAL_AFTER_ANSWER: Duration = Duration::from_secs(5);
/// By how much Asterisk's own limits on a channel exceed the run's deadline: they are the last net, and must not be
/// mistaken for the far end.
const NET: Duration = Duration::from_secs(15);

impl Call<'_> {
    /// Waits at the reception from now on for the call that is about to go out.
    pub(crate) fn listen(&mut self, ends: &Ends) -> Result<(), Stop> {
        let shares_server = self.end(Side::Src).server.plan.name == self.end(Side::Dst).server.plan.name;
        let outbound = shares_server.then(|| self.outbound_id().as_str().into());
        self.expect(ends.number.clone(), ends.caller.clone(), outbound)
    }

    /// Waits at the reception from now on for a call that somebody else makes, and sets off what causes it.
    pub(crate) fn invite(&mut self, at: &Reception) -> Result<(), Stop> {
        self.expect(at.number.clone(), at.caller.clone(), None)?;
        let Some(trigger) = &at.trigger else { return Ok(()) };
        let running = Running::start(trigger, at.number.as_deref())
            .map_err(|why| Stop::Trouble(Trouble::TriggerFailed { why }))?;
        self.recorder.note(None, Observation::TriggerStarted { what: running.what().to_owned() });
        self.trigger = Some(running);
        Ok(())
    }

    fn expect(
        &mut self,
        number: Option<String>,
        caller: Option<PhoneNumber>,
        outbound: Option<std::sync::Arc<str>>,
    ) -> Result<(), Stop> {
        let End { link, server, shares_trunk } = self.end(Side::Dst);
        // What the far end dials for a link on a shared trunk is that link's number, whatever we dial to get there.
        let own_number = link.number.as_ref().map(ToString::to_string).filter(|_| *shares_trunk);
        let number = own_number.or(number);
        let expected = Expected {
            link: std::sync::Arc::clone(link),
            server: std::sync::Arc::clone(&server.plan),
            shares_trunk: *shares_trunk,
            number,
            caller,
        };
        let place = self.connection(Side::Dst)?.reception.expect(expected, outbound, &self.to_reception);
        self.places.push(place);
        // Nothing is ever told of a channel with this name. But until the call is there, this is what a lost connection to
        // that server ends.
        let watch = format!("{}-arrival", self.run);
        self.watch = Some(self.connection(Side::Dst)?.client.subscribe(watch, &self.sender));
        Ok(())
    }

    /// Sends the call out.
    ///
    /// The request is never abandoned halfway: whoever does cannot know whether there is a channel.
    pub(crate) async fn dial(&mut self, number: Option<&str>) -> Result<(), Stop> {
        self.be_told_sip_codes().await?;
        let turn = self.dialling_turn().await?;
        self.be_let_out().await?;
        let end = self.end(Side::Src).clone();
        let connection = self.connection(Side::Src)?;
        let client = connection.client.clone();
        let id = self.outbound_id();
        self.places.push(connection.reception.watch_for_return(id.as_str().into(), &self.to_reception));
        let template = dial_template(&end.link);
        let dial_string = template.dial(number);
        let subscription = client.subscribe(id.as_str(), &self.sender);
        self.outbound = Some(Leg::outbound(end.server.clone(), id.as_str().into(), subscription));
        let originate = channels::OriginateWithId {
            channel_id: id,
            endpoint: dial_string.clone(),
            app: Some(end.server.plan.app.clone()),
            app_args: Some(format!(":dialed,{}", number.unwrap_or_default())),
            caller_id: Some(caller_id(&end.link)),
            timeout: Some(self.net().as_secs().try_into().unwrap_or(i64::MAX)),
            // Both halves of a Local channel would run at the highest rate that Asterisk knows.
            formats: template.is_local().then(|| "slin".into()),
            variables: Some(VariableSet::new().with("TIMEOUT(absolute)", self.net().as_secs().to_string())),
            ..Default::default()
        };
        self.recorder.note(Some(Side::Src), Observation::Dialled { dial_string: dial_string.clone() });
        match client.request_in_turn(turn, originate).await {
            Ok(channel) => {
                self.dialled = Some(Instant::now());
                self.recorder.stamp_latest(Side::Src, server_time(&channel.creationtime));
                Ok(())
            }
            Err(error) => {
                if error.status().is_some() {
                    // The server has said no, so there is no channel to wait for.
                    self.outbound = None;
                } else {
                    self.suspect_leavings(Side::Src);
                }
                let is_unplaceable = error.status().is_some_and(|status| status.as_u16() == 500);
                let offline = if is_unplaceable { self.look_at_endpoint(template, &dial_string).await? } else { None };
                let Some(endpoint) = offline else {
                    return Err(Stop::Trouble(Trouble::OriginateRefused { dial_string, why: error.to_string() }));
                };
                self.recorder.note(Some(Side::Src), Observation::EndpointOffline { endpoint });
                Err(Stop::Offline)
            }
        }
    }

    /// Asks the budgets whether another call may go out, and has it counted.
    async fn be_let_out(&mut self) -> Result<(), Stop> {
        let Some(budgets) = &self.budgets else { return Ok(()) };
        let counted = budgets.begin(self.run, &self.end(Side::Src).link, self.net()).await;
        self.counted = Some(counted.map_err(Stop::Trouble)?);
        Ok(())
    }

    /// Where a SIP status is expected, makes sure beforehand that the server tells any.
    async fn be_told_sip_codes(&mut self) -> Result<(), Stop> {
        let is_sip = |cause: &ExpectedCause| matches!(cause, ExpectedCause::Sip(_));
        let Some(wanted) = self.expectation.causes.iter().copied().find(is_sip) else { return Ok(()) };
        let info = self.ask(Side::Src, "ask for the server's version", asterisk::GetInfo::default()).await?;
        let version = info.system.map(|system| String::from(system.version)).unwrap_or_default();
        if Version::parse(&version).is_some_and(Version::tells_sip_codes) {
            return Ok(());
        }
        let server = self.end(Side::Src).server.plan.name.clone();
        Err(Stop::Trouble(Trouble::NoSipCodes { server, version, wanted }))
    }

    /// Finds out why Asterisk could not make a channel: returns the endpoint if that is merely offline.
    async fn look_at_endpoint(&mut self, template: &DialString, dial_string: &str) -> Result<Option<String>, Stop> {
        // With the number in its place: in `PJSIP/{number}` that is the endpoint.
        let filled = DialString::new(dial_string).unwrap_or_else(|_| template.clone());
        let Some((tech, resource)) = filled.endpoint() else { return Ok(None) };
        let endpoint = format!("{tech}/{resource}");
        let client = self.connection(Side::Src)?.client.clone();
        let refused = |why: String| Stop::Trouble(Trouble::OriginateRefused { dial_string: dial_string.into(), why });
        match client.request(endpoints::Get { tech: tech.into(), resource: resource.into() }).await {
            Ok(found) if found.state == Some(EndpointState::Offline) => Ok(Some(endpoint)),
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Err(refused(format!(
                "the server knows no endpoint {endpoint}; correct the link's `channel`, or define the endpoint there"
            ))),
            Err(error) => {
                Err(refused(format!("it gave no reason, and asking for endpoint {endpoint} failed: {error}")))
            }
        }
    }

    /// Waits for the call to arrive at our own end, and lets it ring there for as long as the test says.
    pub(crate) async fn let_ring(&mut self) -> Result<(), Stop> {
        let delay = &self.test.delay;
        self.arrive().await?;
        self.pause(delay.pre).await?;
        self.ring().await?;
        self.pause(delay.ring).await
    }

    /// Waits for the call to arrive at our own end, and takes it.
    async fn arrive(&mut self) -> Result<(), Stop> {
        let has_arrived = |call: &Self| call.arrival.is_some();
        self.until(Awaiting::Arrival, |call| has_arrived(call) || call.has_come_to(Side::Src, LegState::Answered))
            .await?;
        let grace = Instant::now() + ARRIVAL_AFTER_ANSWER;
        if self.wait(Awaiting::Arrival, Some(grace), has_arrived).await? == Waited::Elapsed {
            return Err(Stop::AnsweredElsewhere { after: ARRIVAL_AFTER_ANSWER });
        }
        let arrival = self.arrival.take().expect("the wait ended since the call has arrived");
        let end = self.end(Side::Dst).clone();
        let channel: std::sync::Arc<str> = arrival.channel().id.as_str().into();
        let outbound = self.outbound.as_ref().map(|leg| &*leg.channel);
        let is_own_half = outbound.is_some() && channel.strip_suffix(";2") == outbound;
        let is_up = arrival.channel().state == ChannelState::Up;
        let subscription = arrival.claim(&self.sender);
        let mut leg = Leg::inbound(end.server, channel.clone(), is_own_half, subscription);
        if is_up {
            // The dialplan has answered it before it came to us.
            leg.state = LegState::Ready;
            self.recorder.note(Some(Side::Dst), Observation::Answered);
        }
        self.inbound = Some(leg);
        // Even the far half of our own channel: a half has been seen to outlive the other.
        let limit = channels::SetChannelVar {
            channel_id: channel.to_string(),
            variable: "TIMEOUT(absolute)".into(),
            value: Some(self.net().as_secs().to_string()),
            ..Default::default()
        };
        self.ask(Side::Dst, "limit the duration of the call", limit).await.map(drop)
    }

    /// Lets time pass, with an eye on the call.
    pub(crate) async fn pause(&mut self, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        self.wait(Awaiting::Pause, Some(until), |_| Instant::now() >= until).await.map(drop)
    }

    /// Signals ringing to the caller.
    async fn ring(&mut self) -> Result<(), Stop> {
        self.recorder.note(Some(Side::Dst), Observation::RingingSent);
        let channel_id = self.channel(Side::Dst);
        self.ask(Side::Dst, "signal ringing", channels::Ring { channel_id }).await.map(drop)
    }

    /// Answers the call that arrived.
    pub(crate) async fn answer(&mut self) -> Result<(), Stop> {
        self.recorder.note(Some(Side::Dst), Observation::AnswerSent);
        let channel_id = self.channel(Side::Dst);
        self.ask(Side::Dst, "answer the call", channels::Answer { channel_id }).await.map(drop)
    }

    /// Waits until the far end has rejected the call, or ended it otherwise; an answer ends the wait too. A limit of the
    /// step's own may end it earlier than the run's.
    pub(crate) async fn see_rejection(&mut self, limit: Option<Limit>) -> Result<(), Stop> {
        let is_settled =
            |call: &Self| call.leg(Side::Src).is_some_and(|leg| leg.is_over() || leg.state >= LegState::Answered);
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
        self.until(Awaiting::EarlyMedia, |call| {
            call.saw(|what| matches!(what, Observation::EarlyMedia | Observation::Answered))
        })
        .await
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

    fn has_rung(&self) -> bool {
        let ringing = &self.expectation.ringing;
        self.saw(|what| match what {
            Observation::Ringing => true,
            Observation::EarlyMedia => ringing.early_media_counts,
            Observation::Answered => true,
            _ => false,
        })
    }

    /// Whether the caller has seen such a thing.
    fn saw(&self, is_it: impl Fn(&Observation) -> bool) -> bool {
        self.recorder.facts().iter().any(|fact| fact.side == Some(Side::Src) && is_it(&fact.what))
    }

    /// Waits until a leg is up and takes commands.
    pub(crate) async fn be_up(&mut self, side: Side) -> Result<(), Stop> {
        let limit =
            self.expectation.answer_within.filter(|_| side == Side::Src).map(|within| self.since_dialled(within));
        let is_up = |call: &Self| call.leg(side).is_some_and(Leg::is_ready);
        // Answered in time is enough; the app may get the channel a moment later.
        let is_answered = |call: &Self| call.has_come_to(side, LegState::Answered);
        if let Some(limit) = limit
            && self.wait(Awaiting::Answer(side), Some(limit.until), is_answered).await? == Waited::Elapsed
        {
            return Err(Stop::Overdue { awaiting: Awaiting::Answer(side), within: limit.within });
        }
        self.until(Awaiting::Answer(side), is_up).await
    }

    /// A limit that is counted from when the call went out: from when the server had taken it, so that its own slowness
    /// does not count.
    pub(crate) fn since_dialled(&self, within: Duration) -> Limit {
        Limit { until: self.dialled.unwrap_or_else(Instant::now) + within, within }
    }

    /// A limit that is counted from when the caller first saw ringing.
    pub(crate) fn since_ringing(&self, within: Duration) -> Limit {
        let early_media_counts = self.expectation.ringing.early_media_counts;
        let mut facts = self.recorder.facts().iter().filter(|fact| fact.side == Some(Side::Src));
        let rings = |fact: &&Fact| match fact.what {
            Observation::Ringing => true,
            Observation::EarlyMedia => early_media_counts,
            _ => false,
        };
        let from = facts.find(rings).map_or_else(Instant::now, |fact| self.recorder.started() + fact.at);
        Limit { until: from + within, within }
    }

    /// Sends digits from the other end, and waits until they have come in at this one.
    pub(crate) async fn exchange_digits(&mut self, expected: &ExpectedDigits, dtmf: &Dtmf) -> Result<(), Stop> {
        let (to, from) = (expected.to, expected.to.other());
        self.recorder.note(Some(from), Observation::DigitsSent { digits: expected.digits.clone() });
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).ok();
        let send = channels::SendDtmf {
            channel_id: self.channel(from),
            dtmf: Some(expected.digits.clone()),
            between: milliseconds(dtmf.between),
            duration: milliseconds(dtmf.duration),
            ..Default::default()
        };
        self.ask(from, "send digits", send).await?;
        let due = Instant::now() + dtmf.time_to_send(expected.digits.chars().count());
        let is_settled = |call: &Self| {
            let reader = call.read_digits(expected);
            reader.is_complete() || reader.fault_so_far().is_some()
        };
        let mut helped = None;
        loop {
            let limit = |call: &Self| {
                let due = call.digits_due(to, due, dtmf.time_to_send(1));
                // A server that was slow to help gets as long as any other to show that it did.
                helped
                    .map_or(due + DIGIT_HELP, |helped: Instant| (due + DIGIT_GAP).max(helped + DIGIT_GAP - DIGIT_HELP))
            };
            match self.wait(Awaiting::Digits(to), Some(limit(self)), is_settled).await? {
                Waited::Seen if self.read_digits(expected).is_complete() => return Ok(()),
                Waited::Seen => return Err(Stop::DigitsWrong { to }),
                // A server that has too much to do sends slowly: as long as digits come, none is missing.
                Waited::Elapsed if Instant::now() < limit(self) => {}
                Waited::Elapsed if helped.is_none() => {
                    self.send_silence(from).await?;
                    helped = Some(Instant::now());
                }
                Waited::Elapsed => return Err(Stop::DigitsOverdue { to, overdue: DIGIT_GAP }),
            }
        }
    }

    /// Sends silence from now on.
    async fn send_silence(&mut self, side: Side) -> Result<(), Stop> {
        self.recorder.note(Some(side), Observation::SilenceSent);
        let channel_id = self.channel(side);
        self.ask(side, "send silence", channels::StartSilence { channel_id }).await.map(drop)
    }

    /// When the last digit is due, or the next one if that is later: one digit's time after the one that came in last.
    fn digits_due(&self, to: Side, due: Instant, one: Duration) -> Instant {
        let is_digit = |fact: &&Fact| fact.side == Some(to) && matches!(fact.what, Observation::DigitReceived { .. });
        let last = self.recorder.facts().iter().rev().find(is_digit);
        last.map_or(due, |last| due.max(self.recorder.started() + last.at + one))
    }

    fn read_digits<'e>(&self, expected: &'e ExpectedDigits) -> DigitReader<'e> {
        let mut reader = DigitReader::new(&expected.digits, expected.may_repeat);
        for fact in self.recorder.facts() {
            if let (true, Observation::DigitReceived { digit, .. }) = (fact.side == Some(expected.to), &fact.what) {
                reader.read(*digit);
            }
        }
        reader
    }

    /// Plays a sound to the far end of a leg, if there is one to play, and waits for its end.
    pub(crate) async fn play(&mut self, side: Side, sound: Option<&str>) -> Result<(), Stop> {
        self.start_to_play(side, sound).await?;
        let has_played =
            |fact: &Fact| fact.side == Some(side) && matches!(fact.what, Observation::PlaybackFinished { .. });
        self.until(Awaiting::Playback, |call| sound.is_none() || call.recorder.facts().iter().any(has_played)).await
    }

    /// Starts to play a sound to the far end of a leg, if there is one to play.
    pub(crate) async fn start_to_play(&mut self, side: Side, sound: Option<&str>) -> Result<(), Stop> {
        let Some(sound) = sound else { return Ok(()) };
        let media = format!("{}{sound}", self.end(side).server.plan.play_base);
        let play = channels::Play { channel_id: self.channel(side), media: vec![media], ..Default::default() };
        self.ask(side, "play a sound", play).await.map(drop)
    }

    /// Waits until the caller hangs up or presses `#`, for as long as the run may last or up to a limit of the step's own.
    pub(crate) async fn see_caller_end(&mut self, limit: Option<Limit>) -> Result<Waited, Stop> {
        let is_through = |call: &Self| {
            let presses = |fact: &Fact| {
                fact.side == Some(Side::Dst) && matches!(fact.what, Observation::DigitReceived { digit: '#', .. })
            };
            call.leg(Side::Dst).is_some_and(Leg::is_over) || call.recorder.facts().iter().any(presses)
        };
        self.wait(Awaiting::CallerToEnd, limit.map(|limit| limit.until), is_through).await
    }

    /// Rejects the call that arrived. From then on the script does without it.
    pub(crate) async fn reject(&mut self, with: Rejection) -> Result<(), Stop> {
        self.recorder.note(Some(Side::Dst), Observation::HangupSent);
        let reason = Some(match with {
            Rejection::Busy => channels::HangupReason::Busy,
            Rejection::Congestion => channels::HangupReason::Congestion,
            Rejection::NoAnswer => channels::HangupReason::NoAnswer,
            Rejection::Rejected => channels::HangupReason::Rejected,
            Rejection::Unallocated => channels::HangupReason::Unallocated,
            Rejection::Normal => channels::HangupReason::Normal,
        });
        let hangup = channels::Hangup { channel_id: self.channel(Side::Dst), reason, ..Default::default() };
        match self.ask(Side::Dst, "reject the call", hangup).await {
            // It has just ended by itself, or our first request was obeyed and the answer to it got lost.
            Ok(_) | Err(Stop::LegEnded { side: Side::Dst, .. }) => {}
            Err(stop) => return Err(stop),
        }
        if let Some(leg) = &mut self.inbound {
            leg.is_dismissed = true;
        }
        Ok(())
    }

    pub(crate) fn outbound_id(&self) -> String {
        channel_id(&self.end(Side::Src).server.plan.app, self.run, Part::Outbound)
    }

    /// The limit that Asterisk itself puts on a channel of this run.
    fn net(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()) + NET
    }
}

/// A limit of one step, with how it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) until: Instant,
    /// How long that is, from where the test counts it.
    pub(crate) within: Duration,
}

impl Limit {
    /// From now on.
    pub(crate) fn from_now(within: Duration) -> Self {
        Self { until: Instant::now() + within, within }
    }
}

/// How to dial out over a link that is a test's source.
fn dial_template(link: &Link) -> &DialString {
    link.channel.as_ref().expect("the configuration check lets only links with a channel be a source")
}

/// The caller ID that a link shows, as Asterisk takes it.
fn caller_id(link: &Link) -> String {
    match &link.number {
        Some(number) => format!("{} <{number}>", link.name),
        None => link.name.to_string(),
    }
}
