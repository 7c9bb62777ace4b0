//! Where the configuration comes from, and what is said if it comes from nowhere.

use std::path::Path;

use crate::program::{Done, Program};

const CONFIG: &str = "links: {a: {channel: Local/a@b}}\ncalls: {NAME: {mode: ring, src: a}}\n";

/// The machine's own files come before those of a user, so the tests below would see nothing else.
#[track_caller]
fn no_file_of_the_machine_is_in_the_way() {
    for path in ["/etc/voice/calltest.cfg", "/etc/calltest.cfg"] {
        assert!(
            !Path::new(path).exists(),
            "this test needs a machine without {path}; move it away while the tests run"
        );
    }
}

#[test]
fn the_paths_that_were_searched_are_named() {
    no_file_of_the_machine_is_in_the_way();
    let program = Program::new();
    let home = program.home().to_owned();
    let looked_for = |home: &Path| {
        let path = home.join("calltest/calltest.cfg");
        format!(
            "calltest: No tests known. Missing config file? Looked for /etc/voice/calltest.cfg, /etc/calltest.cfg, {}\n",
            path.display()
        )
    };
    program.args(["run"]).run().exits(2).complains(&looked_for(&home.join(".config")));
    let xdg = Path::new("/nonexistent/config");
    Program::new().env("XDG_CONFIG_HOME", xdg).args(["run", "-l"]).run().exits(2).complains(&looked_for(xdg));
}

#[test]
fn a_users_own_file_is_found() {
    no_file_of_the_machine_is_in_the_way();
    let list = |program: Program| -> Done { program.args(["run", "--list"]).run().exits(0).complains("") };
    let program = Program::new();
    program.file(".config/calltest/calltest.cfg", &CONFIG.replace("NAME", "mine"));
    assert_eq!(list(program).stdout, "mine\t-\t-\n");
    let program = Program::new();
    program.file(".config/calltest/calltest.cfg", &CONFIG.replace("NAME", "mine"));
    program.file("xdg/calltest/calltest.cfg", &CONFIG.replace("NAME", "other"));
    let xdg = program.home().join("xdg");
    assert_eq!(list(program.env("XDG_CONFIG_HOME", xdg)).stdout, "other\t-\t-\n");
}

#[test]
fn the_built_in_defaults_have_no_tests() {
    Program::new()
        .args(["-c", "-", "run"])
        .run()
        .exits(2)
        .complains("calltest: No tests known. Missing config file? The built-in defaults have none\n");
    Program::new()
        .args(["-c", "-", "-C", "links.a.channel=Local/a@b", "-C", "calls.one={mode: ring, src: a}", "run", "-l"])
        .run()
        .exits(0)
        .prints("one\t-\t-\n");
}

#[test]
fn a_file_that_is_of_no_use_is_named_with_the_reason() {
    let program = Program::new();
    let path = program.file("empty.cfg", "# nothing yet\n");
    let sentence = format!("calltest: No tests known. Missing config file? {} has no `calls`\n", path.display());
    program.args(["run", "-c"]).args([&path]).run().exits(2).complains(&sentence);

    let table = [
        ("/nonexistent.cfg", "calltest: there is no configuration file /nonexistent.cfg\n"),
        ("/etc", "calltest: /etc is a directory, not a configuration file\n"),
        // A file that opens and cannot be read, even by root.
        (
            "/proc/self/mem",
            "calltest: failed to read the configuration file /proc/self/mem: Input/output error (os error 5)\n",
        ),
    ];
    for (path, sentence) in table {
        Program::new().args(["-c", path, "run"]).run().exits(2).complains(sentence);
    }
}

#[test]
fn faults_are_shown_where_they_are() {
    let program = Program::new().config("calls:\n  one:\n    mode: rnig\n    src: a\n    timout: 3\n");
    let done = program.args(["run"]).run().exits(2);
    for part in
        ["calls.cfg:3:11\n", "hint: did you mean `ring`?\n", "calls.cfg:5:5\n", "hint: did you mean `timeout`?\n"]
    {
        assert!(done.stderr.contains(part), "{part:?} is not in {done}");
    }
    assert!(done.stdout.is_empty() && !done.stderr.contains('\u{1b}'), "{done}");
}

#[test]
fn lenience_makes_unknown_keys_warnings_and_quiet_hides_them() {
    let config = "links: {a: {channel: Local/a@b}}\ncalls: {one: {mode: ring, src: a, colour: red}}\n";
    let list = |args: &[&str]| Program::new().config(config).args(["run", "--list"]).args(args).run();
    let done = list(&[]).exits(2);
    assert!(done.stderr.starts_with("error: unknown key `colour`"), "{done}");
    let done = list(&["--lenient"]).exits(0).prints("one\t-\t-\n");
    assert!(done.stderr.starts_with("warning: unknown key `colour`"), "{done}");
    list(&["--lenient", "-q"]).exits(0).complains("").prints("one\t-\t-\n");
}
