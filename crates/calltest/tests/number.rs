//! `calltest number`, and the budgets of the guard, as a user meets them: the program in a process of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fake_asterisk::{FakeAsterisk, FarEnd};
use tempfile::TempDir;

/// A home directory with a configuration in it.
struct Home(TempDir);

impl Home {
    fn with(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("calls.cfg"), config).unwrap();
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn calltest(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calltest"));
        command.env_clear().env("HOME", self.path()).current_dir(self.path()).args(["-c", "calls.cfg"]).args(args);
        command
    }

    /// What `calltest number` prints, and with which code it exits.
    fn number(&self, link: &str, number: &str) -> (String, i32) {
        let output = self.calltest(&["number", link, number]);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (text, output.status.code().unwrap())
    }
}

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/number-rules.md")).unwrap()
}

#[test]
fn the_document_shows_what_the_program_prints() {
    let document = document();
    let config = document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let home = Home::with(config);
    let shown: Vec<&str> = document.split("    $ calltest number ").skip(1).collect();
    assert_eq!(shown.len(), 3);
    for (example, code) in shown.into_iter().zip([0, 1, 1]) {
        let mut lines = example.lines();
        let (link, number) = lines.next().unwrap().split_once(' ').unwrap();
        let expected: String =
            lines.map_while(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect();
        assert_eq!(home.number(link, number), (expected, code));
    }
}

#[test]
fn the_documents_error_is_what_a_rejected_number_gives() {
    let document = document();
    let config = document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let home = Home::with(&format!("{config}calls:\n  abroad: {{mode: ring, src: trunk, number: +442071234567}}\n"));
    let output = home.calltest(&["run", "-l"]);
    let printed = String::from_utf8(output.stderr).unwrap();
    let shown: String = document
        .lines()
        .skip_while(|line| !line.starts_with("    error: `abroad`"))
        .map_while(|line| line.strip_prefix("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!((printed, output.status.code()), (shown, Some(2)));
}

#[test]
fn both_directions_and_all_lists_are_told() {
    let home = Home::with(
        "asterisk: {dialplan: {country: 49}, incoming: ['_0.': '{number:1}'], outgoing: ['_9!': reject]}\n\
         links:\n  trunk: {channel: 'PJSIP/{number}@trunk', guard: {deny: ['_0900!'], calls_per_day: 7}}\n  \
         deaf: {number: 5}\n  fixed: {channel: 'PJSIP/55@trunk'}\n",
    );
    let told = "link      trunk on server asterisk\n\
                outgoing  00911123 stays as it is: no rule fits\n\
                dials     PJSIP/00911123@trunk\n\
                guard     lets it out\n\
                budget    guard.calls_per_day of link trunk: 0 of 7\n\
                incoming  00911123 becomes 0911123 by rule 1 under `incoming` of server asterisk: `_0.`\n\
                seen as   0911123, in international format +49911123\n";
    assert_eq!(home.number("trunk", "00911123"), (told.into(), 0));
    let cases = [
        ("trunk", "912", 1, "REFUSED: 912 is rejected by rule 1 under `outgoing` of server asterisk: `_9!`\n"),
        ("trunk", "0900123", 1, "REFUSED: 0900123 fits guard.deny of link trunk: _0900!\n"),
        ("deaf", "123", 0, "dials     nothing: the link has no `channel`, so it can only be called\n"),
        ("fixed", "123", 0, "dials     PJSIP/55@trunk\n"),
        ("fixed", "fone1", 0, "seen as   fone1, which has no international format\n"),
    ];
    for (link, number, code, part) in cases {
        let (text, exit) = home.number(link, number);
        assert!(exit == code && text.contains(part), "{link} {number}: {exit}\n{text}");
    }
    // Whoever only asks makes nothing.
    assert!(!home.path().join(".local").exists());
}

/// The example of the manual of 0.7.4, where no dialplan is written.
const MANUAL: &str = "links:\n  foo:\n    channel: \"SIP/foo/{number}\"\n    number: \"+49123456789\"\n  \
                      bar:\n    channel: \"SIP/bar/{number}\"\n    number: \"+49987654321\"\n\
                      calls:\n  ':default:':\n    mode: dtmf\n  foobar:\n    src: foo\n    dst: bar\n    \
                      info: \"Check that calling bar from foo works\"\n";

// field attack 26
#[test]
fn emergency_and_dear_numbers_are_refused_with_the_manuals_example() {
    let home = Home::with(MANUAL);
    let (text, code) = home.number("foo", "+49987654321");
    assert!(code == 0 && text.contains("guard     lets it out\n"), "{text}");
    let table = [
        ("112", "emergency number 112"),
        ("911", "emergency number 911"),
        ("999", "emergency number 999"),
        ("000", "emergency number 000"),
        ("110", "emergency number 110"),
        ("%31%31%32", "emergency number 112"),
        ("<sip:112@example.org>", "emergency number 112"),
        ("09001234567", "a premium-rate number (+49 900)"),
        ("+979123456789", "an international premium-rate number (+979)"),
        ("+881612345678", "a satellite number (+881)"),
    ];
    for (number, what) in table {
        let (text, code) = home.number("foo", number);
        assert!(code == 1 && text.contains(&format!("REFUSED: {number} is {what}")), "{text}");
    }
    // With a country abroad, its numbers as well; and without any, whoever calls is told.
    let abroad = Home::with(&MANUAL.replace("+49", "+33"));
    assert_eq!((abroad.number("foo", "15").1, abroad.number("foo", "18").1, home.number("foo", "18").1), (1, 1, 0));
    let nowhere = Home::with(&MANUAL.replace("+49", "49"));
    let (text, code) = nowhere.number("foo", "18");
    assert!(code == 0 && text.contains("warning: nothing tells the country of `foo` and 1 more"), "{text}");
    assert_eq!(nowhere.number("foo", "999").1, 1);
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    let home = Home::with("links: {trunk: {channel: 'PJSIP/{number}@trunk', number: +493023125000}}\n");
    let table = [
        ("trnk", "1", "calltest: there is no link trnk\nhint: did you mean trunk?\n"),
        ("other", "1", "calltest: there is no link other\nhint: `calltest dumpcfg` shows them all under `links`\n"),
        ("trunk", "+x", "calltest: `+x` starts with + but is not an international number: only digits may follow\n"),
        ("trunk", " ", "calltest: a phone number cannot be empty\n"),
    ];
    for (link, number, said) in table {
        assert_eq!(home.number(link, number), (said.into(), 2));
    }
    let (text, code) = Home::with("links: {trunk: {outgoing: ['_[': x]}}\n").number("trunk", "1");
    assert!(code == 2 && text.contains("is no pattern"), "{text}");
    let output = home.calltest(&["number", "trunk"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A far end that rings, and a budget of one call.
fn one_call(fake: &FakeAsterisk, more: &str) -> Home {
    fake.set_far_end("PJSIP/*@trunk", FarEnd::rings_for(std::time::Duration::from_secs(9)));
    Home::with(&format!(
        "asterisk: {{host: 127.0.0.1, port: {}, username: {}, password: {}}}\n\
         guard: {{calls_per_hour: 1}}\n{more}\
         links: {{trunk: {{channel: 'PJSIP/{{number}}@trunk'}}}}\n\
         calls: {{rings: {{mode: ring, src: trunk, number: 123, delay: {{ring: 0.1}}}}}}\n",
        fake.port(),
        fake.user(),
        fake.password(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_outlives_the_program_and_is_kept_in_the_state_directory() {
    let fake = FakeAsterisk::start().await;
    let directories = [
        ("", vec![], ".local/state/calltest"),
        ("", vec![("XDG_STATE_HOME", "xdg")], "xdg/calltest"),
        ("", vec![("XDG_STATE_HOME", "xdg"), ("STATE_DIRECTORY", "systemd:other")], "systemd"),
        ("state_dir: configured\n", vec![("STATE_DIRECTORY", "systemd")], "configured"),
    ];
    for (config, environment, directory) in directories {
        let home = one_call(&fake, config);
        let run = || {
            let absolute = |list: &str| {
                list.split(':').map(|name| home.path().join(name).display().to_string()).collect::<Vec<_>>().join(":")
            };
            let mut command = home.command(&["run"]);
            command.envs(environment.iter().map(|(name, value)| (name, absolute(value))));
            let output = command.output().unwrap();
            (String::from_utf8(output.stdout).unwrap(), output.status.code())
        };
        let (first, code) = run();
        assert!(code == Some(0) && first.starts_with("pass rings"), "{first}");
        let (second, code) = run();
        let sentence = "the call did not go out by guard.calls_per_hour at top level: 1: the budget is used up; the next call is possible in 60 min";
        assert!(code == Some(3) && second.starts_with("error rings") && second.contains(sentence), "{second}");
        let call_log = fs::read_to_string(home.path().join(directory).join("guard.calls")).unwrap();
        assert_eq!(call_log.lines().count(), 2, "{call_log}");
        if config.is_empty() && environment.is_empty() {
            let (text, code) = home.number("trunk", "123");
            assert!(
                code == 1
                    && text.contains("guard     REFUSED: guard.calls_per_hour at top level: 1: the budget is used up"),
                "{text}"
            );
            assert!(text.contains("budget    guard.calls_per_hour at top level: 1 of 1\n"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_at_once_have_one_budget() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@trunk", FarEnd::rings_for(std::time::Duration::from_secs(9)));
    let config = |app: &str| {
        format!(
            "asterisk: {{host: 127.0.0.1, port: {}, username: {}, password: {}, app: {app}}}\nguard: {{calls_per_day: 5}}\nlinks: {{trunk: {{channel: 'PJSIP/{{number}}@trunk', max_calls: 4}}}}\ncalls:\n  a: &a {{mode: ring, src: trunk, number: 123, delay: {{ring: 0.1}}}}\n  b: *a\n  c: *a\n  d: *a\n",
            fake.port(),
            fake.user(),
            fake.password()
        )
    };
    let home = Home::with(&config("one"));
    fs::write(home.path().join("two.cfg"), config("two")).unwrap();
    let start = |config: &str| {
        let mut command = home.command(&["-C", "max_calls=4", "run"]);
        if config != "calls.cfg" {
            command = Command::new(env!("CARGO_BIN_EXE_calltest"));
            command.env_clear().env("HOME", home.path()).current_dir(home.path()).args(["-c", config, "run"]);
        }
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let programs = [start("calls.cfg"), start("two.cfg")];
    let outputs = programs.map(|program| String::from_utf8(program.wait_with_output().unwrap().stdout).unwrap());
    let both = outputs.concat();
    let count = |word: &str| both.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("pass "), count("error ")), (5, 3), "{both}");
}

// field telephony 37
#[test]
fn the_password_of_a_dial_string_is_not_shown() {
    let home = Home::with(
        "asterisk: {port: 1}\nlinks: {out: {channel: 'IAX2/me:geheim@192.0.2.1/{number}'}}\n\
         calls: {a: {mode: ring, src: out, number: '+49301234'}}\n",
    );
    let (shown, _) = home.number("out", "+49301234");
    assert!(shown.contains("IAX2/me:***@192.0.2.1/+49301234"), "{shown}");
    for args in [&["number", "out", "+49301234"][..], &["dumpcfg"], &["-vvv", "run"], &["run", "--format", "json"]] {
        let output = home.calltest(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains("geheim"), "{args:?}: {text}");
    }
}
