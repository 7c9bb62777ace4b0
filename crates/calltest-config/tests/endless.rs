//! Files that do not end, or not soon: they are refused in a sentence, for little time and memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use calltest_config::{MAX_FILE_SIZE, ReadError, Source};
use rustix::fs::{CWD, Mode, mkfifoat};

/// Far more than any of these takes, so that only a lost bound is noticed.
const LONG: Duration = Duration::from_secs(20);

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// It is refused as too large, and nobody has read all of it.
#[track_caller]
fn is_too_large(path: &Path) {
    let started = Instant::now();
    let error = Source::read(path).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { .. }), "{error}");
    assert_eq!(error.to_string(), format!("the configuration file {} is larger than 32 MiB", path.display()));
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    // All tests of this file may read at once, and a vector that grows is there twice.
    let limit = 4 * 3 * MAX_FILE_SIZE;
    assert!(peak_memory() < limit, "{} MiB", peak_memory() >> 20);
}

#[test]
fn one_line_of_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.cfg");
    // It takes no room on the disk.
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    is_too_large(&path);
}

#[test]
fn a_device_that_never_ends() {
    is_too_large(Path::new("/dev/zero"));
}

#[test]
fn a_pipe_into_which_somebody_writes_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    let writer = thread::spawn({
        let path = path.clone();
        move || {
            let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
            let line = b"# a comment without end ".repeat(1000);
            // Until nobody reads any more.
            while pipe.write_all(&line).is_ok() {}
        }
    });
    is_too_large(&path);
    writer.join().unwrap();
}

#[test]
fn a_pipe_that_ends_is_a_file_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    let writer = thread::spawn({
        let path = path.clone();
        move || fs::write(path, "calls: {}\n").unwrap()
    });
    assert_eq!(Source::read(&path).unwrap().text(), "calls: {}\n");
    writer.join().unwrap();
}
