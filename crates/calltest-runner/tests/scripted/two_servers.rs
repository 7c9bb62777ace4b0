//! Calls whose source lies on one server and whose destination on another.

use calltest_core::evidence::Side;
use calltest_engine::Unready;
use calltest_engine::scripted::{Act, CommandKind, ScriptedServer, SightScript, Sign, Story, When, World};

use crate::modes::{Changed as _, audio, call, dtmf, ms};
use crate::stage::{Scene, check, passes};

/// `foo` lies on `a`, `bar` on `b`, and no server knows whose call it is that comes from the other.
fn scene(story: impl FnOnce(Story) -> Story, b: ScriptedServer) -> Scene {
    let story = story(Story::of_good_call().arrives_at("b", "bar").arrives_as_anybodys());
    Scene::in_world(World::of(story).with_server(b)).server("b").link("bar", "b", "", "+4930200")
}

fn b() -> ScriptedServer {
    ScriptedServer::named("b")
}

#[tokio::test(start_paused = true)]
async fn a_call_from_one_server_to_another_passes() {
    for test in [dtmf(), call(), audio()] {
        let stage = scene(|story| story, b()).open(&[test]).await;
        let run = stage.run().await;
        passes(&run);
        assert_eq!((stage.world.looks("a").len(), stage.world.looks("b").len()), (1, 1));
        let clock = |side| {
            let stamp = run.evidence.of(side).find_map(|fact| fact.stamp.clone());
            stamp.map(|stamp| stamp.clock.to_string())
        };
        assert_eq!((clock(Side::Src).as_deref(), clock(Side::Dst).as_deref()), (Some("a"), Some("b")));
        stage.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_between_them_is_a_failure() {
    let run = scene(|story| story.without(Side::Src, Sign::Ringing), b()).run(&call()).await;
    check(&run, "fail", "foo: expected ringing, saw neither ringing, answer nor rejection within 10 s");
    let run = scene(Story::never_arrives, b()).run(&dtmf()).await;
    check(&run, "fail", "bar: no call arrived within 5 s; foo saw neither ringing, answer nor rejection");
}

/// Whatever one of them did not tell may have been lost on it.
#[tokio::test(start_paused = true)]
async fn each_of_them_has_to_be_in_sight() {
    let lost = |name| ScriptedServer::named(name).is_seen(SightScript::lost());
    let never = |a, b| {
        let story = Story::of_good_call().arrives_at("b", "bar").never_arrives();
        let world = World::of(story).with_server(a).with_server(b);
        Scene::in_world(world).server("b").link("bar", "b", "", "+4930200")
    };
    let reason = |name: &str| {
        format!(
            "server {name} did not answer when the time was up (nothing heard for 4.0 s), so what was not seen proves nothing"
        )
    };
    let run = never(lost("a"), b()).run(&dtmf()).await;
    check(&run, "error", &reason("a"));
    let run = never(ScriptedServer::named("a"), lost("b")).run(&dtmf()).await;
    check(&run, "error", &reason("b"));
    let silent = b().is_seen(SightScript::silent_for(ms(1500)));
    let run = never(ScriptedServer::named("a"), silent).run(&dtmf()).await;
    let silent = "server b was silent for 1.5 s during the run, so what was late, corrupted or not seen proves nothing";
    check(&run, "error", silent);
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_either_is_an_error() {
    for server in ["a", "b"] {
        let lose = |story: Story| {
            let answered = When::Commanded(Side::Dst, CommandKind::Answer);
            story.when(answered).after(ms(100)).then(Act::lose(server))
        };
        let run = scene(lose, b()).run(&dtmf()).await;
        check(&run, "error", &format!("lost the connection to server {server} during the run: the story says so"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_had_stops_only_those_that_need_it() {
    let down = b().is_unready(Unready::Down { why: "server b is not there".into() });
    let story = Story::of_good_call().rings(ms(100));
    let world = World::of(story).with_server(down);
    let scene = Scene::in_world(world).server("b").link("bar", "b", "", "+4930200");
    let stage = scene.open(&[dtmf(), crate::modes::ring().named("ring")]).await;
    check(&stage.run().await, "error", "server b is not there");
    let other = stage.start(1).await.unwrap();
    check(&other, "fail", "foo: PJSIP/1@far came straight back to calltest: the dialplan has no such extension");
    stage.close().await;
}
