//! What `asterisk-config` prints: whole servers that work with exactly that, and the parts that it is made of.

use asterisk_lab::{DialplanLanguage, Lab, LoopbackAddress, ServerOptions};

use crate::examination::{ask, nothing_is_left};
use crate::program::{Done, Program};

/// The example configuration, as it lies at the top of the source tree.
const EXAMPLE: &str = include_str!("../../../../example.cfg");

/// A configuration in which the dialplan has work of all kinds to do.
const MANIFOLD: &str = "\
asterisk: {username: example, password: oh_no_you_do_not, app: calltest}
links:
  foo: {channel: 'PJSIP/{number}@foo', number: '+49123456789'}
  bar: {channel: 'PJSIP/{number}@shared', number: '+49987654321', arrives_as: bar}
  baz: {channel: 'PJSIP/{number}@shared', number: '+49987654322'}
  old: {channel: 'SIP/alt/{number}', number: '+4955'}
  short: {channel: 'Local/{number}@direct', number: '1234'}
  named: {channel: 'Local/{number}@direct', number: named}
  desk: {channel: 'Local/{number}@office', number: '567'}
  hall: {channel: 'Local/{number}@office', number: '568'}
  door: {number: '7'}
  mangled: {channel: 'Local/{number}@mangle', number: '99'}
  robot: {channel: Local/robot@machines}
calls:
  there: {mode: dtmf, src: foo, dst: bar}
  back: {mode: dtmf, src: bar, dst: foo}
  shared: {mode: dtmf, src: foo, dst: baz}
  old: {mode: dtmf, src: foo, dst: old}
  office: {mode: dtmf, src: hall, dst: desk}
  inside: {mode: call, src: named, dst: short}
  other_way: {mode: call, src: short, dst: named}
  visitor: {mode: wait, dst: door, check_callerid: no}
  mangled: {mode: dtmf, src: mangled, dst: foo}
  robot: {mode: ring, src: robot}
";

/// What is printed for a file.
fn printed(config: &str, address: &str, args: &[&str]) -> Done {
    let program = Program::new().config(config).set(format!("asterisk.host={address}"));
    program.args(["asterisk-config"]).args(args).run().exits(0)
}

/// A server that has nothing but what is printed for a configuration, on an address of its own.
fn server_with(config: &str, language: DialplanLanguage, args: &[&str]) -> Lab {
    let address = LoopbackAddress::lease().unwrap();
    let ip = address.ip().to_string();
    let dialplan = match language {
        DialplanLanguage::Ael => "extensions.ael",
        DialplanLanguage::ExtensionsConf => "extensions.conf",
    };
    let mut options = ServerOptions::named("a").address(address).dialplan_language(language);
    for file in ["http.conf", "ari.conf", "asterisk.conf", "modules.conf", "pjsip.conf", dialplan] {
        let args = [&["--show-secrets", file], args].concat();
        let text = printed(config, &ip, &args).complains("").stdout;
        // A lab keeps to its own addresses; a user's trunks are reached from anywhere.
        options = options.file(file, text.replace("bind = 0.0.0.0:5060", &format!("bind = {ip}:5060")));
    }
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap();
    let log = lab.server("a").log().unwrap();
    // A server on loopback cannot reach the sample peers, which it sets out to qualify at a moment of its own choice.
    let is_complaint = |line: &&str| {
        (line.contains(" ERROR[") || line.contains(" WARNING["))
            && !line.contains("sending OPTIONS request to endpoint")
    };
    let complaints: Vec<_> = log.lines().filter(is_complaint).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    lab
}

#[test]
fn the_example_passes_on_a_server_that_has_just_what_is_printed() {
    for (language, args) in
        [(DialplanLanguage::Ael, &[][..]), (DialplanLanguage::ExtensionsConf, &["--dialplan", "conf"])]
    {
        let lab = server_with(EXAMPLE, language, args);
        let program = || Program::new().config(EXAMPLE).on(lab.server("a"));
        program().args(["run"]).run().exits(0).prints("5 passed");
        program().args(["doctor"]).run().exits(0).prints("warnings: 0, not found out: 0, problems: 0");
        nothing_is_left(lab.server("a"));
    }
}

#[test]
fn trunks_and_numbers_of_all_kinds_are_taken_by_asterisk_and_lead_to_their_links() {
    for (language, args) in [
        (DialplanLanguage::Ael, &["--dtmf", "inband"][..]),
        (DialplanLanguage::ExtensionsConf, &["--dialplan", "conf", "--dtmf", "info"]),
    ] {
        let lab = server_with(MANIFOLD, language, args);
        let a = lab.server("a");
        let findings = ask(Program::new().config(MANIFOLD).on(a));
        for link in ["foo", "bar", "baz", "short", "named", "desk"] {
            let proven = findings
                .all
                .iter()
                .any(|found| found["link"] == link && found["check"] == "dialplan" && found["outcome"] == "ok");
            assert!(proven, "{link}: {findings:#?}");
        }
        let silence = a.cli("core show settings").unwrap();
        let expected = if args.contains(&"inband") { "Enabled" } else { "Disabled" };
        let line = silence.lines().find(|line| line.contains("Transmit silence")).unwrap();
        assert!(line.ends_with(expected), "{line}");
        nothing_is_left(a);
    }
}

#[test]
fn each_text_is_made_to_measure() {
    let ael = printed(MANIFOLD, "localhost", &["extensions.ael"]).complains("").stdout;
    for part in [
        "// extensions.ael, in /etc/asterisk: ",
        "    Stasis(calltest,${link},${nr});\n",
        "context from-foo {\n    _X! => &calltest(foo,${EXTEN});\n",
        "context from-shared {\n    +49987654321 => &calltest(bar,${EXTEN});\n    +49987654322 => &calltest(baz,${EXTEN});\n",
        "context direct {\n    1234 => &calltest(short,${EXTEN});\n    _X! => &calltest(${EXTEN},);\n",
        "context office {\n    567 => &calltest(desk,${EXTEN});\n",
        "context calltest-in {\n    7 => &calltest(door,${EXTEN});\n",
        "// Link robot dials robot in context machines, which is yours to write.\n",
        "// Calls to +49123456789 in context mangle go out through a trunk, and come in on link foo: that context is yours",
    ] {
        assert!(ael.contains(part), "{part:?} is not in {ael}");
    }
    assert!(!ael.contains("context mangle {"), "{ael}");
    let conf = printed(MANIFOLD, "localhost", &["extensions.conf"]).stdout;
    assert!(conf.contains("[office]\nexten => 567,1,Gosub(calltest,s,1(desk,${EXTEN}))\n"), "{conf}");

    let pjsip = printed(MANIFOLD, "localhost", &["pjsip.conf"]).stdout;
    for part in [
        "; alt is dialled as SIP/alt: write `channel: PJSIP/{number}@alt` in calltest's configuration.\n",
        "[alt]\ntype = endpoint\n",
        "[foo]\ntype = endpoint\ntransport = transport-udp\ncontext = from-foo\n",
        "contact = sip:192.0.2.11:5060\n",
        "qualify_frequency = 30\n",
        "match = 192.0.2.12:5060\n",
        "dtmf_mode = rfc4733\n",
    ] {
        assert!(pjsip.contains(part), "{part:?} is not in {pjsip}");
    }
    assert_eq!(pjsip.matches("type = endpoint").count(), 3, "{pjsip}");
    let inband = printed(MANIFOLD, "localhost", &["--dtmf", "inband"]).stdout;
    assert!(inband.contains("dtmf_mode = inband\n") && inband.contains("\ntransmit_silence = yes\n"), "{inband}");
    let without = printed(EXAMPLE, "localhost", &["pjsip.conf"]).stdout;
    assert!(without.lines().all(|line| line.starts_with(';')), "{without}");
}

#[test]
fn the_app_and_the_address_are_those_of_the_configuration() {
    let of = |host: &str, sets: &[&str], file: &str| {
        let program = Program::new().config(EXAMPLE).set(format!("asterisk.host='{host}'"));
        let program = sets.iter().fold(program, |program, set| program.set(set));
        program.args(["asterisk-config", file, "-q"]).run().exits(0).stdout
    };
    assert!(of("localhost", &["asterisk.app=tester"], "extensions.ael").contains("Stasis(tester,${link}"));
    let local = of("localhost", &["asterisk.port=9"], "http.conf");
    assert!(local.contains("bindaddr = 127.0.0.1\nbindport = 9\n") && !local.contains("clear text"), "{local}");
    let named = of("pbx.example.com", &[], "http.conf");
    assert!(
        named.contains("bindaddr = 0.0.0.0\n") && named.contains("; Passwords and calls pass the network in clear"),
        "{named}"
    );
    let secure = of("192.0.2.7", &["asterisk.ssl=yes"], "http.conf");
    assert!(secure.contains("bindaddr = 127.0.0.1\nbindport = 8089\n"), "{secure}");
    let below = of("192.0.2.7", &["asterisk.path=/pbx/"], "http.conf");
    assert!(
        below.contains("; The prefix is `path` of calltest's configuration. Remove it if a reverse proxy takes")
            && below.contains("\nprefix = pbx\n")
            && !local.contains("prefix"),
        "{below}"
    );
    assert!(
        secure.contains("tlsenable = yes\ntlsbindaddr = 192.0.2.7:8088\n") && !secure.contains("clear text"),
        "{secure}"
    );
}

#[test]
fn a_password_is_printed_only_where_it_is_asked_for() {
    let note = "calltest: the password in ari.conf is left out; --show-secrets prints it\n";
    for args in [&[][..], &["ari.conf"]] {
        let hidden = printed(EXAMPLE, "localhost", args).complains(note);
        assert!(
            !hidden.stdout.contains("oh_no_you_do_not") && hidden.stdout.contains("\n;password = ***\n"),
            "{hidden}"
        );
        let shown = printed(EXAMPLE, "localhost", &[args, &["--show-secrets"]].concat()).complains("");
        assert!(shown.stdout.contains("\npassword = oh_no_you_do_not\n"), "{shown}");
    }
    printed(EXAMPLE, "localhost", &["http.conf"]).complains("");
}

#[test]
fn one_of_several_servers_has_to_be_chosen() {
    let config = "\
servers: {b: {host: 192.0.2.8, username: bob}}
links: {one: {channel: Local/a@x}, two: {channel: Local/a@x, server: b}}
";
    let program =
        |args: &[&str]| Program::new().config(config).args(["asterisk-config", "ari.conf", "-q"]).args(args).run();
    let sentence = program(&[]).exits(2);
    assert_eq!(sentence.stderr, "calltest: there are several servers\nhint: choose one with --server: asterisk, b\n");
    program(&["--server", "b"]).exits(0).prints("[bob]\n");
    assert!(program(&["--server", "c"]).exits(2).stderr.contains("there is no server c\nhint: there are asterisk, b"));
    let wrong = Program::new()
        .config(config)
        .args(["asterisk-config", "extensions.ael", "--dialplan", "conf", "--server", "b"])
        .run();
    assert!(wrong.exits(2).stderr.contains("not in the language that --dialplan names"));
    Program::new().args(["asterisk-config", "sip.conf"]).run().exits(2);
}
