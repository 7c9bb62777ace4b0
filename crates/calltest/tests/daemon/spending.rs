//! What the tests will cost is said before they run.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::{Daemon, Program, http};

/// Two outside links and an internal one, on a server that is not there.
fn config(guard: &str) -> String {
    format!(
        "asterisk: {{port: 1, dialplan: {{country: 49}}}}
guard: {{{guard}}}
links:
  trunk: {{channel: 'PJSIP/{{number}}@trunk'}}
  other: {{channel: 'PJSIP/{{number}}@other'}}
  desk: {{channel: 'PJSIP/{{number}}', guard: {{outside: no}}}}
  idle: {{channel: 'PJSIP/{{number}}@idle'}}
calls:
  ':default:': {{mode: ring, number: '+49911123', timeout: 60, test: {{repeat: 600, retry: 60}}}}
  one: {{src: trunk}}
  two: {{src: other}}
  three: {{src: desk, number: 12}}
  by_hand: {{src: idle, test: {{skip: yes}}}}
"
    )
}

#[test]
fn the_daemon_says_what_each_link_will_be_called_and_warns_once_of_what_no_budget_limits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.cfg");
    fs::write(&file, config("")).unwrap();
    let mut daemon = Daemon::start(Program::new().args(["-c".as_ref(), file.as_os_str()]));
    let links = daemon.get("/links");
    assert_eq!(links["trunk"]["planned"], json!({ "calls": 144, "minutes": 131 }));
    assert_eq!(links["trunk"]["at_most"], json!({ "calls": 1440, "minutes": 720 }));
    assert_eq!(links["idle"]["at_most"], json!({ "calls": 0, "minutes": 0 }));
    // With a budget, nothing is to be warned of.
    fs::write(&file, config("calls_per_day: 200")).unwrap();
    assert_eq!(http::request(&daemon.address, "POST", "/reload").0, 200);
    assert_eq!(daemon.get("/links")["trunk"]["at_most"], json!({ "calls": 200, "minutes": 720 }));
    daemon.running.signal(Signal::TERM);
    let said = daemon.running.finish().exits(0).stderr;
    let planned = "144 calls and up to 131 minutes a day as planned";
    for link in ["trunk", "other", "desk"] {
        for most in [
            "1440 calls and up to 720 minutes a day if everything fails: there is no budget",
            "200 calls and up to 720 minutes a day by the budgets, even if everything fails",
        ] {
            assert!(said.contains(&format!("calls out over link {link}: {planned}; {most}")), "{said}");
        }
    }
    assert!(!said.contains("link idle"), "{said}");
    let warned =
        "and 1 more leads outside, and no budget limits what it may cost: 1440 calls and up to 720 minutes a day";
    assert_eq!((said.matches(warned).count(), said.matches("no budget limits").count()), (1, 1), "{said}");
}
