//! Servers that start, freeze, crash, come back and end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use asterisk_lab::{Installation, Lab, LabError, Server, ServerOptions, Trunk};

use crate::eventually::eventually;

/// Whether ARI answers within a second.
fn ari_answers(server: &Server) -> bool {
    let ari = server.ari();
    let address = SocketAddr::from((ari.host, ari.port));
    let exchange = || {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let (username, password) = (&ari.username, &ari.password);
        write!(stream, "GET /ari/asterisk/ping?api_key={username}:{password} HTTP/1.0\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| answer)
    };
    exchange().is_ok_and(|answer: [u8; 12]| answer.ends_with(b" 200"))
}

fn process_exists(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[test]
fn two_labs_at_once_do_not_meet_and_one_ends_without_the_other() {
    let installation = asterisk_lab::for_tests();
    let start = || {
        let builder = Lab::builder(&installation).server("a").server("b");
        builder.trunk(Trunk::between("a", "b").registered()).start().unwrap()
    };
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(start);
        (start(), one.join().unwrap())
    });
    let servers: Vec<_> = one.servers().iter().chain(other.servers()).collect();
    for (index, server) in servers.iter().enumerate() {
        assert!(servers[..index].iter().all(|earlier| earlier.ari().host != server.ari().host));
        assert!(ari_answers(server));
    }
    drop(one);
    assert!(other.servers().iter().all(ari_answers));
}

#[test]
fn a_dropped_lab_leaves_neither_process_nor_file() {
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").server("b").start().unwrap();
    let directory = lab.directory().to_owned();
    let processes: Vec<_> = lab.servers().iter().map(|server| server.process_id().unwrap()).collect();
    lab.server("b").freeze().unwrap();
    assert!(directory.is_dir() && processes.iter().all(|process| process_exists(*process)));
    drop(lab);
    assert!(!directory.exists() && !processes.iter().any(|process| process_exists(*process)));
}

#[test]
fn a_frozen_server_is_silent_until_it_is_thawed() {
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start().unwrap();
    let a = lab.server("a");
    a.freeze().unwrap();
    assert!(a.is_running() && !ari_answers(a));
    a.thaw().unwrap();
    eventually("ARI answers again", || ari_answers(a));
}

#[test]
fn a_killed_server_comes_back_at_the_same_address() {
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start().unwrap();
    let a = lab.server("a");
    let before = a.process_id();
    a.kill().unwrap();
    a.kill().unwrap();
    assert!(!a.is_running() && !ari_answers(a));
    for error in [a.cli("core show uptime").unwrap_err(), a.freeze().unwrap_err(), a.stop().unwrap_err()] {
        assert!(matches!(error, LabError::NotRunning { .. }), "{error}");
    }
    a.restart().unwrap();
    assert!(ari_answers(a) && a.process_id() != before);
    a.restart().unwrap();
    assert!(ari_answers(a));
}

#[test]
fn a_server_that_is_stopped_hangs_up_its_calls() {
    let answer = "[from-trunk]\nexten => 77,1,Answer()\n same => n,Wait(60)\n";
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server("a")
        .server(ServerOptions::named("b").dialplan(answer))
        .trunk(Trunk::between("a", "b"))
        .start()
        .unwrap();
    let (a, b) = (lab.server("a"), lab.server("b"));
    a.cli("channel originate PJSIP/77@trunk application Wait 60").unwrap();
    eventually("a call", || a.open_channels().unwrap() == 1 && b.open_channels().unwrap() == 1);
    a.stop().unwrap();
    eventually("no call", || b.open_channels().unwrap() == 0);
    assert!(!a.is_running());
}

#[test]
fn a_command_that_asterisk_does_not_know_is_an_error() {
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start().unwrap();
    let error = lab.server("a").cli("make coffee").unwrap_err();
    assert!(error.to_string().starts_with("Asterisk a refused the command `make coffee`: No such command"), "{error}");
}

#[test]
fn the_logs_of_a_test_that_panics_are_kept() {
    let kept = tempfile::tempdir().unwrap();
    let directory = kept.path().to_owned();
    let test = thread::spawn(move || {
        let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").keep_logs_in(directory).start().unwrap();
        panic!("a panic on purpose, while {} is held", lab.directory().display());
    });
    test.join().unwrap_err();
    let lab = fs::read_dir(kept.path()).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(lab.join("a/log/full")).unwrap().contains("Asterisk Ready"));
    assert!(lab.join("a/etc/pjsip.conf").is_file());
}

/// Something that has the form of an installed Asterisk: a script for the program, and real modules and sounds.
fn install(prefix: &Path, script: &str) -> Installation {
    let fetched = asterisk_lab::for_tests();
    for directory in ["sbin", "lib/some-triplet/asterisk", "share"] {
        fs::create_dir_all(prefix.join(directory)).unwrap();
    }
    let program = prefix.join("sbin/asterisk");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(fetched.module_directory(), prefix.join("lib/some-triplet/asterisk/modules")).unwrap();
    symlink(fetched.data_directory(), prefix.join("share/asterisk")).unwrap();
    Installation::find_installed(prefix.join("sbin").as_os_str()).unwrap()
}

#[test]
fn an_installed_asterisk_does_as_well() {
    let prefix = tempfile::tempdir().unwrap();
    let modules = asterisk_lab::for_tests().module_directory().to_owned();
    let libraries = modules.ancestors().nth(2).unwrap();
    let loader = fs::read_dir(libraries)
        .unwrap()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("ld-linux"));
    let script = format!(
        "#!/bin/sh\nexec {} --library-path {} {} \"$@\"\n",
        loader.unwrap().path().display(),
        libraries.display(),
        libraries.join("../../sbin/asterisk").display()
    );
    let installed = install(prefix.path(), &script);
    assert_eq!(installed.major_version(), asterisk_lab::for_tests().major_version());
    let lab = Lab::builder(&installed).server("a").start().unwrap();
    assert!(ari_answers(lab.server("a")));
}

#[test]
fn a_server_that_does_not_come_up_is_reported_with_what_it_said() {
    let prefix = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\n[ \"$1\" = -V ] && echo Asterisk 22.0.0 || { echo out of luck >&2; exit 3; }\n";
    let broken = install(prefix.path(), script);
    let parent = tempfile::tempdir().unwrap();
    let error = Lab::builder(&broken).server("a").directory(parent.path()).start().unwrap_err();
    assert_eq!(
        error.to_string(),
        "Asterisk a ended (exit status: 3) instead of starting; the end of its log:\nout of luck"
    );
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn an_installed_asterisk_that_is_too_old_is_refused() {
    let prefix = tempfile::tempdir().unwrap();
    let program = prefix.path().join("asterisk");
    fs::write(&program, "#!/bin/sh\necho Asterisk 16.28.0~dfsg-0+deb11u4\n").unwrap();
    assert!(Command::new("chmod").arg("755").arg(&program).status().unwrap().success());
    let error = Installation::installed(&program).unwrap_err().to_string();
    assert!(error.ends_with("is version 16.28.0~dfsg-0+deb11u4: 18 or newer is needed"), "{error}");
}
