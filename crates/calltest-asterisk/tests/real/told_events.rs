//! Somebody changes which events a real server tells the app of.

use std::sync::Arc;
use std::time::Duration;

use calltest_asterisk::{CallCounter, Identity, doctor};
use calltest_core::event::{Check, Outcome};
use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, Link};
use calltest_core::verdict::Trouble;
use futures_util::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;

use crate::intruders::Intruder;
use crate::meddler::Meddler;
use crate::scene::{check, dtmf, ends, passes};
use crate::{address, example_links, links_across, nothing_is_left, one_server, two_servers};

fn digits() -> CallTest {
    dtmf(ends("fone1", "trunk", "trunk", "fone1"))
}

// field attack 2 | Somebody left a `disallowed` filter on our app, or changed it in a call | `error` once, and it is undone | a shorter `allowed`; a subscription to an endpoint, which doubles digits; a channel unsubscribed; a reconnect; the whole matrix under such a filter
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_somebody_changed_is_an_error_once_and_is_set_again() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[digits()]).await;
    let meddler = Meddler::at(&address(lab.server("a")));
    let ours = meddler.seen().await;
    assert!(ours.0 > 0 && ours.1 == 0, "{ours:?}");
    for kind in ["ChannelDtmfReceived", "ChannelUserevent"] {
        let arrived = stage.witness.when(|what| matches!(what, Observation::Arrived { .. }));
        let run = stage.start();
        arrived.await;
        meddler.disallow(kind).await;
        let run = run.await.unwrap();
        match kind {
            "ChannelDtmfReceived" => check(&run, "error", |said| {
                said == "server a: somebody changed the event filter of app calltest (it keeps back ChannelDtmfReceived); \
                         calltest has undone that, so what was not seen proves nothing"
            }),
            _ => passes(&run),
        }
        assert_eq!(meddler.seen().await, ours, "the filter is ours again");
    }
    passes(&stage.run().await);
    nothing_is_left(&lab);
    stage.close().await;
}

// field attack 2
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_somebody_left_is_replaced_whole_when_we_connect() {
    let lab = one_server("[rings]\nexten => x,1,Ringing()\n same => n,Wait(60)\n");
    let stage = example_links(&lab).open(&[digits()]).await;
    let meddler = Meddler::at(&address(lab.server("a")));
    // Asterisk keeps an app, and its filter, whose connection is closed while it still watches a channel.
    let intruder = Intruder::enter(lab.server("a")).await;
    intruder.call("stranger", "Local/x@rings").await;
    meddler.subscribe("channel:stranger").await;
    meddler.subscribe("deviceState:Stasis:lamp").await;
    meddler.disallow("ChannelDtmfReceived").await;
    stage.close().await;
    assert_eq!(meddler.seen().await.1, 1, "the foreign filter outlives the connection");
    let stage = example_links(&lab).open(&[digits()]).await;
    let (_, disallowed, sources) = meddler.seen().await;
    assert_eq!((disallowed, sources), (0, Vec::new()));
    passes(&stage.run().await);
    stage.close().await;
}

/// There are no budgets.
struct Uncounted;

impl CallCounter for Uncounted {
    fn count<'c>(&'c self, _: &'c Arc<Link>, _: Duration) -> BoxFuture<'c, Result<(), Trouble>> {
        async { Ok(()) }.boxed()
    }
}

// field attack 2
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_of_a_filter_that_somebody_changed() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[digits()]).await;
    let findings = || async {
        let (identity, interrupted) =
            (Identity { instance: "doctor".into(), take_over: false }, CancellationToken::new());
        let mut findings = Vec::new();
        doctor(&stage.plan, &identity, &Uncounted, &interrupted, &mut |finding| findings.push(finding)).await;
        findings.retain(|finding| finding.what.contains("event filter"));
        findings
    };
    assert!(findings().await.is_empty());
    Meddler::at(&address(lab.server("a"))).disallow("ChannelDtmfReceived").await;
    let [finding] = &findings().await[..] else { panic!("one finding") };
    assert_eq!((finding.check, finding.outcome), (Check::App, Outcome::Problem));
    assert_eq!(finding.what, "somebody changed the event filter of app `calltest`: it keeps back ChannelDtmfReceived");
    assert!(finding.fix.as_ref().is_some_and(|fix| fix.contains("PUT /ari/applications/calltest/eventFilter")));
    stage.close().await;
}

/// Each event of a channel at an endpoint that the app is subscribed to is told twice.
// field attack 2
#[tokio::test(flavor = "multi_thread")]
async fn digits_that_a_foreign_subscription_doubles_are_not_the_networks_fault() {
    let lab = two_servers();
    let stage = links_across(&lab).open(&[dtmf(ends("berlin", "paris", "+33112345678", "+493012345"))]).await;
    let meddler = Meddler::at(&address(lab.server("b")));
    let arrived = stage.witness.when(|what| matches!(what, Observation::Arrived { .. }));
    let run = stage.start();
    arrived.await;
    meddler.subscribe("endpoint:PJSIP").await;
    check(&run.await.unwrap(), "error", |said| {
        said.starts_with("server b: somebody subscribed app calltest to endpoint:PJSIP; calltest has undone that")
    });
    assert_eq!(meddler.seen().await.2, Vec::<String>::new());
    passes(&stage.run().await);
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_of_a_channel_that_somebody_unsubscribed_are_not_the_networks_fault() {
    let lab = two_servers();
    let stage = links_across(&lab).open(&[dtmf(ends("berlin", "paris", "+33112345678", "+493012345"))]).await;
    let meddler = Meddler::at(&address(lab.server("b")));
    let heard = stage.witness.when(|what| matches!(what, Observation::DigitReceived { .. }));
    let run = stage.start();
    heard.await;
    meddler.unsubscribe(&format!("channel:{}", meddler.arrived().await)).await;
    check(&run.await.unwrap(), "error", |said| {
        said.starts_with("server b: somebody ended the subscription of app calltest to channel ")
    });
    passes(&stage.run().await);
    nothing_is_left(&lab);
    stage.close().await;
}
