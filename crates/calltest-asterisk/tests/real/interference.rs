//! What somebody does to our channels at our own server is never the network's fault.

use std::time::Duration;

use asterisk_lab::{Lab, Server};
use calltest_ari::requests::channels;
use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;

use crate::intruders::Intruder;
use crate::scene::{call, dtmf, ends};
use crate::{links_across, nothing_is_left, two_servers};

#[derive(Debug, Clone, Copy)]
enum Deed {
    /// `channel request hangup` on the command line.
    CommandLine,
    /// DELETE by another ARI client.
    Delete,
    /// The same, with a reason that a far end may have, too.
    DeleteAsBusy,
    /// Into an app of somebody else's.
    Move,
    /// Back into the dialplan.
    Continue,
    /// Answered in our place.
    Answer,
}

impl Deed {
    async fn commit(self, intruder: &Intruder, server: &Server) {
        let list = intruder.request(channels::List::default()).await.unwrap();
        let ours = list
            .into_iter()
            .find(|channel| channel.dialplan.app_name.as_deref() == Some("Stasis"))
            .expect("a channel of ours is up");
        let channel_id = ours.id.to_string();
        // The call may be over before: then the run tells what became of it.
        let done = match self {
            Self::CommandLine => {
                server.cli(&format!("channel request hangup {}", ours.name)).unwrap();
                Ok(())
            }
            Self::Delete => intruder.request(channels::Hangup { channel_id, ..Default::default() }).await.map(drop),
            Self::DeleteAsBusy => {
                let reason = Some(channels::HangupReason::Busy);
                intruder.request(channels::Hangup { channel_id, reason, ..Default::default() }).await.map(drop)
            }
            Self::Move => {
                let app = "intruder".into();
                intruder.request(channels::Move { channel_id, app, ..Default::default() }).await.map(drop)
            }
            Self::Continue => {
                intruder.request(channels::ContinueInDialplan { channel_id, ..Default::default() }).await.map(drop)
            }
            Self::Answer => intruder.request(channels::Answer { channel_id }).await.map(drop),
        };
        done.unwrap();
    }
}

async fn meddled(lab: &Lab, test: CallTest, server: &str, deed: Deed, moment: Observation) -> FinishedRun {
    let stage = links_across(lab).open(&[test]).await;
    let intruder = Intruder::enter(lab.server(server)).await;
    let moment = stage.witness.when(move |what| *what == moment);
    let run = stage.start();
    moment.await;
    // In the midst of what follows.
    tokio::time::sleep(Duration::from_millis(300)).await;
    deed.commit(&intruder, lab.server(server)).await;
    let run = run.await.unwrap();
    intruder.hang_up_all().await;
    nothing_is_left(lab);
    stage.close().await;
    run
}

// field attack 7 | Somebody hangs up, moves, continues or answers our channel at our own server | `error` | by command line and ARI, with and without a reason, at either server, before and after the answer; all channels continued at each stage of each mode (matrix)
#[tokio::test(flavor = "multi_thread")]
async fn a_hand_on_a_channel_that_is_up_is_no_fault_of_the_network() {
    let lab = two_servers();
    let test = || dtmf(ends("berlin", "paris", "+33112345678", ""));
    for server in ["a", "b"] {
        for deed in [Deed::CommandLine, Deed::Delete, Deed::DeleteAsBusy, Deed::Move, Deed::Continue] {
            let run = meddled(&lab, test(), server, deed, Observation::Answered).await;
            let said = run.verdict.reason();
            // Asterisk lets us command the source's channel in any app, and its events come to whoever subscribed.
            let word = if matches!((server, deed), ("a", Deed::Move)) { "pass" } else { "error" };
            assert_eq!(run.verdict.word(), word, "{deed:?} at {server}: {said:?}\n{:#?}", run.evidence);
        }
    }
}

// field attack 7
#[tokio::test(flavor = "multi_thread")]
async fn a_hand_on_a_call_that_must_not_be_answered_is_no_fault_of_the_network() {
    let lab = two_servers();
    let mut test = call(ends("berlin", "paris", "+33112345678", ""));
    test.delay.ring = Duration::from_secs(1);
    for deed in [Deed::Answer, Deed::CommandLine, Deed::Delete, Deed::DeleteAsBusy] {
        let run = meddled(&lab, test.clone(), "b", deed, Observation::RingingSent).await;
        let said = run.verdict.reason();
        assert_eq!(run.verdict.code(), Some(Code::Interference), "{deed:?}: {said:?}\n{:#?}", run.evidence);
    }
}
