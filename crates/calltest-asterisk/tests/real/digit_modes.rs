//! Digits that cross a trunk in each of the ways that there are: as RTP events, as SIP INFO, as tones.

use asterisk_lab::{DtmfMode, Lab, ServerOptions, Trunk, for_tests};
use calltest_core::evidence::Observation;
use calltest_core::plan::{BothScript, CallTest, Route};

use crate::scene::{self, Scene, check, dtmf, ends, passes};
use crate::{address, nothing_is_left};

/// A way, and the number of its link on the first server.
const WAYS: [(&str, DtmfMode, &str); 3] = [
    ("events", DtmfMode::Rfc4733, "+493012345"),
    ("messages", DtmfMode::Info, "+493012346"),
    ("tones", DtmfMode::Inband, "+493012347"),
];

/// The number of any way's link on the second server.
const FAR_NUMBER: &str = "+33112345678";

/// Two servers with a trunk for each way, between links `WAY-a` and `WAY-b`.
fn servers(options: impl Fn(&str) -> ServerOptions) -> Lab {
    let builder = Lab::builder(&for_tests()).server(options("a")).server(options("b"));
    let trunk = |way, mode| Trunk::between("a", "b").links(format!("{way}-a"), format!("{way}-b")).dtmf_mode(mode);
    WAYS.into_iter().fold(builder, |builder, (way, mode, _)| builder.trunk(trunk(way, mode))).start().unwrap()
}

fn scene(lab: &Lab) -> Scene {
    let servers = lab.servers().iter().fold(Scene::new(), |scene, server| scene.server(server.name(), address(server)));
    WAYS.into_iter().fold(servers, |scene, (way, _, number)| {
        let (a, b) = (format!("{way}-a"), format!("{way}-b"));
        let dial = |side: &str, link: &str| lab.server(side).dial_string(link);
        scene.link(&a, "a", &dial("a", &a), number).link(&b, "b", &dial("b", &b), FAR_NUMBER)
    })
}

/// A test of one way, towards the second server or back.
fn digits((way, mode, number): (&str, DtmfMode, &str), is_back: bool) -> CallTest {
    let (a, b) = (format!("{way}-a"), format!("{way}-b"));
    let ends = if is_back { ends(&b, &a, number, FAR_NUMBER) } else { ends(&a, &b, FAR_NUMBER, number) };
    let mut test = dtmf(ends);
    test.name = way.into();
    let Route::Both { script: BothScript::Dtmf(dtmf), .. } = &mut test.route else { unreachable!() };
    dtmf.may_repeat = mode == DtmfMode::Inband;
    test
}

// field telephony 22 | Digits by SIP INFO | they are right | RFC 4733; in band; both directions
#[tokio::test(flavor = "multi_thread")]
async fn digits_arrive_in_each_way_and_both_directions() {
    let lab = servers(|name| ServerOptions::named(name).transmits_silence(true));
    for is_back in [false, true] {
        let stage = scene(&lab).open(&WAYS.map(|way| digits(way, is_back))).await;
        for run in [0, 1, 2].map(|index| stage.start_nth(index)) {
            passes(&run.await.unwrap());
        }
        nothing_is_left(&lab);
        stage.close().await;
    }
}

/// Without RTP between the tones, Asterisk takes two equal ones for one. That digits may repeat does not help: these are too
/// few.
#[tokio::test(flavor = "multi_thread")]
async fn tones_get_lost_where_silence_is_not_sent() {
    let lab = servers(|name| ServerOptions::named(name).transmits_silence(false));
    let stage = scene(&lab).open(&[digits(WAYS[2], false)]).await;
    let run = stage.run().await;
    check(&run, "fail", |reason| reason.starts_with("tones-a (src): expected digits "));
    nothing_is_left(&lab);
    stage.close().await;
}

/// The one digit in each direction is the last one, which needs a sound after it to be let go.
#[tokio::test(flavor = "multi_thread")]
async fn a_tone_comes_through_where_silence_is_not_sent() {
    let lab = servers(|name| ServerOptions::named(name).transmits_silence(false));
    let mut test = digits(WAYS[2], false);
    let Route::Both { script: BothScript::Dtmf(dtmf), .. } = &mut test.route else { unreachable!() };
    dtmf.digits = scene::digits(1);
    let stage = scene(&lab).open(&[test]).await;
    let run = stage.run().await;
    passes(&run);
    assert!(run.evidence.facts.iter().any(|fact| fact.what == Observation::SilenceSent));
    nothing_is_left(&lab);
    stage.close().await;
}
