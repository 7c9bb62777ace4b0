//! Tells the loop what concerns it of what happens to runs and servers, and passes everything on.

use std::sync::Arc;

use calltest_core::event::{RunEvent, RunProgress, ServerEvent, ServerProgress};
use calltest_runner::Observer;
use tokio::sync::mpsc;

use crate::dispatcher::InternalEvent;

/// Tells the loop what concerns it, and passes everything on.
pub(crate) struct LoopObserver {
    /// A few messages a run: it needs no bound, and a run must not wait for the loop.
    pub(crate) tell: mpsc::UnboundedSender<InternalEvent>,
    pub(crate) next: Arc<dyn Observer>,
}

impl Observer for LoopObserver {
    fn run_event(&self, event: RunEvent) {
        if let RunProgress::Started = event.what {
            // Nobody listens any more once the daemon has ended.
            let _ = self.tell.send(InternalEvent::Started(event.test.clone(), event.run));
        }
        self.next.run_event(event);
    }

    fn server_event(&self, event: ServerEvent) {
        if let ServerProgress::Up { .. } = event.what {
            let _ = self.tell.send(InternalEvent::ServerUp(event.server.clone()));
        }
        self.next.server_event(event);
    }
}
