//! What went over the wire: how much, and how soon requests follow the events that cause them. It decides nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::behaviour::matches;

/// Watches how soon events are reacted to.
#[derive(Debug, Default)]
pub(crate) struct Reactions {
    watched: Vec<Watched>,
    took: Vec<Duration>,
}

/// An event, and the request that it causes.
#[derive(Debug)]
struct Watched {
    kind: String,
    method: String,
    path: String,
    /// When the latest such event about a channel was sent, by the channel's id.
    sent: HashMap<String, Instant>,
}

impl Reactions {
    pub(crate) fn watch(&mut self, kind: &str, method: &str, path: &str) {
        let (kind, method, path) = (kind.to_owned(), method.to_owned(), path.to_owned());
        self.watched.push(Watched { kind, method, path, sent: HashMap::new() });
    }

    /// An event about a channel is sent.
    pub(crate) fn event(&mut self, kind: &str, channel: &str, at: Instant) {
        for watched in self.watched.iter_mut().filter(|watched| watched.kind == kind) {
            watched.sent.insert(channel.to_owned(), at);
        }
    }

    /// A request has come. Only the first one after an event is its answer.
    pub(crate) fn request(&mut self, method: &str, path: &str, at: Instant) {
        let Some(channel) = path.strip_prefix("/channels/").and_then(|rest| rest.split('/').next()) else { return };
        for watched in &mut self.watched {
            if watched.method == method && matches(&watched.path, path) {
                let sent = watched.sent.remove(channel);
                self.took.extend(sent.map(|sent| at.saturating_duration_since(sent)));
            }
        }
    }

    /// How long each reaction took so far.
    pub(crate) fn took(&self) -> &[Duration] {
        &self.took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_lasts_from_the_latest_event_to_the_first_request_of_its_channel() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut reactions = Reactions::default();
        reactions.watch("ChannelDtmfReceived", "POST", "/channels/*/dtmf");
        reactions.request("POST", "/channels/a/dtmf", at(0));
        reactions.event("ChannelDtmfReceived", "a", at(10));
        reactions.event("ChannelDtmfReceived", "a", at(20));
        reactions.event("Dial", "a", at(21));
        reactions.request("POST", "/channels/b/dtmf", at(22));
        reactions.request("POST", "/channels/a/play", at(23));
        reactions.request("POST", "/channels/a/dtmf", at(25));
        reactions.request("POST", "/channels/a/dtmf", at(26));
        assert_eq!(reactions.took(), [Duration::from_millis(5)]);
    }
}
