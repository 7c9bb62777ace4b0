//! Channels of ours that no run knows of, while a connection lasts.
//!
//! A run hangs up what it has. But a server that refuses for a while does not obey, one that was stopped carries out later
//! what was long given up, and an arrival whose event could not be read is nobody's. Whoever has reason to think so
//! says that there may be leftovers. Then the server is asked what channels there are, and those of ours that no run is
//! subscribed to, in two looks, are hung up. One look would not do: the event of a call that arrives may be on its way.

use std::time::Duration;

use calltest_ari::requests::channels::Hangup;
use calltest_ari::{Client, State};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::channel_id::near_half;
use crate::cleanup::leftovers;

/// The pauses before each look after the last sign of leftovers. Together they are longer than a server may take to be
/// lost for its silence, so that what it does late is found by the last look.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// Whether there may be leftovers on one server.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Counts the reasons to think so; 0 once all is known to be well.
    signs: watch::Sender<u64>,
}

impl Leftovers {
    /// There may be something that no run knows of, now or soon.
    pub(crate) fn suspect(&self) {
        self.signs.send_modify(|signs| *signs += 1);
    }

    /// Looks whenever there is reason to, until the client is closed.
    pub(crate) async fn watch(self: std::sync::Arc<Self>, client: Client) {
        let mut state = client.state();
        tokio::select! {
            _ = state.wait_for(|state| matches!(state, State::Closed)) => {}
            () = self.run(&client) => {}
        }
    }

    async fn run(&self, client: &Client) {
        let mut signs = self.signs.subscribe();
        loop {
            // The sender lives as long as this.
            let _ = signs.wait_for(|signs| *signs > 0).await;
            let mut before = Vec::new();
            let mut pauses = PAUSES.iter();
            let mut seen = *signs.borrow_and_update();
            while let Some(pause) = pauses.next() {
                let is_told = tokio::select! {
                    () = sleep(*pause) => false,
                    told = signs.changed() => told.is_ok(),
                };
                if is_told {
                    // Another sign begins the pauses again; further ones do not put off the look.
                    seen = *signs.borrow_and_update();
                    pauses = PAUSES.iter();
                    sleep(pauses.next().copied().unwrap_or_default()).await;
                }
                let unknown = match look(client).await {
                    Ok(unknown) => unknown,
                    Err(error) => {
                        tracing::debug!(server = %client.name(), "cannot look for leftover channels: {error}");
                        pauses = PAUSES.iter();
                        continue;
                    }
                };
                for channel_id in unknown.iter().filter(|id| before.contains(*id)) {
                    tracing::info!(server = %client.name(), %channel_id, "hanging up a channel that no run knows of");
                    let hangup = Hangup { channel_id: channel_id.clone(), ..Hangup::default() };
                    if let Err(error) = client.request(hangup).await
                        && !error.is_gone()
                    {
                        tracing::warn!(server = %client.name(), %channel_id, "could not hang up a leftover channel: {error}");
                    }
                }
                let now = *signs.borrow_and_update();
                if !unknown.is_empty() || now != seen {
                    (pauses, seen) = (PAUSES.iter(), now);
                }
                before = unknown;
            }
            // A sign that came in at this very moment stays.
            self.signs.send_if_modified(|signs| {
                let is_well = *signs == seen;
                *signs = if is_well { 0 } else { *signs };
                is_well
            });
        }
    }

    /// Whether there may be something that no run knows of.
    pub(crate) fn may_be_there(&self) -> bool {
        *self.signs.borrow() > 0
    }
}

/// The ids of the channels that are ours and that no run is subscribed to.
async fn look(client: &Client) -> Result<Vec<String>, calltest_ari::RequestError> {
    let mut ids: Vec<String> = leftovers(client).await?.into_iter().map(|channel| channel.id.into()).collect();
    ids.retain(|id| {
        // The far half of a Local channel goes with its near half.
        let near = near_half(id);
        !client.is_subscribed(id) && !client.is_subscribed(near)
    });
    Ok(ids)
}
