//! Runs against the fake, for what a real Asterisk does not do on demand: connections that break or hang, events that
//! come late or not at all, requests that go astray, digits spoilt one at a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

#[expect(dead_code, reason = "the scene serves the tests against real servers, which need more of it")]
#[path = "../scene/mod.rs"]
mod scene;

#[expect(dead_code, reason = "the tests against real servers meddle in more ways")]
#[path = "../meddler/mod.rs"]
mod meddler;

mod budget;
mod digits;
mod faults;
mod guard;
mod leftovers;
mod lost_sight;
mod modes;
mod order;
mod owners;
mod servers;
mod told_events;

use std::time::Duration;

use fake_asterisk::FakeAsterisk;
use scene::{Address, Scene};

fn address(fake: &FakeAsterisk) -> Address {
    Address {
        host: "127.0.0.1".into(),
        port: fake.port(),
        username: fake.user().to_string(),
        password: fake.password().to_string(),
    }
}

/// Two links that reach each other, and one that calls out.
fn scene(fake: &FakeAsterisk) -> Scene {
    Scene::new()
        .server("a", address(fake))
        .link("fone1", "a", "Local/{number}@direct", "fone1")
        .link("trunk", "a", "Local/{number}@direct", "trunk")
        .link("out", "a", "PJSIP/1@far", "out")
}

/// All channels are gone on the server's side.
async fn nothing_is_left(fake: &FakeAsterisk) {
    fake.wait_until(|view| view.channel_count() == 0, Duration::from_secs(3)).await.expect("all channels are gone");
}
