//! Text that strangers write: callers, servers, web pages. None of it adds a line to what the program says or commands the
//! terminal, and no number of callers makes its lines long.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use calltest_report::plain_text::is_harmful;
use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::program::{Done, Program};

/// What a caller may send in SIP in place of a number.
const FORGED: &str =
    "+49\u{1b}[2J\u{7}\npass digits (4.5 s)\r\n1 test in 1.0 s: 1 passed\u{2028}\u{85}\u{9b}1m\u{202e}\u{200b}";
/// A call out that comes in on another link, and a link where only others call.
const CONFIG: &str = "\
links:
  out: {channel: 'PJSIP/{number}@trunk', number: '+4991112345'}
  trunk: {number: '123'}
calls:
  ':default:': {delay: {ring: 0, answer: 0}, dtmf: {len: 1}, timeout: 5, test: {skip: yes}}
  digits: {mode: dtmf, src: out, dst: trunk}
  besieged: {mode: dtmf, src: out, dst: trunk, delay: {answer: 2}, timeout: 20}
  triggered: {mode: wait, dst: trunk, check_callerid: no}
";

fn fake() -> FakeAsterisk {
    let fake = tokio::runtime::Runtime::new().unwrap().block_on(FakeAsterisk::start());
    fake.set_far_end("PJSIP/*@trunk", FarEnd::arrives().shows_caller("", "+4991112345"));
    fake
}

fn program(fake: &FakeAsterisk) -> Program {
    Program::new()
        .config(CONFIG)
        .set("asterisk.host=127.0.0.1")
        .set(format!("asterisk.port={}", fake.port()))
        .set(format!("asterisk.username={}", fake.user()))
        .set(format!("asterisk.password={}", fake.password()))
}

/// Each line begins as one of ours does, and has nothing in it that a terminal obeys.
#[track_caller]
fn is_ours(text: &str, beginnings: &[&str], done: &Done) {
    for line in text.lines() {
        assert!(beginnings.iter().any(|beginning| line.starts_with(beginning)), "{line:?} in {done}");
    }
    let harmful = text.find(|letter| letter != '\n' && is_harmful(letter));
    assert!(harmful.is_none(), "{:?} in {done}", &text[harmful.unwrap()..]);
}

// field attack 12 | Line ends and escapes in caller IDs | one line, and no escape | C0, C1, line and paragraph separators, bidi, zero-width; messages of ARI, of the doctor, of web pages
#[test]
fn a_caller_forges_no_result() {
    let fake = fake();
    fake.set_far_end("PJSIP/*@trunk", FarEnd::arrives().shows_caller(FORGED, FORGED));
    for options in [&["run", "digits"][..], &["-vvv", "run", "digits"]] {
        let done = program(&fake).args(options).run().exits(1);
        is_ours(&done.stdout, &["FAIL digits (", "    ", "1 test in "], &done);
        // Every line of the log begins with the time.
        is_ours(&done.stderr, &["20"], &done);
        assert!(done.stdout.ends_with(": 1 failed\n"), "{done}");
        let received = "expected caller ID +4991112345, received +49\u{fffd}[2J\u{fffd}\u{fffd}pass digits (4.5 s)";
        done.prints(received);
    }
    // Programs get what was sent, in lines that are harmless too.
    let done = program(&fake).args(["run", "--format", "json", "digits"]).run().exits(1);
    is_ours(&done.stdout, &["{\"version\":"], &done);
    let run: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let timeline = run["timeline"].as_array().unwrap();
    assert!(timeline.iter().any(|entry| entry["fact"] == "misfit" && entry["caller"] == FORGED), "{done}");
}

// field attack 12
#[test]
fn a_server_forges_no_result() {
    let fake = fake();
    let message = serde_json::json!({ "message": FORGED }).to_string();
    fake.faults().on("POST", "/channels/*").answers(500, &message);
    let done = program(&fake).args(["-vvv", "run", "digits"]).run().exits(3);
    is_ours(&done.stdout, &["error digits (", "    ", "1 test in "], &done);
    is_ours(&done.stderr, &["20"], &done);
    done.prints("+49\u{fffd}[2J");
    fake.faults().heal();
    // Before there is any test: the sentence that ends the program.
    fake.faults().on("*", "*").answers(500, &message);
    let done = program(&fake).set("asterisk.init_timeout=1").args(["run", "digits"]).run().exits(3);
    is_ours(&done.stderr, &["calltest: "], &done);
    assert!(done.sentence().contains("+49\u{fffd}[2J"), "{done}");
    let done = program(&fake).set("asterisk.init_timeout=1").args(["doctor"]).run();
    is_ours(&done.stdout, &["ok ", "warning ", "unknown ", "PROBLEM ", "in order: "], &done);
    assert!(done.stdout.contains("+49\u{fffd}[2J"), "{done}");
}

#[test]
fn a_web_page_forges_no_result() {
    let fake = fake();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        write!(stream, "HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{FORGED}", FORGED.len()).unwrap();
    });
    let url = format!("calls.triggered.url=http://127.0.0.1:{port}/dial");
    let done = program(&fake).set(url).args(["-v", "run", "triggered"]).run().exits(3);
    page.join().unwrap();
    is_ours(&done.stdout, &["error triggered (", "    ", "1 test in "], &done);
    done.prints("/dial answered 500 Internal Server Error: +49");
}

// field attack 27 | Thousands of strangers | a short result with a count | endless texts, floods of digits, in text and JSON
#[test]
fn however_many_call_the_line_stays_short_and_counts_them() {
    let fake = fake();
    let mut running = program(&fake).args(["run", "besieged"]).within(Duration::from_secs(60)).start();
    running.wait_until("the call has arrived", || fake.look(|view| view.channel_count()) == 2);
    for _ in 0..300 {
        fake.call_in("trunk", "123", ("", "+4930999"));
        thread::sleep(Duration::from_millis(3));
    }
    let done = running.finish().exits(0);
    let line = done.stdout.lines().next().unwrap();
    assert!(line.starts_with("pass besieged (") && line.len() < 1000, "{done}");
    assert_eq!(line.matches(" [another call on trunk was rejected, from +4930999]").count(), 5, "{done}");
    let more = line.split(" [and ").nth(1).and_then(|rest| rest.strip_suffix(" more on trunk]"));
    assert!(more.is_some_and(|more| more.parse::<u64>().unwrap() > 100), "{done}");
}
