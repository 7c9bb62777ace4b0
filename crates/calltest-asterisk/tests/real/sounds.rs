//! Sounds and recordings: what is played arrives, what is recorded is the incoming direction alone, and nothing of it stays
//! on the server.

use std::path::Path;
use std::time::Duration;

use asterisk_lab::Lab;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::{CallTest, OutScript, Route};
use calltest_core::run::FinishedRun;

use crate::intruders::Intruder;
use crate::scene::{Scene, audio, check, ends, passes, play};
use crate::{address, example_links, links_across, nothing_is_left, one_server, two_servers};

const FAR_ENDS: &str = "\
[far]
exten => speaks,1,Answer()
 same => n,Playback(demo-thanks)
 same => n,Wait(60)
exten => listens,1,Answer()
 same => n,Wait(60)
exten => leaves,1,Answer()
 same => n,Wait(0.8)
 same => n,Hangup()
";

/// A recording as the run's evidence names it: how long, and how loud (root mean square of full scale).
fn recording(run: &FinishedRun, side: Side) -> (Duration, f64) {
    let found = run.evidence.of(side).find_map(|fact| match &fact.what {
        Observation::RecordingFetched { path, duration, .. } => Some((*duration, loudness(path))),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was recorded: {:#?}", run.evidence))
}

fn loudness(path: &Path) -> f64 {
    let samples: Vec<f64> =
        hound::WavReader::open(path).unwrap().into_samples::<i16>().map(|sample| f64::from(sample.unwrap())).collect();
    let power = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64;
    power.sqrt() / f64::from(i16::MAX)
}

async fn server_keeps_no_recording(lab: &Lab) {
    for server in lab.servers() {
        let kept = Intruder::enter(server).await.recordings().await;
        assert!(kept.is_empty(), "{kept:?}");
    }
}

fn recorded(mut test: CallTest, name: &str) -> CallTest {
    let Route::Out { script: OutScript::Play { record, .. }, .. } = &mut test.route else { unreachable!() };
    *record = Some(name.into());
    test
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_far_end_says_is_recorded() {
    let lab = one_server(FAR_ENDS);
    let scene = Scene::new().server("a", address(lab.server("a"))).link("out", "a", "Local/speaks@far", "out");
    let mut test = recorded(play("out", None), "with/a folder");
    test.delay.answer = Duration::from_secs(2);
    let stage = scene.open(&[test]).await;
    let run = stage.run().await;
    passes(&run);
    let (duration, loudness) = recording(&run, Side::Src);
    assert!(duration > Duration::from_millis(1700) && loudness > 0.005, "{duration:?}, {loudness}");
    server_keeps_no_recording(&lab).await;
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_play_is_not_in_the_recording() {
    let lab = one_server(FAR_ENDS);
    let scene = Scene::new().server("a", address(lab.server("a"))).link("out", "a", "Local/listens@far", "out");
    let stage = scene.open(&[recorded(play("out", Some("demo-thanks")), "echo")]).await;
    let run = stage.run().await;
    passes(&run);
    let (duration, loudness) = recording(&run, Side::Src);
    let played = run.evidence.played(Side::Src).expect("the sound was played");
    assert!(duration >= played && loudness < 0.0005, "{duration:?}, {played:?}, {loudness}");
    server_keeps_no_recording(&lab).await;
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_end_that_hangs_up_while_we_play_is_a_failure_and_not_a_missing_sound() {
    let lab = one_server(FAR_ENDS);
    let scene = Scene::new().server("a", address(lab.server("a"))).link("out", "a", "Local/leaves@far", "out");
    let stage = scene.open(&[recorded(play("out", Some("demo-thanks")), "cut_short")]).await;
    check(&stage.run().await, "fail", |reason| {
        reason.starts_with("out: the call ended ")
            && reason.ends_with(" after the answer with 16 normal clearing, while waiting for a sound to end")
    });
    server_keeps_no_recording(&lab).await;
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_goes_both_ways_in_one_server_and_across_a_trunk() {
    let lab = two_servers();
    let across = links_across(&lab);
    let table = [
        (example_links(&lab), ends("fone1", "trunk", "trunk", "fone1")),
        (across, ends("berlin", "paris", "+33112345678", "+493012345")),
    ];
    for (scene, ends) in table {
        let stage = scene.open(&[audio(ends, "hello-world", "vm-goodbye")]).await;
        let run = stage.run().await;
        passes(&run);
        for side in [Side::Src, Side::Dst] {
            let (duration, loudness) = recording(&run, side);
            let played = run.evidence.played(side.other()).expect("the other side played");
            assert!(duration >= played && loudness > 0.005, "{side:?}: {duration:?}, {played:?}, {loudness}");
        }
        server_keeps_no_recording(&lab).await;
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_cannot_start_is_an_error() {
    let lab = one_server(FAR_ENDS);
    let scene = Scene::new().server("a", address(lab.server("a"))).link("out", "a", "Local/listens@far", "out");
    let folder = lab.server("a").directory().join("spool/recording");
    assert!(folder.is_dir(), "{folder:?}");
    std::fs::write(folder.join("file"), "in the way").unwrap();
    let stage = scene.open(&[recorded(play("out", None), "file/of that name/cannot be")]).await;
    let run = stage.run().await;
    check(&run, "error", |reason| reason.starts_with("the recording file/of that name/cannot be on out failed: "));
    nothing_is_left(&lab);
    stage.close().await;
}
