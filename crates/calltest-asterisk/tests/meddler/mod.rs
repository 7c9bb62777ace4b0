//! Somebody with an ARI account who changes what the server tells calltest's app.

use calltest_ari::requests::applications::{Filter, Get, Subscribe, Unsubscribe};
use calltest_ari::requests::channels;
use calltest_ari::{RestClient, Settings};
use serde_json::{Value, json};

use crate::scene::Address;

/// The app that is meddled with.
const APP: &str = "calltest";

pub(crate) struct Meddler(RestClient);

impl Meddler {
    pub(crate) fn at(server: &Address) -> Self {
        let Address { host, port, username, password } = server;
        // Whatever comes first in a test binary installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(RestClient::new(Settings::new(host, *port, username, password.as_str(), APP)).unwrap())
    }

    /// Has the server keep back events of this type.
    pub(crate) async fn disallow(&self, kind: &str) {
        self.set_filter(json!({ "disallowed": [{ "type": kind }] })).await;
    }

    /// Has the server send only events of this type.
    pub(crate) async fn allow_only(&self, kind: &str) {
        self.set_filter(json!({ "allowed": [{ "type": kind }] })).await;
    }

    async fn set_filter(&self, filter: Value) {
        self.0.request(Filter { application_name: APP.into(), filter: Some(filter) }).await.unwrap();
    }

    pub(crate) async fn subscribe(&self, source: &str) {
        self.0.request(Subscribe { application_name: APP.into(), event_source: vec![source.into()] }).await.unwrap();
    }

    pub(crate) async fn unsubscribe(&self, source: &str) {
        self.0.request(Unsubscribe { application_name: APP.into(), event_source: vec![source.into()] }).await.unwrap();
    }

    /// How long the two lists of the app's filter are, and the endpoints and devices that it is subscribed to.
    pub(crate) async fn seen(&self) -> (usize, usize, Vec<String>) {
        let app = self.0.request(Get { application_name: APP.into() }).await.unwrap();
        let sources = app.endpoint_ids.iter().chain(&app.device_names).map(ToString::to_string).collect();
        (app.events_allowed.len(), app.events_disallowed.len(), sources)
    }

    /// The id of the channel that came into the app: the one that is in `Stasis`.
    pub(crate) async fn arrived(&self) -> String {
        let channels = self.0.request(channels::List::default()).await.unwrap();
        let is_in_app =
            |channel: &&calltest_ari::models::Channel| channel.dialplan.app_name.as_deref() == Some("Stasis");
        channels.iter().find(is_in_app).expect("a call has come into the app").id.to_string()
    }
}
