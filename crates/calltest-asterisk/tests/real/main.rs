//! Runs against real Asterisk servers: each mode passes, and each fails for the right reason when the far end misbehaves.
//! After every run, nothing is left in `core show channels`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

#[path = "../scene/mod.rs"]
mod scene;

#[expect(dead_code, reason = "the tests against the fake meddle in more ways")]
#[path = "../meddler/mod.rs"]
mod meddler;

mod arriving;
mod asterisk_16;
mod asterisk_ends;
mod attendant;
mod clocks;
mod contract;
mod digit_modes;
mod digits;
mod ends;
mod everyday;
mod far_end;
mod forwarding;
mod iax;
mod inbound;
mod interference;
mod intruders;
mod keepalive;
mod media;
mod mid_call;
mod numbers;
mod one_call;
mod online;
mod originate;
mod refusals;
mod sip_path;
mod sounds;
mod told_events;
mod triggers;

use std::time::{Duration, Instant};

use asterisk_lab::{Lab, Server, ServerOptions, Trunk};
use scene::{Address, Scene};

/// How to reach a server of the lab.
fn address(server: &Server) -> Address {
    let ari = server.ari();
    Address {
        host: ari.host.to_string(),
        port: ari.port,
        username: ari.username.clone(),
        password: ari.password.clone(),
    }
}

/// One server, with these extra contexts in its dialplan.
fn one_server(dialplan: &str) -> Lab {
    let options = ServerOptions::named("a").dialplan(dialplan);
    Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap()
}

/// Two servers that are joined by a trunk.
fn two_servers() -> Lab {
    let builder = Lab::builder(&asterisk_lab::for_tests()).server("a").server("b");
    builder.trunk(Trunk::between("a", "b").links("berlin", "paris")).start().unwrap()
}

/// The links at both ends of that trunk.
fn links_across(lab: &Lab) -> Scene {
    Scene::new()
        .server("a", address(lab.server("a")))
        .server("b", address(lab.server("b")))
        .link("berlin", "a", &lab.server("a").dial_string("berlin"), "+493012345")
        .link("paris", "b", &lab.server("b").dial_string("paris"), "+33112345678")
}

/// The links of the manual's example on that server.
fn example_links(lab: &Lab) -> Scene {
    Scene::new().server("a", address(lab.server("a"))).link("fone1", "a", "Local/{number}@direct", "fone1").link(
        "trunk",
        "a",
        "Local/{number}@direct",
        "trunk",
    )
}

/// Asterisk takes a moment to tear down what has left the app; no run may leave more than that.
#[track_caller]
fn nothing_is_left(lab: &Lab) {
    let give_up = Instant::now() + Duration::from_secs(3);
    for server in lab.servers() {
        while server.open_channels().unwrap() > 0 {
            let left = || server.cli("core show channels concise").unwrap();
            assert!(Instant::now() < give_up, "left on {}:\n{}", server.name(), left());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
