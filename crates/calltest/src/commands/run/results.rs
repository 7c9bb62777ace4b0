//! How a set of runs came out, and how it ends the program.

use std::io;
use std::time::Instant;

use anyhow::Context as _;
use calltest_report::text::Tally;
use tokio::task::JoinError;

use crate::display::Display;
use crate::exit::Exit;
use crate::output;

/// How a set of runs came out.
pub(super) struct Results {
    pub(super) tally: Tally,
    pub(super) error: Option<BatchError>,
}

/// What went wrong around the runs rather than in them.
pub(super) enum BatchError {
    /// A result could not be printed.
    Unprinted(io::Error),
    /// A run panicked, and so has no verdict.
    Broken(JoinError),
    /// The daemon that had the tests does not tell what became of them.
    Unanswered(anyhow::Error),
}

impl From<anyhow::Error> for BatchError {
    fn from(error: anyhow::Error) -> Self {
        Self::Unanswered(error)
    }
}

impl Results {
    /// Prints the summary, and says how the program ends.
    pub(super) fn conclude(self, started: Instant, was_interrupted: bool, display: &Display) -> anyhow::Result<Exit> {
        match self.error {
            // Whoever has stopped reading does not want to know.
            Some(BatchError::Unprinted(error)) if output::is_broken_pipe(&error) => {}
            Some(BatchError::Unprinted(error)) => return Err(error).context("could not print a result"),
            Some(BatchError::Broken(error)) => return Err(error).context("a run ended without a verdict"),
            Some(BatchError::Unanswered(error)) => return Err(error),
            None => match display.summary(&self.tally, started.elapsed()) {
                Err(error) if !output::is_broken_pipe(&error) => {
                    return Err(error).context("could not print the summary");
                }
                Err(_) | Ok(()) => {}
            },
        }
        Ok(Exit::of(&self.tally, was_interrupted))
    }
}
