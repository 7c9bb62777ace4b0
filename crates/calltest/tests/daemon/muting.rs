//! Silences through the interface, and quiet times of the configuration.

use serde_json::json;

use crate::server::{CONFIG, server};
use crate::{Daemon, Program, http};

#[test]
fn a_silence_hides_what_is_wrong_outlives_the_daemon_and_ends() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let program = || Program::new().config(CONFIG).on(lab.server("a"));
    let mut daemon = Daemon::start_in(state.path(), program());
    assert!(daemon.put("/test/busy/start"));
    daemon.wait_for("busy", "it has failed", |state| state["n_fail"] == 1);
    assert_eq!(daemon.get("/")["fail"], json!(["busy"]));

    let asked = json!({ "links": ["busy"], "seconds": 3600, "reason": "the line is being repaired" });
    let (status, silence) = http::send(&daemon.address, "POST", "/silences", &asked);
    assert_eq!((status, &silence["links"]), (201, &json!(["busy"])), "{silence}");
    let lists = daemon.get("/");
    assert_eq!(
        (&lists["fail"], &lists["muted"], &lists["n_muted"]),
        (&json!([]), &json!(["busy"]), &json!(1)),
        "{lists}"
    );
    let muted = &daemon.get("/test/busy")["muted"];
    assert_eq!((&muted["by"], &muted["reason"]), (&json!("silence"), &json!("the line is being repaired")), "{muted}");
    assert_eq!(daemon.get("/silences"), json!([silence]));
    daemon.end();

    let daemon = Daemon::start_in(state.path(), program());
    assert_eq!(daemon.get("/silences"), json!([silence]));
    assert_eq!(daemon.get("/")["muted"], json!(["busy"]));
    let path = format!("/silences/{}", silence["id"].as_str().unwrap());
    assert_eq!(daemon.get(&path), silence);
    assert_eq!(http::send(&daemon.address, "DELETE", &path, &json!(null)).0, 204);
    assert_eq!(daemon.get("/")["fail"], json!(["busy"]), "as it was before the silence, and before the restart");
    assert_eq!(http::request(&daemon.address, "DELETE", &path).0, 404);
    daemon.end();
    assert_eq!(Daemon::start_in(state.path(), program()).get("/silences"), json!([]));
}

#[test]
fn a_silence_that_makes_no_sense_is_refused_with_a_reason() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    for (asked, reason) in [
        (json!({ "seconds": 60 }), "name the `tests`, `links` or `servers` to silence, or say `\"all\": true`"),
        (json!({ "all": true }), "give either `seconds` or `until`"),
        (json!({ "all": true, "seconds": 0 }), "a silence has to end in the future, and within a year"),
        (json!({ "all": true, "until": 1e300 }), "a silence has to end in the future, and within a year"),
        (json!({ "tests": ["god"], "seconds": 60 }), "there is no test god"),
        (json!({ "links": ["trnk"], "seconds": 60 }), "there is no link trnk"),
        (json!({ "servers": ["b"], "seconds": 60 }), "there is no server b"),
    ] {
        let (status, body) = http::send(&daemon.address, "POST", "/silences", &asked);
        assert_eq!((status, &body["error"]), (422, &json!(reason)), "{asked}");
    }
    assert_eq!(daemon.get("/silences"), json!([]));
}

#[test]
fn in_a_quiet_time_nothing_runs_by_itself() {
    let lab = server();
    let program = Program::new().config(CONFIG).on(lab.server("a"));
    let often = "calls.:default:.test={skip: no, repeat: 1, retry: 1}";
    let daemon = Daemon::start(program.set(often).set("links.busy.quiet='* * * * * for 1h'"));
    let mut daemon = daemon;
    daemon.wait_for("good", "it has run", |state| state["n_run"].as_u64() >= Some(2));
    let busy = daemon.get("/test/busy");
    assert_eq!((&busy["n_run"], &busy["muted"]["by"]), (&json!(0), &json!("quiet")), "{busy}");
    assert!(daemon.put("/test/busy/start"), "people may test when they like");
    let busy = daemon.wait_for("busy", "it has run", |state| state["n_run"] == 1);
    assert_eq!((&busy["n_fail"], &busy["fail_count"]), (&json!(1), &json!(0)), "{busy}");
}
