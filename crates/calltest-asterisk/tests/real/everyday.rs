//! What people do every day, and what has always been right: odd names, reloads in the midst of a call, options of Local channels.

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;

use crate::scene::{Scene, call, dtmf, ends, passes};
use crate::{address, links_across, nothing_is_left, one_server, two_servers};

fn named(mut test: CallTest, name: &str) -> CallTest {
    test.name = name.into();
    test
}

// field telephony 34 | `pjsip reload` and `core reload` in the midst of a call | pass | either server; while digits go
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_in_the_midst_of_a_call_changes_nothing() {
    let lab = two_servers();
    let stage = links_across(&lab).open(&[dtmf(ends("berlin", "paris", "+33112345678", "+493012345"))]).await;
    let digits = stage.witness.when(|what| matches!(what, Observation::DigitsSent { .. }));
    let run = stage.start();
    digits.await;
    lab.server("a").cli("module reload res_pjsip.so").unwrap();
    lab.server("b").cli("core reload").unwrap();
    passes(&run.await.unwrap());
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 32 | Names of links with quotes, brackets, commas, `;`, `@`, umlauts and CJK, as the caller's name | pass, and the number is right | over SIP, and by a Local channel
#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_be_called_whatever_its_owner_likes() {
    const NAMES: [&str; 4] = ["Müller & Söhne \"Bau\"", "a;b@c, d", "<the> [front] desk", "東京"];
    let lab = two_servers();
    let dial_string = lab.server("a").dial_string("berlin");
    let scene = NAMES.iter().fold(links_across(&lab), |scene, name| scene.link(name, "a", &dial_string, "+493012345"));
    let tests = NAMES.map(|name| named(call(ends(name, "paris", "+33112345678", "+493012345")), name));
    let stage = scene.open(&tests).await;
    for nth in 0..NAMES.len() {
        passes(&stage.start_nth(nth).await.unwrap());
    }
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 38 | Local channels with `/n` and `/nj` | pass | modes that answer and that reject
#[tokio::test(flavor = "multi_thread")]
async fn a_local_channel_may_have_options() {
    let lab = one_server("");
    let scene = ["n", "nj"].iter().fold(Scene::new().server("a", address(lab.server("a"))), |scene, options| {
        scene.link(options, "a", &format!("Local/{{number}}@direct/{options}"), "+493012345")
    });
    let scene = scene.link("trunk", "a", "", "trunk");
    let from = |link: &str| ends(link, "trunk", "trunk", "+493012345");
    let stage = scene.open(&[dtmf(from("n")), named(dtmf(from("nj")), "nj"), call(from("n"))]).await;
    for nth in 0..3 {
        passes(&stage.start_nth(nth).await.unwrap());
    }
    nothing_is_left(&lab);
    stage.close().await;
}
