//! How values look in the file: times as whole microseconds, verdicts as numbers, reports compressed.
//!
//! Whatever the value, there is a form for it: times and durations that are out of range are moved to its edge, because a
//! run that cannot be written must not keep back the others.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use calltest_core::verdict::VerdictKind;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::error::HistoryError;

/// Microseconds since the Unix epoch.
pub(super) fn of_time(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => of_duration(since),
        Err(before) => -of_duration(before.duration()),
    }
}

/// The time of so many microseconds since the Unix epoch.
pub(super) fn time(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let time = if micros < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// Whole microseconds.
pub(super) fn of_duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The duration of so many microseconds.
pub(super) fn duration(micros: i64) -> Duration {
    Duration::from_micros(micros.try_into().unwrap_or(0))
}

/// The number of a verdict. Numbers are for ever: files of earlier versions have them.
pub(super) fn of_verdict(verdict: VerdictKind) -> i64 {
    match verdict {
        VerdictKind::Pass => 0,
        VerdictKind::Fail => 1,
        VerdictKind::Error => 2,
        VerdictKind::Cancelled => 3,
    }
}

pub(super) fn verdict(number: i64) -> Result<VerdictKind, HistoryError> {
    let kind = VerdictKind::ALL.into_iter().find(|kind| of_verdict(*kind) == number);
    kind.ok_or_else(|| HistoryError::InvalidValue { what: "a verdict", value: number.to_string() })
}

/// Paths one after the other, each ended by a zero byte, which no path has; nothing where there are none.
pub(super) fn of_paths(paths: &[PathBuf]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_os_str().as_bytes());
        bytes.push(0);
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// The paths in such a sequence.
pub(super) fn paths(bytes: Option<&[u8]>) -> Vec<PathBuf> {
    let paths = bytes.unwrap_or_default().split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.map(|path| Path::new(OsStr::from_bytes(path)).to_owned()).collect()
}

/// A report, compressed. Timelines repeat their keys: little is left of them.
pub(super) fn of_report(report: &str) -> io::Result<Vec<u8>> {
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(report.as_bytes())?;
    compressed.finish()
}

/// The report as it was.
pub(super) fn report(compressed: &[u8]) -> Result<String, HistoryError> {
    let mut report = String::new();
    let read = ZlibDecoder::new(compressed).read_to_string(&mut report);
    read.map_err(|error| HistoryError::InvalidValue { what: "a report", value: error.to_string() })?;
    Ok(report)
}

/// Times in the states of tests.
pub(super) mod maybe_time {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(super::of_time).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(super::time))
    }
}

/// Durations in the states of tests.
pub(super) mod whole_duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        super::of_duration(*duration).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Ok(super::duration(i64::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_form_and_comes_back() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, -1_700_000_000_123_456] {
            assert_eq!(of_time(time(micros)), micros);
        }
        assert_eq!(of_duration(Duration::MAX), i64::MAX);
        assert_eq!(duration(-1), Duration::ZERO);
        for kind in VerdictKind::ALL {
            assert_eq!(verdict(of_verdict(kind)).unwrap(), kind);
        }
        assert!(matches!(verdict(4), Err(HistoryError::InvalidValue { .. })));
        let odd = [PathBuf::from("/a b/c.wav"), OsStr::from_bytes(b"/\xff.wav").into()];
        assert_eq!(paths(of_paths(&odd).as_deref()), odd);
        assert_eq!(of_paths(&[]), None);
    }

    #[test]
    fn a_report_is_smaller_and_whole() {
        let text = r#"{"leg":"src","what":"ringing","at_ms":12.5}"#.repeat(100);
        let compressed = of_report(&text).unwrap();
        assert!(compressed.len() < text.len() / 10, "{}", compressed.len());
        assert_eq!(report(&compressed).unwrap(), text);
        assert!(matches!(report(&compressed[..compressed.len() / 2]), Err(HistoryError::InvalidValue { .. })));
    }
}
