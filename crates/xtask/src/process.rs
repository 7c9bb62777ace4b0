//! What a process costs: time, CPU and memory, as `/proc` has it.
//!
//! The kernel tells the CPU of each thread to the nanosecond while there is the thread, and that of a whole process to a tick
//! (10 ms). So a child's threads are looked at while it runs, and once more when it has ended and has not been buried: then
//! only the first thread is left, and the others count as they were last seen.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often a child is looked at. The peak of its memory is when most of its calls are up, which lasts for seconds.
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

pub(crate) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("could not run {command:?}"))?;
    let (pid, has_ended) = (child.id(), AtomicBool::new(false));
    let ((wall, ended), mut threads, peak_rss_bytes) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut threads, mut peak) = (HashMap::new(), 0);
            while !has_ended.load(Ordering::Relaxed) {
                threads.extend(threads_of(pid));
                peak = Usage::of(pid).unwrap_or_default().peak_rss_bytes.max(peak);
                thread::sleep(LOOK);
            }
            (threads, peak)
        });
        let ended = waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let wall = started.elapsed();
        has_ended.store(true, Ordering::Relaxed);
        let (threads, peak) = looking.join().expect("looking at files does not panic");
        ((wall, ended), threads, peak)
    });
    ended.with_context(|| format!("could not wait for {command:?}"))?;
    threads.extend(threads_of(pid));
    let (seen, in_ticks) = (threads.into_values().sum::<Duration>(), cpu_in_ticks(pid).unwrap_or_default());
    Ok(Cost { status: child.wait()?, wall, cpu: seen.max(in_ticks), peak_rss_bytes })
}

/// The CPU time of each thread that a process has.
fn threads_of(pid: u32) -> Vec<(String, Duration)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let cpu = threads.filter_map(|thread| {
        let times = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanoseconds = times.split(' ').next()?.parse().ok()?;
        Some((thread.file_name().to_string_lossy().into_owned(), Duration::from_nanos(nanoseconds)))
    });
    cpu.collect()
}

/// User and system time of all threads of a process, in whole ticks, those that have ended too.
fn cpu_in_ticks(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name in brackets: state is field 3, utime and stime are fields 14 and 15, in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
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
        let cpu = cpu_in_ticks(pid)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
            Some(kibibytes * 1024)
        };
        let (peak_rss_bytes, rss_bytes) = (bytes("VmHWM:")?, bytes("VmRSS:")?);
        Some(Self { cpu, peak_rss_bytes, rss_bytes })
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
        assert!(cost.cpu > cost.wall / 20 && cost.cpu <= cost.wall, "{cost:?}");
        // To less than a tick.
        assert_ne!(cost.cpu.subsec_micros() % 10_000, 0, "{cost:?}");
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
