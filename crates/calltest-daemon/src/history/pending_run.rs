//! A run in the form in which it waits to be written: small, and made once.

use std::path::PathBuf;

use calltest_core::verdict::{Reason, VerdictKind};

use super::error::HistoryError;
use super::form;
use super::record::{FinishedRecord, RunSummary, Seq};

/// How long a report may be. A longer one is left out: the run is worth more than its timeline.
const REPORT: usize = 8 << 20;
/// What a run costs besides its texts, about.
const OVERHEAD: usize = 256;

/// A run that waits to be written.
#[derive(Debug)]
pub(crate) struct PendingRun {
    pub(super) seq: i64,
    pub(super) id: String,
    pub(super) test: String,
    pub(super) requested: i64,
    pub(super) ended: i64,
    pub(super) waited: i64,
    pub(super) duration: i64,
    pub(super) verdict: VerdictKind,
    pub(super) reason: Option<Reason>,
    /// Compressed.
    pub(super) report: Option<Vec<u8>>,
    pub(super) recordings: Vec<PathBuf>,
}

impl PendingRun {
    /// Its place in the order of runs is still to be given by the backlog.
    pub(crate) fn new(run: FinishedRecord) -> Self {
        let report = if run.report.len() > REPORT {
            tracing::error!(
                run_id = run.id,
                test = run.test,
                bytes = run.report.len(),
                "a report is too long to be kept"
            );
            None
        } else {
            let compressed = form::of_report(&run.report);
            compressed.inspect_err(|error| tracing::error!(run_id = run.id, %error, "a report cannot be kept")).ok()
        };
        Self {
            seq: 0,
            requested: form::of_time(run.requested),
            ended: form::of_time(run.ended),
            waited: form::of_duration(run.waited),
            duration: form::of_duration(run.duration),
            report,
            id: run.id,
            test: run.test,
            verdict: run.verdict,
            reason: run.reason,
            recordings: run.recordings,
        }
    }

    pub(super) fn size(&self) -> usize {
        let recordings = self.recordings.iter().map(|path| path.as_os_str().len() + size_of::<PathBuf>());
        OVERHEAD
            + self.id.len()
            + self.test.len()
            + self.reason.as_ref().map_or(0, |reason| reason.sentence.len())
            + self.report.as_ref().map_or(0, Vec::len)
            + recordings.sum::<usize>()
    }

    pub(super) fn summary(&self) -> RunSummary {
        RunSummary {
            seq: Seq(self.seq),
            id: self.id.clone(),
            requested: form::time(self.requested),
            ended: form::time(self.ended),
            waited: form::duration(self.waited),
            duration: form::duration(self.duration),
            verdict: self.verdict,
            reason: self.reason.clone(),
        }
    }

    /// All about it, in the form on the wire; nothing if that was too long to be kept.
    pub(crate) fn report(&self) -> Result<Option<String>, HistoryError> {
        self.report.as_deref().map(form::report).transpose()
    }
}
