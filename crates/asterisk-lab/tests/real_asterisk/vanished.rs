//! A program that holds a lab and is gone from one moment to the next, without a chance to clean up.

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use asterisk_lab::{Lab, Scenario, Trunk};

use crate::eventually::eventually;

/// The variable that tells the test's own program to hold a lab, rather than to look what becomes of one.
const HOLDER: &str = "ASTERISK_LAB_TEST_HOLDER";

/// How the holder's one line begins; the numbers of its processes follow, and the lab's directory.
const TELLS: &str = "lab: ";

#[test]
#[expect(clippy::disallowed_methods, reason = "a test of the lab, which reads nothing of the user's environment")]
fn a_vanished_programs_lab_vanishes_too() {
    if env::var_os(HOLDER).is_some() {
        return hold_a_lab();
    }
    for signal in ["KILL", "INT", "HUP"] {
        let (mut holder, directory, processes) = start_holder();
        assert!(Path::new(&directory).is_dir() && processes.iter().all(|process| Path::new(process).exists()));
        let killed = Command::new("kill").arg(format!("-{signal}")).arg(holder.id().to_string()).status().unwrap();
        assert!(killed.success());
        holder.wait().unwrap();
        for path in processes.iter().chain([&directory]) {
            eventually(&format!("after SIG{signal} {path} is gone"), || !Path::new(path).exists());
        }
    }
}

/// Starts this test again as a program that holds a lab: its directory, and where `/proc` has its processes.
fn start_holder() -> (Child, String, Vec<String>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "vanished::a_vanished_programs_lab_vanishes_too", "--nocapture"]).env(HOLDER, "yes");
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The test runner has begun the line with the name of the test.
    let told = lines.find_map(|line| Some(line.split_once(TELLS)?.1.to_owned())).expect("the holder has a lab");
    let (processes, directory) = told.rsplit_once(' ').unwrap();
    let processes = processes.split(' ').map(|process| format!("/proc/{process}")).collect();
    (holder, directory.to_owned(), processes)
}

/// Holds a lab with a far end, one of whose servers is frozen, until the other end of the standard input is gone.
fn hold_a_lab() {
    let builder = Lab::builder(&asterisk_lab::for_tests()).server("a").server("b");
    let far_ends = [("rings", Scenario::silent().rings())];
    let builder = builder.far_ends(&asterisk_lab::sipp_for_tests(), far_ends);
    let lab = builder.trunk(Trunk::between("a", "b")).start().unwrap();
    lab.server("b").freeze().unwrap();
    let servers = lab.servers().iter().map(|server| server.process_id());
    let processes = servers.chain(lab.far_ends().iter().map(|far_end| far_end.process_id()));
    let processes: Vec<_> = processes.map(|process| process.unwrap().to_string()).collect();
    println!("{TELLS}{} {}", processes.join(" "), lab.directory().display());
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
