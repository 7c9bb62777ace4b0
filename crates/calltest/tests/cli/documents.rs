//! Commands that only print: dumpcfg, completions, man.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::program::Program;

const CONFIG: &str = "\
asterisk: {password: hunter2}
links: {a: {channel: Local/a@b}}
calls: {one: {mode: ring, src: a}}
";

#[test]
fn a_dump_has_no_secrets_and_says_so_when_it_is_loaded() {
    let dump = Program::new().config(CONFIG).args(["dumpcfg"]).run().exits(0).complains("").stdout;
    assert!(dump.contains("\n  password: '***'\n") && !dump.contains("hunter2"), "{dump}");
    assert!(
        dump.contains("\n  init_timeout: 5\n") && dump.contains("\n    timeout: 30\n"),
        "defaults are missing: {dump}"
    );
    let again = Program::new().config(&dump).args(["dumpcfg"]).run().exits(0);
    assert!(
        again.stderr.starts_with("warning: `asterisk.password` has `***` for a secret: this was printed by `dumpcfg`"),
        "{again}"
    );
    assert!(again.stderr.contains("calls.cfg:7:13\n") && again.stdout == dump, "{again}");
    // Only the secret is missing.
    let list = |config: &str| Program::new().config(config).args(["run", "--list", "-q"]).run().exits(0).stdout;
    assert_eq!(list(&dump), list(CONFIG));
}

#[test]
fn a_dump_hides_headers_and_has_no_key_of_a_request_that_is_not_given() {
    let call = |keys: &str| {
        format!(
            "links: {{a: {{number: 1}}}}\ncalls: {{one: {{mode: wait, dst: a, check_callerid: no, url: {{url: http://a{keys}}}}}}}\n"
        )
    };
    let dump = |config: &str, options: &[&str]| {
        Program::new().config(config).args(["dumpcfg"]).args(options).run().exits(0).stdout
    };
    let plain = dump(&call(""), &[]);
    assert!(plain.contains("\n      query: null\n      body: null\n    exec: null\n"), "{plain}");
    let config =
        call(", method: PUT, body: x, type: text/plain, headers: {Authorization: Bearer hunter2, X: ''}, expect: ok");
    let hidden = dump(&config, &[]);
    let keys =
        "\n      type: text/plain\n      headers:\n        Authorization: '***'\n        X: '***'\n      expect: ok\n";
    assert!(hidden.contains(keys) && !hidden.contains("hunter2"), "{hidden}");
    let again = Program::new().config(&hidden).args(["dumpcfg"]).run().exits(0);
    let warning =
        "warning: `calls.one.url.headers.Authorization` has `***` for a secret: this was printed by `dumpcfg`";
    assert!(again.stderr.contains(warning) && again.stdout == hidden, "{again}");
    let shown = dump(&config, &["--show-secrets"]);
    assert!(shown.contains("\n        Authorization: 'Bearer hunter2'\n        X: ''\n"), "{shown}");
    assert_eq!(dump(&shown, &["--show-secrets"]), shown);
}

#[test]
fn a_dump_with_secrets_is_the_same_configuration() {
    let dump = |config: &str| {
        Program::new().config(config).args(["dumpcfg", "--show-secrets"]).run().exits(0).complains("").stdout
    };
    let first = dump(CONFIG);
    assert!(first.contains("\n  password: hunter2\n"), "{first}");
    assert_eq!(dump(&first), first);
}

#[test]
fn a_dump_without_any_file_has_the_defaults() {
    let dump = Program::new().args(["-c", "-", "dumpcfg"]).run().exits(0).complains("");
    for part in ["asterisk:\n  host: localhost\n  port: 8088\n", "\nlinks: {}\n", "\ncalls: {}\n"] {
        assert!(dump.stdout.contains(part), "{part:?} is not in {dump}");
    }
}

#[test]
fn completions_know_the_commands() {
    for (shell, parts) in [
        ("bash", ["complete -F _calltest", "dumpcfg"]),
        ("zsh", ["#compdef calltest", "dumpcfg:"]),
        ("fish", ["complete -c calltest", "-a \"dumpcfg\""]),
    ] {
        let done = Program::new().args(["completions", shell]).run().exits(0).complains("");
        assert!(parts.iter().all(|part| done.stdout.contains(part)), "{shell}: {done}");
    }
    Program::new().args(["completions", "csh"]).run().exits(2);
}

#[test]
fn bash_accepts_its_completions() {
    let script = Program::new().args(["completions", "bash"]).run().exits(0).stdout;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn every_command_has_a_manual_page_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    let done = Program::new().args(["man", "--dir", dir.to_str().unwrap()]).run().exits(0).complains("");
    assert_eq!(done.stdout, "");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(read("calltest.1"), Program::new().args(["man"]).run().exits(0).stdout, "the same as is printed");
    let page = read("calltest-run.1");
    assert!(
        page.contains("\n.TH calltest-run 1  \"calltest 1.") && page.contains("\\fB\\-\\-take\\-over\\fR"),
        "{page}"
    );
    let names = std::fs::read_dir(&dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let commands =
        ["asterisk-config", "completions", "demo", "doctor", "dumpcfg", "man", "number", "run", "schema", "server"];
    let pages = commands.map(|command| format!("calltest-{command}.1"));
    assert_eq!(names[..pages.len()], pages);
    assert_eq!(names[pages.len()..], ["calltest.1"]);
    let taken = folder.path().join("file");
    std::fs::write(&taken, "").unwrap();
    let refused = Program::new().args(["man", "--dir", taken.to_str().unwrap()]).run().exits(3);
    assert!(refused.sentence().starts_with("could not write to "), "{refused}");
}

#[test]
fn the_manual_page_is_roff() {
    let page = Program::new().args(["man"]).run().exits(0).complains("").stdout;
    let requests = |name: &str| page.lines().filter(|line| line.split(' ').next() == Some(name)).count();
    assert_eq!(requests(".TH"), 1, "{page}");
    for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH \"RUN\"", ".SH \"DEMO\""] {
        assert!(page.lines().any(|line| line == section), "{section} is not in {page}");
    }
    assert!(page.contains("\\fB\\-\\-take\\-over\\fR") && page.contains("Exit codes: 0 all passed"), "{page}");
}
