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
                peak = Usage::of(pid).unwrap_or_default().peak_rss_bytes.max(peak);
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

/// What a running process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time of all its threads, in whole ticks.
    pub(crate) cpu: Duration,
    /// The most memory that it had at once.
    pub(crate) peak_rss_bytes: u64,
    /// The memory that it has now.
    pub(crate) rss_bytes: u64,
}

impl Usage {
    /// Looks at a process; `None` once it is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name in brackets: state is field 3, utime and stime are fields 14 and 15, in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
            Some(kibibytes * 1024)
        };
        let (peak_rss_bytes, rss_bytes) = (bytes("VmHWM:")?, bytes("VmRSS:")?);
        Some(Self { cpu: Duration::from_millis(ticks * 10), peak_rss_bytes, rss_bytes })
    }
}

/// How many files, sockets and the like a process has open; `None` once it is gone.
pub(crate) fn descriptors(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
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
        let own = Usage::of(std::process::id()).unwrap();
        assert!(own.rss_bytes > 100_000 && own.peak_rss_bytes >= own.rss_bytes, "{own:?}");
        assert!(descriptors(std::process::id()).is_some_and(|count| count > 0));
        assert!(Usage::of(u32::MAX).is_none() && descriptors(u32::MAX).is_none());
    }
}
