//! What is known of lines, servers and daemon at each moment, and which verdicts a run may therefore have.
//!
//! Every time in here is the time since the Unix epoch. A fault is noted before it is brought about, so a run that was over
//! when this was asked is never judged by a fault that nobody had noted yet.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// By how much the clock of the history and ours may seem to differ: it rounds, and reads the clock a moment later.
const SLOP: Duration = Duration::from_millis(20);

/// The time since the Unix epoch.
pub(super) fn now() -> Duration {
    // A clock before 1970 makes nonsense of every time here; what is seen then is seen to be nonsense.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A change that took a while: when it began, and when it was complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) begun: Duration,
    /// `None` while it is under way.
    pub(super) done: Option<Duration>,
}

impl Change {
    pub(super) fn begins() -> Self {
        Self { begun: now(), done: None }
    }
}

/// Something on our side that keeps runs from finding out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Injection {
    ServerKilled,
    ServerFrozen,
    ConnectionCut,
    DaemonKilled,
    DaemonFrozen,
    /// The daemon is told to load its configuration, which has not changed: no run may notice.
    DaemonReloads,
}

impl Injection {
    pub(super) const ALL: [Self; 6] = [
        Self::ServerKilled,
        Self::ServerFrozen,
        Self::ConnectionCut,
        Self::DaemonKilled,
        Self::DaemonFrozen,
        Self::DaemonReloads,
    ];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::ServerKilled => "server killed and restarted",
            Self::ServerFrozen => "server frozen and thawed",
            Self::ConnectionCut => "connections to a server cut",
            Self::DaemonKilled => "daemon killed and restarted",
            Self::DaemonFrozen => "daemon frozen and thawed",
            Self::DaemonReloads => "daemon reloads",
        }
    }
}

/// A fault of the network: one line is broken.
#[derive(Debug, Clone, Copy)]
struct LineFault {
    kind: &'static str,
    on: Change,
    off: Option<Change>,
}

/// A fault on our side.
#[derive(Debug, Clone)]
struct OwnFault {
    injection: Injection,
    /// The server that it concerns; all of them if `None`.
    server: Option<&'static str>,
    from: Duration,
    to: Option<Duration>,
}

/// From when till when a run held its links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// The verdicts that a run may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) pass: bool,
    pub(super) fail: bool,
    pub(super) error: bool,
}

impl Allowed {
    pub(super) fn has(self, verdict: &str) -> bool {
        match verdict {
            "pass" => self.pass,
            "fail" => self.fail,
            "error" => self.error,
            // Nobody calls a run off.
            _ => false,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = ["pass", "fail", "error"].into_iter().filter(|word| self.has(word));
        f.write_str(&words.collect::<Vec<_>>().join(" or "))
    }
}

/// Everything that was done to lines, servers and daemon.
#[derive(Debug, Default)]
pub(super) struct Truth {
    lines: BTreeMap<usize, Vec<LineFault>>,
    own: Vec<OwnFault>,
}

impl Truth {
    pub(super) fn note_breaking(&mut self, line: usize, kind: &'static str) {
        self.lines.entry(line).or_default().push(LineFault { kind, on: Change::begins(), off: None });
    }

    pub(super) fn note_broken(&mut self, line: usize) {
        if let Some(fault) = self.latest(line) {
            fault.on.done = Some(now());
        }
    }

    pub(super) fn note_mending(&mut self, line: usize) {
        if let Some(fault) = self.latest(line) {
            fault.off = Some(Change::begins());
        }
    }

    /// The line is well by now.
    pub(super) fn note_mended(&mut self, line: usize) {
        if let Some(Change { done, .. }) = self.latest(line).and_then(|fault| fault.off.as_mut()) {
            *done = Some(now());
        }
    }

    /// Something on our side is about to be hurt.
    pub(super) fn note_injected(&mut self, injection: Injection, server: Option<&'static str>) {
        self.own.push(OwnFault { injection, server, from: now(), to: None });
    }

    /// What was hurt is well again.
    pub(super) fn note_healed(&mut self) {
        if let Some(fault) = self.own.last_mut() {
            fault.to = Some(now());
        }
    }

    /// How often each thing was done.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let lines = self.lines.values().flatten().map(|fault| format!("line {}", fault.kind));
        let own = self.own.iter().map(|fault| fault.injection.words().into());
        for what in lines.chain(own) {
            *counts.entry(what).or_default() += 1;
        }
        counts
    }

    /// Which verdicts a run may have that had this line and these servers for this time.
    pub(super) fn allowed(&self, line: usize, servers: &[&str], span: Span) -> Allowed {
        let concerned = |fault: &&OwnFault| fault.server.is_none_or(|server| servers.contains(&server));
        let hurts =
            |fault: &OwnFault| fault.injection != Injection::DaemonReloads && span.overlaps(fault.from, fault.to);
        let is_blinded = self.own.iter().filter(concerned).any(hurts);
        let faults = self.lines.get(&line).map(Vec::as_slice).unwrap_or_default();
        let is_touched = faults.iter().any(|fault| span.overlaps(fault.on.begun, fault.off.and_then(|off| off.done)));
        let is_broken = faults.iter().any(|fault| fault.contains(span));
        Allowed { pass: !is_broken, fail: is_touched, error: is_blinded }
    }

    /// What was wrong around that time, for people, with times from `start` on.
    pub(super) fn around(&self, line: usize, servers: &[&str], span: Span, start: Duration) -> Vec<String> {
        let since = |time: Option<Duration>| match time {
            Some(time) => format!("{:.3}", time.as_secs_f64() - start.as_secs_f64()),
            None => "now".to_owned(),
        };
        let margin = Duration::from_secs(5);
        let wider = Span { from: span.from.saturating_sub(margin), to: span.to + margin };
        let lines = self.lines.get(&line).into_iter().flatten();
        let lines = lines.filter(|fault| wider.overlaps(fault.on.begun, fault.off.and_then(|off| off.done)));
        let lines = lines.map(|fault| {
            let (on, off) = (since(Some(fault.on.begun)), since(fault.off.map(|off| off.begun)));
            format!("the line was {} from {on} s to {off} s", fault.kind)
        });
        let own = self.own.iter().filter(|fault| fault.server.is_none_or(|server| servers.contains(&server)));
        let own = own.filter(|fault| wider.overlaps(fault.from, fault.to)).map(|fault| {
            let place = fault.server.map(|server| format!(" ({server})")).unwrap_or_default();
            format!("{}{place} from {} s to {} s", fault.injection.words(), since(Some(fault.from)), since(fault.to))
        });
        lines.chain(own).collect()
    }

    fn latest(&mut self, line: usize) -> Option<&mut LineFault> {
        self.lines.get_mut(&line)?.last_mut()
    }
}

impl LineFault {
    /// Whether the line was broken for all of that time, beyond doubt.
    fn contains(&self, span: Span) -> bool {
        let Some(on) = self.on.done else { return false };
        on + SLOP <= span.from && self.off.is_none_or(|off| span.to + SLOP <= off.begun)
    }
}

impl Span {
    /// Whether it has anything in common with a time that has not ended if `to` is `None`.
    fn overlaps(self, from: Duration, to: Option<Duration>) -> bool {
        from <= self.to + SLOP && to.is_none_or(|to| self.from <= to + SLOP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Line 1 is broken from 11 to 20, with a second of doubt at each end; server a is hurt from 40 to 50, the daemon
    /// reloads from 60 to 61, and is killed at 90.
    fn truth() -> Truth {
        let done = |begun, done| Change { begun: at(begun), done: Some(at(done)) };
        let own = |injection, server, from, to| OwnFault { injection, server, from: at(from), to };
        Truth {
            lines: [(1, vec![LineFault { kind: "busy", on: done(10, 11), off: Some(done(20, 21)) }])].into(),
            own: vec![
                own(Injection::ServerKilled, Some("a"), 40, Some(at(50))),
                own(Injection::DaemonReloads, None, 60, Some(at(61))),
                own(Injection::DaemonKilled, None, 90, None),
            ],
        }
    }

    fn allowed(line: usize, servers: &[&str], from: u64, to: u64) -> String {
        truth().allowed(line, servers, Span { from: at(from), to: at(to) }).to_string()
    }

    #[test]
    fn each_time_has_its_verdicts() {
        for (line, servers, from, to, expected) in [
            (1, "a", 1, 9, "pass"),
            (1, "a", 12, 19, "fail"),
            (2, "a", 12, 19, "pass"),
            (1, "a", 9, 12, "pass or fail"),
            (1, "a", 18, 30, "pass or fail"),
            (1, "a", 9, 30, "pass or fail"),
            (1, "a", 22, 39, "pass"),
            (1, "a", 39, 42, "pass or error"),
            (1, "b", 39, 42, "pass"),
            (1, "a", 19, 41, "pass or fail or error"),
            (1, "a", 60, 61, "pass"),
            (1, "b", 80, 95, "pass or error"),
        ] {
            assert_eq!(allowed(line, &[servers], from, to), expected, "line {line} on {servers} from {from} to {to}");
        }
    }

    #[test]
    fn what_lasts_has_no_end_yet() {
        let mut truth = Truth::default();
        let before = Span { from: now() - at(9), to: now() - at(8) };
        truth.note_breaking(1, "busy");
        truth.note_broken(1);
        let later = Span { from: now() + at(1), to: now() + at(2) };
        assert_eq!(truth.allowed(1, &[], before).to_string(), "pass");
        assert_eq!(truth.allowed(1, &[], later).to_string(), "fail");
        truth.note_mending(1);
        assert_eq!(truth.allowed(1, &[], later).to_string(), "pass or fail");
        truth.note_mended(1);
        assert_eq!(truth.allowed(1, &[], later).to_string(), "pass");
    }
}
