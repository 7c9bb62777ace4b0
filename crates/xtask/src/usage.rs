//! What a process has used, as the system tells it.

use std::fs;
use std::time::Duration;

/// CPU time and memory of one process so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Of all its threads, in the kernel and outside.
    pub(crate) cpu: Duration,
    /// The most memory that it had at one time.
    pub(crate) peak_rss_kb: u64,
    /// The memory that it has now.
    pub(crate) rss_kb: u64,
}

impl Usage {
    /// What a process has used so far; `None` once it is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name in brackets: state is field 3, utime and stime are fields 14 and 15, in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kilobytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.trim().trim_end_matches("kB").trim().parse().ok()
        };
        let (peak_rss_kb, rss_kb) = (kilobytes("VmHWM:")?, kilobytes("VmRSS:")?);
        Some(Self { cpu: Duration::from_millis(ticks * 10), peak_rss_kb, rss_kb })
    }
}
