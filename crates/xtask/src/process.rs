//! What a process costs: time, CPU and memory.
//!
//! The kernel knows the CPU of a child to the nanosecond once it has ended, and to a tick (10 ms) while it runs. The peak of
//! its memory is only to be had while it runs: what is reported at its end counts the moment before it became the program,
//! when it still was a copy of us.

use std::fs;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use wait4::Wait4 as _;

/// How often the memory of a child is looked at. Its peak is when most of its calls are up, which lasts for seconds.
const LOOK: Duration = Duration::from_millis(10);

/// What a child has cost from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) status: ExitStatus,
    pub(crate) wall: Duration,
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
    /// The most memory that it had at once. Zero if it ended before anybody looked.
    pub(crate) peak_rss_bytes: u64,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let started = Instant::now();
    let child = command.spawn().with_context(|| format!("could not run {command:?}"))?;
    let (pid, has_ended) = (child.id(), AtomicBool::new(false));
    let (ended, peak_rss_bytes) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut peak = 0;
            while !has_ended.load(Ordering::Relaxed) {
                peak = peak_rss_bytes(pid).unwrap_or(0).max(peak);
                thread::sleep(LOOK);
            }
            peak
        });
        let ended = child.wait4();
        has_ended.store(true, Ordering::Relaxed);
        (ended, looking.join().expect("looking at a file does not panic"))
    });
    let ended = ended.with_context(|| format!("could not wait for {command:?}"))?;
    let cpu = ended.rusage.utime + ended.rusage.stime;
    Ok(Cost { status: ended.status, wall: started.elapsed(), cpu, peak_rss_bytes })
}

/// The CPU that a running process has used so far, in whole ticks; `None` once it is gone.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name in brackets: state is field 3, utime and stime are fields 14 and 15, in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// The most memory that a running process has had at once; `None` once it is gone.
pub(crate) fn peak_rss_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Bytes as MB, the way people read them in `top`: 1024 × 1024.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_child_is_its_own() {
        let cost = run(Command::new("sh").args(["-c", "n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done"])).unwrap();
        assert!(cost.status.success());
        assert!(cost.cpu > Duration::ZERO && cost.cpu <= cost.wall, "{cost:?}");
        assert!(cost.peak_rss_bytes > 100_000, "{cost:?}");
    }

    #[test]
    fn a_running_process_can_be_looked_at() {
        let own = std::process::id();
        assert!(cpu(own).is_some());
        assert!(peak_rss_bytes(own).is_some_and(|bytes| bytes > 100_000));
        assert_eq!(cpu(u32::MAX), None);
    }
}
