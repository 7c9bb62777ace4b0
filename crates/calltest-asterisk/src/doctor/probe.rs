//! A test call that cannot leave its server: it shows what the dialplan does with a number.
//!
//! It dials a Local channel that is forbidden to dial on: Asterisk's Dial(), Queue(), FollowMe() and Page() refuse a
//! channel that may not be forwarded any more. Whatever else happens, it is hung up a few seconds later.

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::requests::channels;
use calltest_ari::{Client, Event, QueueError, RequestError, VariableSet, event_queue};
use calltest_core::run::RunId;
use tokio::time::{Instant, sleep, timeout_at};

use crate::channel_id::{Part, channel_id};

/// How long the dialplan may take to hand the call over.
const PATIENCE: Duration = Duration::from_secs(5);
/// Asterisk's own limit on the call, should we vanish meanwhile.
pub(super) const ASTERISK_LIMIT: Duration = Duration::from_secs(10);
/// How long the channels may take to go once they are hung up.
const HANGUP_GRACE: Duration = Duration::from_secs(2);
/// A dialplan that takes more steps than this in five seconds runs in circles.
const QUEUE: usize = 1024;

/// The module that forbids the call to leave.
pub(super) const GUARD: &str = "func_channel";

/// The applications that take a call in earnest, so that it is better over before a message of silence is kept.
const TAKING: [&str; 6] = ["voicemail", "record", "mixmonitor", "confbridge", "agi", "fastagi"];

/// What the dialplan did with a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Trace {
    /// The applications that it ran, each with its arguments.
    pub(super) steps: Vec<(String, String)>,
    /// What it handed to our app, if it did.
    pub(super) arguments: Option<Vec<String>>,
    /// Whether the call was over by itself; else the time was.
    pub(super) has_ended: bool,
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error("the test call was refused: {0}")]
    Refused(RequestError),
    #[error("the connection broke: {0}")]
    Lost(#[from] QueueError),
    #[error("channel {id} could not be hung up{why}; Asterisk ends it after {} s", ASTERISK_LIMIT.as_secs())]
    Left { id: String, why: String },
}

/// Makes the call, and hangs it up as soon as it has shown what it can.
pub(super) async fn probe(client: &Client, dial_string: &str, caller_id: &str) -> Result<Trace, ProbeError> {
    let id = channel_id(client.app(), RunId(rand::random()), Part::Outbound);
    let far_half: Arc<str> = format!("{id};2").into();
    let (sender, mut events) = event_queue(QUEUE);
    let _subscriptions = [client.subscribe(id.as_str(), &sender), client.subscribe(Arc::clone(&far_half), &sender)];
    let originate = channels::OriginateWithId {
        channel_id: id.clone(),
        endpoint: dial_string.to_owned(),
        app: Some(client.app().to_owned()),
        app_args: Some(":doctor".into()),
        caller_id: Some(caller_id.to_owned()),
        timeout: Some(ASTERISK_LIMIT.as_secs().try_into().unwrap_or(i64::MAX)),
        formats: Some("slin".into()),
        variables: Some(
            VariableSet::new()
                .with("CHANNEL(max_forwards)", "0")
                .with("TIMEOUT(absolute)", ASTERISK_LIMIT.as_secs().to_string()),
        ),
        ..Default::default()
    };
    // The request is never abandoned halfway: whoever does cannot know whether there is a channel.
    let refused = client.request(originate).await.err();
    let mut trace = Trace::default();
    let deadline = Instant::now() + PATIENCE;
    let watched = loop {
        if refused.is_some() || trace.is_telling() {
            break Ok(());
        }
        match timeout_at(deadline, events.next()).await {
            Err(_) => break Ok(()),
            Ok(Err(error)) => break Err(error),
            Ok(Ok(delivery)) => trace.take_in(&delivery.event, &id, &far_half),
        }
    };
    for channel in [id.as_str(), &far_half] {
        hang_up(client, channel).await?;
    }
    match refused {
        Some(error) => Err(ProbeError::Refused(error)),
        None => watched.map(|()| trace).map_err(ProbeError::Lost),
    }
}

impl Trace {
    /// Whether nothing more is to be learnt from the call.
    fn is_telling(&self) -> bool {
        let is_taken = self.steps.last().is_some_and(|(step, _)| TAKING.contains(&step.to_lowercase().as_str()));
        self.arguments.is_some() || self.has_ended || is_taken
    }

    fn take_in(&mut self, event: &Event, near_half: &str, far_half: &str) {
        match event {
            Event::ChannelDialplan(step) if step.channel.id == far_half => {
                self.steps.push((step.dialplan_app.to_string(), step.dialplan_app_data.to_string()));
            }
            Event::StasisStart(start) if start.channel.id == far_half => {
                self.arguments = Some(start.args.iter().map(ToString::to_string).collect());
            }
            // The near half goes last, and without a dialplan to run it is the only one that there was.
            Event::ChannelDestroyed(destroyed) if destroyed.channel.id == near_half => self.has_ended = true,
            _ => {}
        }
    }
}

async fn hang_up(client: &Client, id: &str) -> Result<(), ProbeError> {
    let left = |why: String| ProbeError::Left { id: id.to_owned(), why };
    let give_up = Instant::now() + HANGUP_GRACE;
    loop {
        match client.request(channels::Hangup { channel_id: id.to_owned(), ..Default::default() }).await {
            Err(error) if error.is_gone() => return Ok(()),
            Err(error) => return Err(left(format!(" ({error})"))),
            Ok(()) if Instant::now() >= give_up => return Err(left(String::new())),
            Ok(()) => sleep(Duration::from_millis(20)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_watched_no_longer_than_it_tells_something() {
        let after = |step: &str| Trace { steps: vec![(step.into(), String::new())], ..Trace::default() };
        assert!(after("VoiceMail").is_telling() && after("Record").is_telling());
        assert!(!after("Answer").is_telling() && !Trace::default().is_telling());
        assert!(Trace { has_ended: true, ..after("Answer") }.is_telling());
        assert!(Trace { arguments: Some(Vec::new()), ..Trace::default() }.is_telling());
    }
}
