//! A leg on Asterisk: its channel, and the snoop channel that records it if it is to be heard.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calltest_ari::requests::channels::{self, HangupReason};
use calltest_ari::{Operation, Subscription};
use calltest_core::evidence::Observation;
use calltest_core::plan::{self, Rejection};
use calltest_core::run::RunId;
use calltest_engine::{BoxFuture, Command, Left, Leg, NotHeard, Pace, Refused, Sound};
use tokio::time::Instant;

use crate::channel::Channel;
use crate::channel_state::Phase;
use crate::hang_up::{hang_up, hang_up_in_background};
use crate::identity::identify;
use crate::limit::{ABSOLUTE_LIMIT, whole_seconds};
use crate::measure::measure;
use crate::recording::Recording;
use crate::server::Server;
use crate::unfinished::Unfinished;

/// How long a channel may take to go once it is hung up, before we ask for it.
const HANGUP_GRACE: Duration = Duration::from_secs(2);
/// The same for a channel that Asterisk does not know any more: all that can still come is an event on its way.
const LAST_EVENTS: Duration = Duration::from_millis(300);
/// How long to wait before asking again for a channel that is still up.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How long it may take to look into the end of a channel that vanished without a word, besides the time of a request.
const EXAMINATION: Duration = Duration::from_secs(2);
/// Asterisk starts each series of digits with so much quiet.
const QUIET_BEFORE_DIGITS: Duration = Duration::from_millis(100);

/// One side of a run's call.
pub(crate) struct AsteriskLeg {
    server: Arc<Server>,
    /// The server as the run's plan has it.
    plan: plan::Asterisk,
    run: RunId,
    channel: Arc<Channel>,
    recording: Option<Recording>,
    /// Keeps the channel's events coming.
    _subscription: Subscription,
}

impl AsteriskLeg {
    pub(crate) fn new(
        server: Arc<Server>,
        plan: &plan::Server,
        run: RunId,
        channel: Arc<Channel>,
        subscription: Subscription,
    ) -> Self {
        let plan = plan.asterisk().clone();
        Self { server, plan, run, channel, recording: None, _subscription: subscription }
    }

    /// Sends a request about the channel, as soon as it takes any.
    fn ask<Op: Operation + Send + Sync + 'static>(&self, operation: Op) -> BoxFuture<'static, Result<(), Refused>>
    where
        Op::Reply: Send,
    {
        let (server, channel) = (Arc::clone(&self.server), self.channel());
        Box::pin(async move {
            channel.in_app().await?;
            let unfinished = Unfinished::on(&server);
            let answer = server.client.request(operation).await;
            unfinished.finish();
            match answer {
                Ok(_) => Ok(()),
                Err(error) => Err(channel.explain(error).await),
            }
        })
    }

    /// The channel that is the leg now: that of the call itself, or the one by which Asterisk goes on where it was forwarded.
    fn channel(&self) -> Arc<Channel> {
        let mut channel = Arc::clone(&self.channel);
        while let Some(next) = channel.forwarding.followed() {
            channel = next;
        }
        channel
    }

    /// Sees to it that a forwarded channel that was hung up is gone.
    async fn end_cut_off(&self) -> Result<(), Left> {
        let Some(id) = self.channel().forwarding.cut_off() else { return Ok(()) };
        if !hang_up(&self.server, &id, None).await {
            return Ok(());
        }
        self.make_sure_gone(&id, || {}).await
    }

    /// Asks for a channel, whose end no event told. Only what is still up after a second hang-up is trouble.
    async fn make_sure_gone(&self, id: &str, is_gone: impl FnOnce()) -> Result<(), Left> {
        let channel_id = id.to_owned();
        let give_up = Instant::now() + HANGUP_GRACE;
        loop {
            match self.server.client.request(channels::Get { channel_id: channel_id.clone() }).await {
                Err(error) if error.is_gone() => {
                    is_gone();
                    return Ok(());
                }
                Err(error) if error.is_not_found() => {
                    let cause = "is its module res_ari_channels loaded, or does a proxy answer?";
                    return Err(Left { why: format!("{error}, which does not tell whether it is gone; {cause}") });
                }
                Err(error) => return Err(Left { why: error.to_string() }),
                Ok(_) if Instant::now() >= give_up => {
                    let limit = "Asterisk's own limit on the channel will end it";
                    let why = format!("asked {} s after the second request; {limit}", HANGUP_GRACE.as_secs());
                    return Err(Left { why });
                }
                Ok(_) => {
                    hang_up(&self.server, id, None).await;
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
        }
    }
}

impl Leg for AsteriskLeg {
    fn label(&self) -> &str {
        &self.channel.id
    }

    fn command(&mut self, command: Command) -> BoxFuture<'static, Result<(), Refused>> {
        let channel_id = self.channel().id.to_string();
        match command {
            Command::Limit(limit) => self.ask(channels::SetChannelVar {
                channel_id,
                variable: ABSOLUTE_LIMIT.into(),
                value: Some(whole_seconds(limit).to_string()),
                ..Default::default()
            }),
            Command::Progress => self.ask(channels::Progress { channel_id }),
            Command::Ring => self.ask(channels::Ring { channel_id }),
            Command::Answer => self.ask(channels::Answer { channel_id }),
            Command::Reject(with) => {
                self.ask(channels::Hangup { channel_id, reason: Some(reason(with)), ..Default::default() })
            }
            Command::SendDigits { digits, pace } => self.ask(channels::SendDtmf {
                channel_id,
                dtmf: Some(digits),
                between: milliseconds(pace.gap),
                duration: milliseconds(pace.tone),
                ..Default::default()
            }),
            // Asterisk holds a digit that it takes for too short until the next frame, and where nobody speaks, none comes.
            Command::FlushDigits => {
                self.channel().tell(Observation::SilenceSent);
                self.ask(channels::StartSilence { channel_id })
            }
            Command::Say(Sound::Stored(name)) => {
                let media = vec![format!("{}{name}", self.plan.play_base)];
                self.ask(channels::Play { channel_id, media, ..Default::default() })
            }
            Command::Hear { name } => {
                let (server, channel) = (Arc::clone(&self.server), self.channel());
                let (recording, begun) = Recording::begin(server, &self.plan, self.run, channel, &name);
                self.recording = Some(recording);
                begun
            }
        }
    }

    fn sending_time(&self, digits: usize, pace: Pace) -> Duration {
        QUIET_BEFORE_DIGITS + (pace.tone + pace.gap) * digits.try_into().unwrap_or(u32::MAX)
    }

    fn identify(&mut self) -> BoxFuture<'static, Result<Vec<Observation>, Refused>> {
        let (server, channel) = (Arc::clone(&self.server), self.channel());
        Box::pin(async move {
            match identify(server, channel.id.to_string()).await {
                Ok(told) => Ok(told),
                Err(error) => Err(channel.explain(error).await),
            }
        })
    }

    fn measure(&mut self) -> BoxFuture<'static, Vec<Observation>> {
        let channel = self.channel();
        match channel.name() {
            Some(name) => Box::pin(measure(Arc::clone(&self.server), channel.id.to_string(), name)),
            None => Box::pin(std::future::ready(Vec::new())),
        }
    }

    fn fetch(&mut self) -> BoxFuture<'_, Option<Result<Bytes, NotHeard>>> {
        Box::pin(async {
            match self.recording.take() {
                Some(recording) => recording.fetch().await,
                None => None,
            }
        })
    }

    fn end(&mut self) -> BoxFuture<'_, Result<(), Left>> {
        Box::pin(async {
            let channel = self.channel();
            let is_gone = match channel.state().phase {
                Phase::Gone => true,
                // It is gone in any case. A server that is lost meanwhile is out of sight, which says enough.
                Phase::Vanished => {
                    channel.gone_within(EXAMINATION + self.plan.timeout).await;
                    true
                }
                Phase::Outside | Phase::InApp | Phase::Ending => {
                    channel.is_being_hung_up();
                    let is_known = hang_up(&self.server, &channel.id, None).await;
                    channel.gone_within(if is_known { HANGUP_GRACE } else { LAST_EVENTS }).await
                }
            };
            let mut outcome = Ok(());
            if !is_gone {
                outcome = self.make_sure_gone(&channel.id, || channel.is_gone_untold()).await;
            }
            outcome = outcome.and(self.end_cut_off().await);
            if outcome.is_err() {
                self.server.leftovers.suspect();
            }
            outcome
        })
    }
}

impl Drop for AsteriskLeg {
    fn drop(&mut self) {
        // Its snoop channel may be up, or come to be.
        if self.recording.is_some() {
            self.server.leftovers.suspect();
        }
        let channel = self.channel();
        if channel.state().phase < Phase::Vanished {
            hang_up_in_background(&self.server, channel.id.to_string(), None);
        }
        self.channel.forwarding.forget();
    }
}

/// How Asterisk words a rejection.
fn reason(rejection: Rejection) -> HangupReason {
    match rejection {
        Rejection::Busy => HangupReason::Busy,
        Rejection::Congestion => HangupReason::Congestion,
        Rejection::NoAnswer => HangupReason::NoAnswer,
        Rejection::Rejected => HangupReason::Rejected,
        Rejection::Unallocated => HangupReason::Unallocated,
        Rejection::Normal => HangupReason::Normal,
    }
}

fn milliseconds(time: Duration) -> Option<i64> {
    i64::try_from(time.as_millis()).ok()
}
