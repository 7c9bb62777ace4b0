//! Puts many runs into a history that a daemon has made: two weeks of tests that run every few minutes, and mostly pass.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rusqlite::{Connection, params};

/// How many runs go into one transaction, as with the daemon.
const BATCH: u64 = 500;
/// How many runs go in one by one, to see how long that takes. They are among the others.
const SINGLE: u64 = 2000;
/// The time over which the runs are spread.
const PERIOD: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// How long a run takes, in microseconds.
const DURATION: i64 = 4_550_000;

/// How fast runs went in, in runs a second.
pub(super) struct Filled {
    pub(super) batched: f64,
    pub(super) single: f64,
}

/// Puts so many runs of the tests `c00000`, … into the file, each with one of these reports.
pub(super) fn fill(path: &Path, tests: usize, runs: u64, reports: &[&str]) -> anyhow::Result<Filled> {
    let mut connection = Connection::open(path).context("could not open the history")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    let reports = reports.iter().map(|report| compressed(report)).collect::<anyhow::Result<Vec<_>>>()?;
    // All that is told of the tests is that these runs are part of it, as after an end in good order.
    for test in 0..tests {
        let name = format!("c{test:05}");
        let insert = "INSERT INTO tests (name, state, included) VALUES (?1, '{}', ?2)
            ON CONFLICT (name) DO UPDATE SET included = excluded.included";
        connection.execute(insert, params![name, i64::try_from(runs)?])?;
    }
    let ids = connection
        .prepare("SELECT id FROM tests ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    let start = SystemTime::now().duration_since(UNIX_EPOCH)?.saturating_sub(PERIOD).as_micros();
    let (start, step) = (i64::try_from(start)?, i64::try_from(PERIOD.as_micros() / u128::from(runs))?);
    let single = SINGLE.min(runs / 2);
    let mut put = |from: u64, to: u64| -> anyhow::Result<()> {
        let transaction = connection.transaction()?;
        for number in from..to {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO runs (seq, id, test, verdict, requested, ended, waited, duration, reason, recordings, report)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, NULL, ?9)",
            )?;
            let mixed = mixed(number);
            let verdict = verdict(mixed);
            let reason = (verdict > 0).then_some("trunk: no call arrived within 5 s; fone1 saw an answer");
            let requested = start + step * i64::try_from(number)?;
            let test = ids[usize::try_from(number)? % ids.len()];
            let report = &reports[usize::try_from(number)? % reports.len()];
            let id = format!("{mixed:016x}");
            let seq = i64::try_from(number)? + 1;
            insert.execute(params![
                seq,
                id,
                test,
                verdict,
                requested,
                requested + DURATION,
                DURATION,
                reason,
                report
            ])?;
        }
        Ok(transaction.commit()?)
    };
    let began = Instant::now();
    for from in (0..runs - single).step_by(BATCH as usize) {
        put(from, (from + BATCH).min(runs - single))?;
    }
    let batched = (runs - single) as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    for number in runs - single..runs {
        put(number, number + 1)?;
    }
    let single = single as f64 / began.elapsed().as_secs_f64();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(Filled { batched, single })
}

/// 94 of 100 runs pass; the others fail, cannot find out, or are cancelled.
fn verdict(mixed: u64) -> i64 {
    match mixed % 100 {
        0..94 => 0,
        94..97 => 1,
        97..99 => 2,
        _ => 3,
    }
}

/// A number that looks random and is another for each run, so that ids lie in their index as those of real runs do.
fn mixed(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

fn compressed(report: &str) -> anyhow::Result<Vec<u8>> {
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(report.as_bytes())?;
    Ok(compressed.finish()?)
}
