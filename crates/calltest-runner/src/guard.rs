//! The guard at run time: asks the budgets before a call goes out, and counts it.
//!
//! Which numbers may be dialled was settled with the configuration; how a budget is reckoned is in `calltest_core::guard`,
//! how calls are written down in `call_log.rs`. Where no budget is configured nothing is counted and no file is touched.

mod call_log;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use calltest_core::guard::Budget;
use calltest_core::plan::{Link, Plan};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

pub use call_log::{CallLog, CallLogError};
use call_log::{Departure, Refused};

/// The budgets of a plan, with the call log in which its calls are counted.
pub struct Budgets {
    overall: Budget,
    path: PathBuf,
    /// Opened when the first call goes out, and again after it could not be opened.
    call_log: Mutex<Option<CallLog>>,
}

/// A call that was counted, and whose end has to be.
#[must_use = "a call whose end is not told counts for as long as it could have taken"]
pub struct CountedCall {
    budgets: Arc<Budgets>,
    id: u64,
    since: Instant,
}

impl Budgets {
    /// The budgets of a plan, if it has any.
    pub fn of(plan: &Plan, state_directory: &Path) -> Option<Arc<Self>> {
        let path = state_directory.join(CallLog::FILE_NAME);
        plan.has_budgets().then(|| Arc::new(Self { overall: plan.guard.budget, path, call_log: Mutex::default() }))
    }

    /// Lets a call out over a link if the budgets have room for it. Asterisk itself sees to it that it takes no longer than
    /// `at_most`.
    ///
    /// # Errors
    /// If a budget has no room for it, or it cannot be counted.
    pub async fn begin(
        self: &Arc<Self>,
        run: RunId,
        link: &Arc<Link>,
        at_most: Duration,
    ) -> Result<CountedCall, Trouble> {
        let (budgets, link) = (Arc::clone(self), Arc::clone(link));
        let since = Instant::now();
        // Another process may hold the call log for a moment.
        let begun = spawn_blocking(move || {
            let departure = Departure {
                id: run.0,
                link: &link.name,
                at_most: whole_seconds(at_most),
                overall: &budgets.overall,
                of_link: &link.guard.budget,
            };
            budgets.with_call_log(|call_log| call_log.begin(&departure, now()))
        });
        let refused = |rule: String, why: String| Trouble::GuardRefused { rule, why };
        let uncounted = |error: String| refused("guard".into(), format!("calls cannot be counted: {error}"));
        match begun.await {
            Ok(Ok(())) => Ok(CountedCall { budgets: Arc::clone(self), id: run.0, since }),
            Ok(Err(Refused::Exhausted(exhausted))) => Err(refused(exhausted.rule(), exhausted.why())),
            Ok(Err(Refused::Unusable(error))) => Err(uncounted(error.to_string())),
            Err(error) => Err(uncounted(error.to_string())),
        }
    }

    fn with_call_log<T, E: From<CallLogError>>(&self, act: impl FnOnce(&mut CallLog) -> Result<T, E>) -> Result<T, E> {
        let mut call_log = self.call_log.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match call_log.take() {
            Some(opened) => opened,
            None => CallLog::open(&self.path, now())?,
        };
        act(call_log.insert(opened))
    }
}

impl CountedCall {
    /// Notes that the call is over. If that cannot be written down, the call counts for as long as it could have taken.
    pub async fn end(self) {
        let Self { budgets, id, since } = self;
        let seconds = whole_seconds(since.elapsed());
        let ended = spawn_blocking(move || budgets.with_call_log(|call_log| call_log.end(id, seconds)));
        let why = match ended.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!("the end of a call could not be counted: {why}");
    }
}

/// Seconds, begun ones included.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Seconds since 1970 by the wall clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
