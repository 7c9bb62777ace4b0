//! The call log: what is written down, and what is read back, whatever has become of the file.

use super::*;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

const NOW: u64 = 1_800_000_000;

struct Shelf {
    directory: tempfile::TempDir,
    overall: Budget,
    next_id: AtomicU32,
}

impl Shelf {
    fn with(calls_per_hour: u32) -> Self {
        let overall = Budget { calls_per_hour: NonZeroU32::new(calls_per_hour), ..Budget::default() };
        Self { directory: tempfile::tempdir().unwrap(), overall, next_id: AtomicU32::new(1) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(CallLog::FILE_NAME)
    }

    fn open(&self) -> CallLog {
        CallLog::open(&self.path(), NOW).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// Sends a call out; returns its id.
    fn begin(&self, call_log: &mut CallLog, link: &str, now: u64) -> Result<u64, Refused> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).into();
        let (link, none) = (LinkName::from(link), Budget::default());
        let departure = Departure { id, link: &link, at_most: 45, overall: &self.overall, of_link: &none };
        call_log.begin(&departure, now).map(|()| id)
    }
}

#[test]
fn a_call_is_written_down_when_it_goes_out_and_when_it_is_over() {
    let shelf = Shelf::with(10);
    let mut call_log = shelf.open();
    let id = shelf.begin(&mut call_log, "trunk one", NOW).unwrap();
    assert_eq!(shelf.text(), "call 1800000000 0000000000000001 45 trunk one\n");
    call_log.end(id, 12).unwrap();
    assert_eq!(shelf.text(), "call 1800000000 0000000000000001 45 trunk one\nend 0000000000000001 12\n");
    let call = PastCall { id, link: "trunk one".into(), start: NOW, length: Length::Seconds(12) };
    assert_eq!(call_log.budget.calls(), [call]);
    assert_eq!(shelf.open().budget, call_log.budget);
    assert_eq!(CallLog::look_at(&shelf.path(), NOW).unwrap(), call_log.budget);
}

#[test]
fn a_budget_outlives_the_program() {
    let shelf = Shelf::with(2);
    shelf.begin(&mut shelf.open(), "a", NOW).unwrap();
    shelf.begin(&mut shelf.open(), "b", NOW + 1).unwrap();
    let refused = shelf.begin(&mut shelf.open(), "c", NOW + 2).unwrap_err();
    let Refused::Exhausted(exhausted) = refused else { panic!("{refused}") };
    assert_eq!((exhausted.key, exhausted.wait), ("calls_per_hour", 3598));
    shelf.begin(&mut shelf.open(), "c", NOW + 3600).unwrap();
}

#[test]
fn two_at_one_call_log_count_together() {
    let shelf = Shelf::with(20);
    let through = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut call_log = shelf.open();
                for _ in 0..10 {
                    match shelf.begin(&mut call_log, "trunk", NOW) {
                        Ok(id) => {
                            through.fetch_add(1, Ordering::Relaxed);
                            call_log.end(id, 1).unwrap();
                        }
                        Err(Refused::Exhausted(_)) => {}
                        Err(unusable) => panic!("{unusable}"),
                    }
                }
            });
        }
    });
    assert_eq!(through.into_inner(), 20);
    assert_eq!(shelf.open().budget.calls().len(), 20);
}

#[test]
fn what_is_too_old_is_dropped_from_the_file() {
    let shelf = Shelf::with(1000);
    let mut call_log = shelf.open();
    for _ in 0..MAX_STALE {
        let id = shelf.begin(&mut call_log, "old", NOW).unwrap();
        call_log.end(id, 1).unwrap();
    }
    let mut other = shelf.open();
    let recent = shelf.begin(&mut call_log, "recent", NOW + 100).unwrap();
    call_log.end(recent, 7).unwrap();
    let week = 7 * 24 * 60 * 60;
    shelf.begin(&mut call_log, "new", NOW + week + 50).unwrap();
    assert_eq!(shelf.text().lines().count(), 3, "{}", shelf.text());
    // The other one notices that the file is a new one.
    shelf.begin(&mut other, "other", NOW + week + 50).unwrap();
    let links: Vec<_> = other.budget.calls().iter().map(|call| call.link.as_str()).collect();
    assert_eq!(links, ["recent", "new", "other"]);
    other.end(recent, 8).unwrap();
    let again = CallLog::open(&shelf.path(), NOW + 2 * week).unwrap();
    assert_eq!(again.budget.calls().len(), 2);
    assert!(!shelf.text().contains("recent"));
    assert!(!shelf.path().with_extension("part").exists());
}

// field attack 26
#[test]
fn a_clock_that_goes_days_back_or_ahead_for_a_while_empties_no_budget() {
    let day = 24 * 60 * 60;
    for clock in [NOW - 3 * day, NOW + 3 * day, 0] {
        let shelf = Shelf::with(2);
        for _ in 0..2 {
            let id = shelf.begin(&mut shelf.open(), "trunk", NOW).unwrap();
            shelf.open().end(id, 5).unwrap();
        }
        // Opened under the wrong clock, asked, and written anew if there is anything to forget.
        let mut wrong = CallLog::open(&shelf.path(), clock).unwrap();
        let asked = shelf.begin(&mut wrong, "trunk", clock);
        assert_eq!(asked.is_ok(), clock > NOW, "a call of the future counts");
        wrong.rewrite().unwrap();
        let refused = shelf.begin(&mut CallLog::open(&shelf.path(), NOW + 60).unwrap(), "trunk", NOW + 60);
        assert!(matches!(refused, Err(Refused::Exhausted(_))), "under {clock}");
    }
}

#[test]
fn broken_lines_are_skipped_and_nothing_is_written_behind_a_torn_one() {
    let shelf = Shelf::with(3);
    let broken = "nonsense\ncall x 1 45 trunk\ncall 1800000000 1 45\nend 1\nend 1 2 3\n\n\u{fffd}\ncall 1800000000 00000000000000aa 45 trunk\n";
    fs::write(shelf.path(), broken.to_owned() + "call 18000").unwrap();
    let mut call_log = shelf.open();
    assert_eq!(call_log.budget.calls().len(), 1);
    shelf.begin(&mut call_log, "trunk", NOW).unwrap();
    assert!(shelf.text().ends_with("call 18000\ncall 1800000000 0000000000000001 45 trunk\n"), "{}", shelf.text());
    assert_eq!(shelf.open().budget.calls().len(), 2);
    fs::write(shelf.path(), b"\xff\xfe\n").unwrap();
    assert_eq!(shelf.open().budget.calls().len(), 0);
}

#[test]
fn a_call_log_that_is_emptied_or_taken_away_is_begun_anew() {
    let shelf = Shelf::with(2);
    let mut call_log = shelf.open();
    shelf.begin(&mut call_log, "a", NOW).unwrap();
    fs::write(shelf.path(), "").unwrap();
    shelf.begin(&mut call_log, "b", NOW).unwrap();
    assert_eq!(call_log.budget.calls().len(), 1);
    fs::remove_file(shelf.path()).unwrap();
    shelf.begin(&mut call_log, "c", NOW).unwrap();
    assert_eq!(shelf.text().lines().count(), 1);
}

#[test]
fn a_call_log_that_cannot_be_written_lets_no_call_out() {
    let shelf = Shelf::with(100);
    let file = shelf.directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = CallLog::open(&file.join(CallLog::FILE_NAME), NOW).unwrap_err();
    assert!(error.to_string().contains("file/guard.lock"), "{error}");
    let mut call_log = shelf.open();
    fs::remove_file(shelf.path()).unwrap();
    fs::create_dir(shelf.path()).unwrap();
    let refused = shelf.begin(&mut call_log, "trunk", NOW).unwrap_err();
    assert!(refused.to_string().starts_with("cannot write "), "{refused}");
    // A full disk shows itself when it is written to.
    let shelf = Shelf::with(1);
    let mut full = shelf.open();
    full.file = File::options().write(true).open("/dev/full").unwrap();
    let error = full.append(&Line::End { id: 1, seconds: 1 }).unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}

#[test]
fn a_directory_that_is_missing_is_made() {
    let shelf = Shelf::with(1);
    let path = shelf.directory.path().join("a/b").join(CallLog::FILE_NAME);
    shelf.begin(&mut CallLog::open(&path, NOW).unwrap(), "trunk", NOW).unwrap();
    assert!(path.exists());
}

#[test]
fn whoever_only_looks_makes_nothing() {
    let shelf = Shelf::with(1);
    assert_eq!(CallLog::look_at(&shelf.path(), NOW).unwrap(), CallBudget::default());
    assert_eq!(fs::read_dir(shelf.directory.path()).unwrap().count(), 0);
}

#[test]
fn names_of_links_may_be_anything() {
    let shelf = Shelf::with(100);
    let names = ["trunk", "a b", " lead", "trail ", "100%", "%0A", "a\nb\r", "ünï", ""];
    let mut call_log = shelf.open();
    for name in names {
        shelf.begin(&mut call_log, name, NOW).unwrap();
    }
    let again = shelf.open();
    let read: Vec<_> = again.budget.calls().iter().map(|call| call.link.as_str()).collect();
    assert_eq!(read, names);
}

#[test]
fn whoever_comes_second_waits_for_the_first() {
    let shelf = Shelf::with(1);
    let mut call_log = shelf.open();
    let held = lock(&shelf.path()).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| shelf.begin(&mut call_log, "trunk", NOW));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!second.is_finished());
        // What the first one has written by then counts.
        let call = PastCall { id: 9, link: "trunk".into(), start: NOW, length: Length::AtMost(45) };
        fs::write(shelf.path(), Line::Call(call).text() + "\n").unwrap();
        drop(held);
        assert!(matches!(second.join().unwrap(), Err(Refused::Exhausted(_))));
    });
}
