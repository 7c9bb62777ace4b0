//! Cleans up what an earlier process of this app left on a server: a crash, or a connection that broke in mid-call.
//!
//! ARI repeats no events, and a channel without its owner stays up for ever. What is ours is told by the form of the ids
//! that we choose, and for calls that came in, by the app that the dialplan named. Nothing else is ever touched.

use std::time::Duration;

use calltest_ari::models::Channel;
use calltest_ari::requests::{bridges, channels, recordings};
use calltest_ari::{Client, RequestError};
use tokio::time::{Instant, sleep};

use crate::{channel_id, told_events};

/// How long channels may take to go away after they were hung up.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Hangs up all that is ours, and returns how many channels that were once they are gone.
///
/// # Errors
/// If the server does not answer or refuses.
pub(crate) async fn clean_up(client: &Client) -> Result<usize, RequestError> {
    end_foreign_subscriptions(client).await?;
    let leftovers = leftovers(client).await?;
    for channel in &leftovers {
        match client.request(channels::Hangup { channel_id: channel.id.to_string(), ..Default::default() }).await {
            Err(error) if error.is_gone() => {}
            done => done?,
        }
    }
    let bridges = match client.request(bridges::List::default()).await {
        // The server has no module for bridges.
        Err(error) if error.is_unknown_path() => Vec::new(),
        bridges => bridges?,
    };
    for bridge in bridges {
        if channel_id::is_ours(client.app(), &bridge.id) {
            match client.request(bridges::Destroy { bridge_id: bridge.id.into() }).await {
                Err(error) if error.is_gone() => {}
                done => done?,
            }
        }
    }
    delete_recordings(client).await?;
    let give_up = Instant::now() + PATIENCE;
    while !leftovers.is_empty() && Instant::now() < give_up {
        let left = self::leftovers(client).await?;
        if !left.iter().any(|channel| leftovers.iter().any(|known| known.id == channel.id)) {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(leftovers.len())
}

/// Ends what somebody else has subscribed the app to, which outlives connections.
async fn end_foreign_subscriptions(client: &Client) -> Result<(), RequestError> {
    let application = match client.application().await {
        // The server has no module for applications.
        Err(error) if error.is_unknown_path() => return Ok(()),
        application => application?,
    };
    if let Some((sources, outcome)) = told_events::end_foreign_subscriptions(client, &application).await {
        outcome?;
        tracing::warn!(server = %client.name(), "somebody had subscribed app {} to {sources}, which is undone", client.app());
    }
    Ok(())
}

/// Deletes the recordings that were still to be fetched. Those under way have ended with their channels.
async fn delete_recordings(client: &Client) -> Result<(), RequestError> {
    let stored = match client.request(recordings::ListStored {}).await {
        // The server has no module for recordings.
        Err(error) if error.is_unknown_path() => return Ok(()),
        stored => stored?,
    };
    for recording in stored {
        if channel_id::ends_like_ours(client.app(), &recording.name) {
            let recording_name = String::from(recording.name);
            match client.request(recordings::DeleteStored { recording_name: recording_name.clone() }).await {
                Err(error) if !error.is_gone() => {
                    tracing::warn!(%recording_name, "could not delete a recording that an earlier run left: {error}");
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// The channels that belong to this app.
pub(crate) async fn leftovers(client: &Client) -> Result<Vec<Channel>, RequestError> {
    let mut channels = client.request(channels::List::default()).await?;
    channels.retain(|channel| is_leftover(client.app(), channel));
    Ok(channels)
}

/// Whether a channel belongs to this app: we gave it its id, or the dialplan handed it to us.
fn is_leftover(app: &str, channel: &Channel) -> bool {
    let place = &channel.dialplan;
    let is_in_stasis = place.app_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("Stasis"));
    let first_argument = place.app_data.as_deref().and_then(|data| data.split(',').next());
    let is_in_app = is_in_stasis && first_argument.is_some_and(|argument| argument.trim().trim_matches('"') == app);
    channel_id::is_ours(app, &channel.id) || is_in_app
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltest_core::run::RunId;

    fn channel(id: &str, app_name: &str, app_data: &str) -> Channel {
        let mut channel = Channel::default();
        channel.id = id.into();
        channel.dialplan.app_name = Some(app_name.into());
        channel.dialplan.app_data = Some(app_data.into());
        channel
    }

    #[test]
    fn only_our_own_channels_are_leftovers() {
        let id = channel_id::channel_id("calltest", RunId(7), channel_id::Part::Outbound);
        for ours in [
            channel(&id, "AppDial2", "(Outgoing Line)"),
            channel(&format!("{id};2"), "", ""),
            channel("1795341348.2155", "Stasis", "calltest,trunk,+4987654321"),
            channel("1795341348.2156", "Stasis", "calltest"),
        ] {
            assert!(is_leftover("calltest", &ours), "{ours:?}");
        }
        for foreign in [
            channel("1795341348.2157", "Stasis", "calltest2,trunk,1"),
            channel("1795341348.2158", "Dial", "calltest,trunk,1"),
            channel("1795341348.2159", "", ""),
        ] {
            assert!(!is_leftover("calltest", &foreign), "{foreign:?}");
        }
    }
}
