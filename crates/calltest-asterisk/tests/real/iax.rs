//! Calls by IAX2, whose driver calls a channel ringing as soon as the far end has the call.

use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions};
use calltest_core::plan::{CallTest, Presence, Route};

use crate::scene::{Scene, check, fail, passes, play, ring};
use crate::{address, nothing_is_left};

/// A loop on the server's own address, which the file is told by `ADDRESS`.
const IAX: &str = "[general]\nbindport=5625\nbindaddr=ADDRESS\ndisallow=all\nallow=alaw\n\
    calltokenoptional=127.0.0.0/255.0.0.0\n\n\
    [loop]\ntype=friend\nhost=ADDRESS\nport=5625\nusername=loop\nsecret=lab\nauth=md5\ncontext=iaxtest\nrequirecalltoken=no\n";

const FAR_ENDS: &str = "[iaxtest]\nexten => silent,1,Wait(8)\n same => n,Hangup(17)\n\
    exten => rings,1,Ringing()\n same => n,Wait(8)\n\
    exten => rings-answers,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(8)\n\
    exten => answers,1,Wait(1)\n same => n,Answer()\n same => n,Wait(8)\n\
    exten => busy,1,Wait(0.5)\n same => n,Busy(1)\n";

fn to(extension: &str, mut test: CallTest) -> CallTest {
    let Route::Out { to, .. } = &mut test.route else { panic!("it only calls out") };
    to.number = Some(extension.into());
    test.timeout = Duration::from_secs(3);
    test
}

fn with(presence: Presence, mut test: CallTest) -> CallTest {
    test.requirements.ringing.presence = presence;
    test
}

// field telephony 5 | A call by IAX2 to a far end that never rings | `fail`, no ringing | an answer without ringing where it is required, or forbidden; a far end that rings; a busy one
#[tokio::test(flavor = "multi_thread")]
async fn what_the_driver_calls_ringing_is_none() {
    let own = asterisk_lab::LoopbackAddress::lease().unwrap();
    let iax = IAX.replace("ADDRESS", &own.ip().to_string());
    let server = ServerOptions::named("a").dialplan(FAR_ENDS).file("iax.conf", iax).address(own);
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(server).start().unwrap();
    let loaded = lab.server("a").cli("module load chan_iax2.so").unwrap();
    assert!(loaded.contains("Loaded"), "{loaded}");
    let iax = |scene: Scene| scene.link("iax", "a", "IAX2/loop/{number}", "+493023125300");
    let stage = iax(Scene::new().server("a", address(lab.server("a"))));
    let tests = [
        to("silent", ring("iax", None)),
        to("answers", with(Presence::Required, play("iax", None))),
        to("answers", with(Presence::Forbidden, play("iax", None))),
        to("rings", ring("iax", None)),
        to("rings-answers", with(Presence::Required, play("iax", None))),
        to("rings-answers", with(Presence::Forbidden, play("iax", None))),
        to("busy", fail("iax", Duration::from_secs(2))),
    ];
    let stage = stage.open(&tests).await;
    let run = async |nth| stage.start_nth(nth).await.unwrap();
    check(&run(0).await, "fail", |said| {
        said == "iax: expected ringing, saw neither ringing, answer nor rejection within 3 s"
    });
    check(&run(1).await, "fail", |said| said == "iax: expected ringing, was answered without");
    passes(&run(2).await);
    passes(&run(3).await);
    passes(&run(4).await);
    check(&run(5).await, "fail", |said| said.starts_with("iax: rang "));
    passes(&run(6).await);
    nothing_is_left(&lab);
    stage.close().await;
}
