//! Which events the server tells our app of. Any user of ARI may change that: the event filter, what the app is subscribed
//! to, and which of its channels it is told of. So whoever believes that something did not happen looks here first.

use std::collections::HashSet;
use std::sync::Arc;

use calltest_ari::models::Application;
use calltest_ari::requests::applications::{Subscribe, Unsubscribe};
use calltest_ari::requests::channels::Get;
use calltest_ari::{Client, RequestError};

/// A channel of ours of whose events the app has to be told.
pub(crate) trait Watched: Send + Sync {
    fn id(&self) -> &str;

    /// Whether it is there, as far as events have told.
    fn is_up(&self) -> bool;
}

/// Looks whether the app is told everything about these channels, and has it told again what it is not. What was changed, in
/// words that can follow the server's name.
pub(crate) async fn restore(client: &Client, channels: &[Arc<dyn Watched>]) -> Option<String> {
    let app = client.app();
    let application = match client.application().await {
        Ok(application) => application,
        // Without the module, nobody has anything to change it with.
        Err(error) if error.is_unknown_path() => return None,
        Err(error) => return Some(format!("it could not be asked what it tells app {app}: {error}")),
    };
    let mut changes = Vec::new();
    if let Some(change) = client.filter_change(&application) {
        let what = format!("somebody changed the event filter of app {app} ({change})");
        changes.push(with_outcome(what, client.set_filter().await));
    }
    if let Some((sources, outcome)) = end_foreign_subscriptions(client, &application).await {
        changes.push(with_outcome(format!("somebody subscribed app {app} to {sources}"), outcome));
    }
    for channel in unwatched(client, &application, channels).await {
        let event_source = vec![format!("channel:{}", channel.id())];
        let outcome = client.request(Subscribe { application_name: app.to_owned(), event_source }).await;
        let what = format!("somebody ended the subscription of app {app} to channel {}", channel.id());
        changes.push(with_outcome(what, outcome));
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

/// Those of the channels that are there and that the app is told nothing of.
async fn unwatched(client: &Client, application: &Application, channels: &[Arc<dyn Watched>]) -> Vec<Arc<dyn Watched>> {
    let suspects = missing_in(application, channels);
    // What has just ended is not watched any more, and what has just come not yet. Events that are on their way, and a
    // second look, tell.
    if suspects.is_empty() || client.round_trip().await.is_err() {
        return Vec::new();
    }
    let Ok(application) = client.application().await else { return Vec::new() };
    let mut unwatched = missing_in(&application, &suspects);
    for channel in std::mem::take(&mut unwatched) {
        if client.request(Get { channel_id: channel.id().to_owned() }).await.is_ok() {
            unwatched.push(channel);
        }
    }
    unwatched
}

fn missing_in(application: &Application, channels: &[Arc<dyn Watched>]) -> Vec<Arc<dyn Watched>> {
    let watched: HashSet<&str> = application.channel_ids.iter().map(|id| id.as_str()).collect();
    channels.iter().filter(|channel| channel.is_up() && !watched.contains(channel.id())).map(Arc::clone).collect()
}

/// Ends what somebody else has subscribed the app to. We subscribe to no endpoint and no device, and an endpoint that is
/// subscribed to has each event of its channels told twice.
pub(crate) async fn end_foreign_subscriptions(
    client: &Client,
    application: &Application,
) -> Option<(String, Result<Application, RequestError>)> {
    let endpoints = application.endpoint_ids.iter().map(|id| format!("endpoint:{id}"));
    let devices = application.device_names.iter().map(|name| format!("deviceState:{name}"));
    let sources: Vec<String> = endpoints.chain(devices).collect();
    if sources.is_empty() {
        return None;
    }
    let told = sources.join(", ");
    let unsubscribe = Unsubscribe { application_name: client.app().to_owned(), event_source: sources };
    Some((told, client.request(unsubscribe).await))
}

fn with_outcome(what: String, outcome: Result<Application, RequestError>) -> String {
    match outcome {
        Ok(_) => format!("{what}; calltest has undone that"),
        Err(error) => format!("{what}; calltest could not undo that: {error}"),
    }
}
