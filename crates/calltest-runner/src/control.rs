//! Calling a run off, in the two ways that an operator can.

use std::sync::{Arc, OnceLock};

use calltest_core::evidence::Stop;
use tokio_util::sync::CancellationToken;

/// A handle by which a run can be called off. Clones are handles to the same run.
#[derive(Debug, Clone, Default)]
pub struct Control {
    token: CancellationToken,
    stop: Arc<OnceLock<Stop>>,
}

impl Control {
    /// A handle that is called off when `parent` is cancelled, too.
    pub fn under(parent: &CancellationToken) -> Self {
        Self { token: parent.child_token(), stop: Arc::default() }
    }

    /// Calls the run off; it counts neither as a success nor as a failure.
    pub fn stop(&self) {
        self.end(Stop::Cancelled);
    }

    /// Calls the run off and has it counted as a failure.
    pub fn fail(&self) {
        self.end(Stop::FailedByOperator);
    }

    /// Ends the run for this reason, unless it is being ended already.
    pub(crate) fn end(&self, stop: Stop) {
        // The first reason stays.
        let _ = self.stop.set(stop);
        self.token.cancel();
    }

    /// Completes once the run is called off, with the reason.
    pub(crate) async fn called_off(&self) -> Stop {
        self.token.cancelled().await;
        self.stop.get().cloned().unwrap_or(Stop::Cancelled)
    }
}
