//! Others on the same server: strangers that call, and a hand that meddles with our channels.

use std::time::Duration;

use asterisk_lab::Server;
use calltest_ari::requests::{channels, recordings};
use calltest_ari::{Client, Operation, RequestError, Settings};
use calltest_core::event::ServerProgress;
use calltest_core::evidence::Observation;

use crate::scene::{dtmf, ends, passes};
use crate::{example_links, nothing_is_left, one_server};

/// Somebody else with an ARI account, in an app of his own.
pub(crate) struct Intruder {
    client: Client,
    _incoming: calltest_ari::Incoming,
}

impl Intruder {
    pub(crate) async fn enter(server: &Server) -> Self {
        let ari = server.ari();
        let settings =
            Settings::new(&ari.host.to_string(), ari.port, ari.username.as_str(), ari.password.as_str(), "intruder");
        let (client, _incoming) = calltest_ari::connect(settings).await.unwrap();
        Self { client, _incoming }
    }

    /// Sends a request.
    pub(crate) async fn request<Op: Operation>(&self, operation: Op) -> Result<Op::Reply, RequestError> {
        self.client.request(operation).await
    }

    /// Hangs up whatever is up on the server.
    pub(crate) async fn hang_up_all(&self) {
        for channel_id in self.channels().await {
            // It may be gone meanwhile.
            let _ = self.client.request(channels::Hangup { channel_id, ..Default::default() }).await;
        }
    }

    /// Calls somebody, from no number, with a channel of this id.
    pub(crate) async fn call(&self, id: &str, endpoint: &str) {
        let originate = channels::OriginateWithId {
            channel_id: id.into(),
            endpoint: endpoint.into(),
            app: Some("intruder".into()),
            formats: Some("slin".into()),
            ..Default::default()
        };
        self.client.request(originate).await.unwrap();
    }

    /// The same from that number.
    pub(crate) async fn call_as(&self, id: &str, caller: &str, endpoint: &str) {
        let originate = channels::OriginateWithId {
            channel_id: id.into(),
            endpoint: endpoint.into(),
            app: Some("intruder".into()),
            caller_id: Some(format!("<{caller}>")),
            formats: Some("slin".into()),
            ..Default::default()
        };
        self.client.request(originate).await.unwrap();
    }

    /// Calls somebody from that number, and goes on in the dialplan once it is answered.
    pub(crate) async fn call_from(&self, caller: &str, endpoint: &str, extension: &str, context: &str) {
        let originate = channels::Originate {
            endpoint: endpoint.into(),
            caller_id: Some(format!("<{caller}>")),
            extension: Some(extension.into()),
            context: Some(context.into()),
            priority: Some(1),
            formats: Some("slin".into()),
            ..Default::default()
        };
        self.client.request(originate).await.unwrap();
    }

    /// The names of the recordings that the server keeps.
    pub(crate) async fn recordings(&self) -> Vec<String> {
        let stored = self.client.request(recordings::ListStored {}).await.unwrap();
        stored.into_iter().map(|recording| recording.name.into()).collect()
    }

    /// The ids of all channels.
    pub(crate) async fn channels(&self) -> Vec<String> {
        let channels = self.client.request(channels::List::default()).await.unwrap();
        channels.into_iter().map(|channel| channel.id.into()).collect()
    }

    /// Sends digits into the call from the callee's side: from the half of the Local channel that is in the app.
    pub(crate) async fn send_digits_from_callee(&self, digits: &str) {
        let channels = self.client.request(channels::List::default()).await.unwrap();
        let callee = channels.into_iter().find(|channel| channel.id.ends_with(";2")).expect("a call is up");
        let send = channels::SendDtmf { channel_id: callee.id.into(), dtmf: Some(digits.into()), ..Default::default() };
        self.client.request(send).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_hung_up_and_foreign_channels_are_not() {
    let lab = one_server("[rings]\nexten => x,1,Ringing()\n same => n,Wait(60)\n");
    let intruder = Intruder::enter(lab.server("a")).await;
    // The form of the ids that a run of this app gives its channels.
    let leftover = "ct-765390c1-0123456789abcdef-a";
    intruder.call(leftover, "Local/x@rings").await;
    let foreign = ["ct-00000000-0123456789abcdef-a", "ct-765390c1-1123456789abcde-a", "stranger"];
    for id in foreign {
        intruder.call(id, "Local/x@rings").await;
    }
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let left = intruder.channels().await;
    assert!(foreign.iter().all(|id| left.iter().any(|channel| channel == id)), "{left:?}");
    assert!(!left.iter().any(|channel| channel.starts_with(leftover)), "{left:?}");
    passes(&stage.run().await);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_call_in_mid_run_changes_nothing() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let arrived = stage.witness.when(|what| matches!(what, Observation::Arrived { .. }));
    let stranger = stage.witness.when(|what| matches!(what, Observation::Stranger { .. }));
    let intruder = Intruder::enter(lab.server("a")).await;
    let run = stage.start();
    arrived.await;
    intruder.call("stranger", "Local/trunk@direct").await;
    stranger.await;
    let run = run.await.unwrap();
    passes(&run);
    let notes: Vec<String> = run.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["another call on trunk was rejected, from no number"]);
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_no_run_waits_for_is_rejected_and_reported() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let intruder = Intruder::enter(lab.server("a")).await;
    intruder.call("stranger", "Local/somewhere@direct").await;
    let stray = || {
        stage
            .witness
            .servers
            .lock()
            .unwrap()
            .iter()
            .any(|event| matches!(&event.what, ServerProgress::Stray { link, .. } if link == "somewhere"))
    };
    let limit = tokio::time::Instant::now() + Duration::from_secs(3);
    while !stray() {
        assert!(tokio::time::Instant::now() < limit, "not reported");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nothing_is_left(&lab);
    stage.close().await;
}
