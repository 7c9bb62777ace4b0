//! Exit codes, the same for every command.

use std::process::ExitCode;

use calltest_report::text::Tally;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well; every test passed.
    Success = 0,
    /// A test failed: a line does not work. Or the doctor found a problem.
    TestFailed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// No test failed, but some could not find out.
    CouldNotFindOut = 3,
    /// Ended by a signal.
    Interrupted = 130,
}

impl Exit {
    /// How a set of runs ends the program.
    pub(crate) fn of(tally: &Tally, was_interrupted: bool) -> Self {
        match tally {
            _ if was_interrupted => Self::Interrupted,
            Tally { failed: 1.., .. } => Self::TestFailed,
            Tally { errors: 1.., .. } => Self::CouldNotFindOut,
            Tally { cancelled: 1.., .. } => Self::CouldNotFindOut,
            _ => Self::Success,
        }
    }
}

/// Why a command ends before it has done its work.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user has been told why.
    Told(Exit),
    /// The user is still to be told.
    Failed(anyhow::Error),
}

impl From<Exit> for Stop {
    fn from(exit: Exit) -> Self {
        Self::Told(exit)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outweighs_an_error_and_an_interruption_outweighs_both() {
        let tally = |failed, errors| Tally { passed: 3, failed, errors, cancelled: 0 };
        assert_eq!(Exit::of(&tally(0, 0), false), Exit::Success);
        assert_eq!(Exit::of(&tally(1, 1), false), Exit::TestFailed);
        assert_eq!(Exit::of(&tally(0, 1), false), Exit::CouldNotFindOut);
        assert_eq!(Exit::of(&tally(1, 1), true), Exit::Interrupted);
    }
}
