//! Options: before the command and after it, and values that are set on the command line.

use crate::program::{Done, Program};

const CONFIG: &str = "links: {a: {channel: Local/a@b}}\ncalls: {one: {mode: ring, src: a}}\n";

fn program() -> Program {
    Program::new().config(CONFIG)
}

#[test]
fn options_stand_before_the_command_or_after_it() {
    let before = program().args(["-C", "links.a.prio=7", "-v", "dumpcfg"]).run().exits(0).complains("");
    let after = program().args(["dumpcfg", "-v", "-C", "links.a.prio=7"]).run().exits(0).complains("");
    assert!(before.stdout == after.stdout && before.stdout.contains("    prio: 7\n"), "{before}{after}");

    let both = program().args(["-C", "links.a.prio=7", "dumpcfg", "-C", "links.a.max_calls=3"]).run().exits(0);
    both.complains("").prints("    prio: 7\n    max_calls: 3\n");

    let program = Program::new();
    let path = program.file("other.cfg", CONFIG);
    let done = program.args(["run", "--list", "-c"]).args([&path]).args(["--lenient", "-q"]).run().exits(0);
    assert_eq!(done.stdout, "one\t-\t-\n");
}

#[test]
fn values_are_set_and_removed() {
    let done = program().set("calls.two={mode: play, src: a, info: Another}").args(["run", "-l"]).run().exits(0);
    assert_eq!(done.stdout, "one\t-\t-\ntwo\t-\tAnother\n");
    let done = program().set("calls.two={mode: play, src: a}").set("calls.one").args(["run", "-l"]).run().exits(0);
    assert_eq!(done.stdout, "two\t-\t-\n");
    program().set("asterisk.password=[a").args(["run", "-l"]).run().exits(2);
}

#[test]
fn what_is_wrong_with_them_is_shown_where_it_is() {
    let complaints = |override_: &str| -> Done {
        let done = program().args(["run", "--list", "-C", override_]).run().exits(2);
        assert!(done.stdout.is_empty(), "{done}");
        done
    };
    complaints("asterisk.prt=9").complains(
        "error: unknown key `prt` in `asterisk`\n--> -C asterisk.prt\n |\n | asterisk.prt=9\n |          ^^^\n\
         hint: did you mean `port`?\n",
    );
    complaints("calls.one.src=b").complains(
        "error: link `b` is not defined\n--> -C calls.one.src\n |\n | calls.one.src=b\n |               ^\n",
    );
    complaints("calls.one.timeout").complains(
        "error: there is no `timeout` to delete\n--> -C calls.one.timeout\n |\n | calls.one.timeout\n |           ^^^^^^^\n",
    );
    let secret = complaints("asterisk.password=[hunter2");
    assert!(secret.stderr.contains("--> -C asterisk.password\n") && !secret.stderr.contains("hunter2"), "{secret}");
}

#[test]
fn help_is_there_for_each_command() {
    let help = Program::new().args(["--help"]).run().exits(0).complains("");
    assert!(
        help.stdout.contains("Exit codes: 0 all passed, 1 a test failed, 2 wrong usage or configuration"),
        "{help}"
    );
    for command in ["run", "dumpcfg", "demo", "schema", "completions", "man"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command} is not in {help}");
        Program::new()
            .args([command, "--help"])
            .run()
            .exits(0)
            .complains("")
            .prints(&format!("Usage: calltest {command}"));
    }
    Program::new().args(["--version"]).run().exits(0).prints(&format!("calltest {}\n", env!("CARGO_PKG_VERSION")));
}
