//! What the fault matrix says of a name that it does not have. The matrix itself is a step of `./test`.

use std::process::Command;

#[test]
fn a_name_that_no_trial_has_is_said_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["faults", "--on", "fake", "--only", "fake/nothing-of-that-name"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no cell has that name"));
}
