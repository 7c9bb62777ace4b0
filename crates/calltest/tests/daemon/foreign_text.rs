//! What strangers write into calls and answers, in the log of the daemon: whoever calls adds no line to it.

use calltest_report::plain_text::is_harmful;
use fake_asterisk::{FakeAsterisk, FarEnd};
use rustix::process::Signal;

use crate::{Daemon, Program, http};

/// What a caller may send in SIP in place of a number.
const FORGED: &str =
    "+49\u{1b}[2J\u{7}\n2026-11-28T00:00:00Z  WARN calltest: all is well\r\u{2028}\u{85}\u{9b}1m\u{202e}";
const CONFIG: &str = "\
links: {trunk: {number: '123'}, out: {channel: PJSIP/1@far}}
calls:
  waits: {mode: wait, dst: trunk, check_callerid: no, test: {skip: yes}}
  rings: {mode: ring, src: out, test: {skip: yes}}
";

// field attack 12
#[test]
fn a_caller_and_a_server_forge_no_line_of_the_log() {
    let fake = tokio::runtime::Runtime::new().unwrap().block_on(FakeAsterisk::start());
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let program = Program::new()
        .config(CONFIG)
        .set("asterisk.dialplan.country=49")
        .set("asterisk.host=127.0.0.1")
        .set(format!("asterisk.port={}", fake.port()))
        .set(format!("asterisk.username={}", fake.user()))
        .set(format!("asterisk.password={}", fake.password()));
    let mut daemon = Daemon::start(program);
    let address = daemon.address.clone();
    daemon.running.wait_until("it is connected", || http::request(&address, "GET", "/readyz").0 == 200);
    // Link, number and caller are all arguments that a call brings along.
    fake.call_in(FORGED, FORGED, (FORGED, FORGED));
    daemon.running.wait_for_stderr("rejected a call that no run waits for");
    let message = serde_json::json!({ "message": FORGED }).to_string();
    fake.faults().on("POST", "/channels/*").answers(500, &message);
    assert!(daemon.put("/test/rings/start"));
    daemon.running.wait_for_stderr("error rings (");
    fake.faults().heal();
    daemon.running.signal(Signal::TERM);
    let done = daemon.running.finish().exits(0);
    for line in done.stderr.lines() {
        assert!(line.starts_with("20") || line.starts_with("calltest: "), "{line:?} in {done}");
    }
    assert!(!done.stderr.contains(|letter| letter != '\n' && is_harmful(letter)), "{:?}", done.stderr);
    assert!(done.stderr.matches("all is well").count() >= 4, "{done}");
}
