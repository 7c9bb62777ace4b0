//! What the packets of a call tell.

use calltest_core::evidence::{Observation, Side};
use calltest_core::media::MediaFigures;
use calltest_core::verdict::Note;
use calltest_engine::scripted::Story;

use crate::modes::{dtmf, ms, play};
use crate::stage::{Scene, check, passes};

fn counted(sent: u64, received: u64) -> [Observation; 1] {
    [Observation::MediaCounted(MediaFigures { sent, received, ..MediaFigures::default() })]
}

// field telephony 12 | Sound goes one way only | `fail` that says that no RTP came in | either side; digits that come all the same; some packets, and no digits; no figures at all
#[tokio::test(start_paused = true)]
async fn where_no_packet_came_in_digits_are_the_least_of_it() {
    let deaf = |story: Story| (0..5).fold(story, |story, _| story.loses_digit(Side::Src, 1));
    let all_lost = || (1..=5).fold(Story::of_good_call(), |story, nth| story.loses_digit(Side::Src, nth));
    let run = Scene::of(all_lost().measures(Side::Src, counted(250, 0))).run(&dtmf()).await;
    let reason = "foo (src): expected digits {foo}, received none; 0 RTP packets came in, 250 went out; look at NAT, firewalls, codecs and the media \
                  address";
    check(&run, "fail", reason);
    // Packets came, so it is the digits.
    let run = Scene::of(all_lost().measures(Side::Src, counted(250, 250))).run(&dtmf()).await;
    assert!(run.verdict.reason().unwrap().contains("received none"), "{:?}", run.verdict);
    // Nobody has counted.
    let run = Scene::of(all_lost()).run(&dtmf()).await;
    assert!(run.verdict.reason().unwrap().contains("received none"), "{:?}", run.verdict);
    // Digits that come as messages need no packets.
    passes(&Scene::of(Story::of_good_call().measures(Side::Src, counted(0, 0))).run(&dtmf()).await);
    let some = Scene::of(deaf(Story::of_good_call()).measures(Side::Src, counted(250, 0))).run(&dtmf()).await;
    assert!(some.verdict.reason().unwrap().contains("expected digits"), "{:?}", some.verdict);
}

// field telephony 11 | The far end answers, and no sound can come | `fail` that says that no RTP came in | nothing recorded; sound that came; an end by the far end, after which nothing is known
#[tokio::test(start_paused = true)]
async fn a_recording_of_sound_that_never_came_is_none() {
    let answers = || Story::of_call_out().answers(ms(200));
    let run = Scene::of(answers().measures(Side::Src, counted(120, 0))).run(&play()).await;
    let reason = "foo (src): expected sound, received none; 0 RTP packets came in, 120 went out; look at NAT, firewalls, codecs and the media address";
    check(&run, "fail", reason);
    passes(&Scene::of(answers().measures(Side::Src, counted(120, 120))).run(&play()).await);
    passes(&Scene::of(answers()).run(&play()).await);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_may_fall_silent_has_a_remark() {
    let silent = || [Observation::MayFallSilent { endpoint: "PJSIP/carrier".into() }];
    let story = Story::of_good_call().measures(Side::Src, silent()).measures(Side::Dst, silent());
    let run = Scene::of(story).run(&dtmf()).await;
    passes(&run);
    assert_eq!(run.notes, [Note::MayFallSilent { endpoint: "PJSIP/carrier".into() }]);
}
