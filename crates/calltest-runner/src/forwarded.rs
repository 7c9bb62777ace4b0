//! What becomes of a call that the far end forwards: the guard has its say on where it leads, and what went on is counted.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_core::guard::Forms;
use calltest_core::outbound_route::OutboundRoute;
use calltest_core::plan::Presence;
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use tokio::time::timeout;

use crate::archive::DISK_LIMIT;
use crate::call::Call;

impl Call<'_> {
    /// Whether the call goes on where the far end forwards it.
    pub(crate) fn follows_forwarding(&self) -> bool {
        self.expectation.forwarding.presence != Presence::Forbidden
    }

    /// Why a call that may be forwarded must not go on to this number, if so.
    pub(crate) fn forbidden_by_guard(&self, to: &str) -> Option<Trouble> {
        if !self.expectation.forwarding.permits(to) {
            // The engine has ended it, and the judge says so.
            return None;
        }
        let link = &self.party(Side::Src).link;
        let route = OutboundRoute::of(self.departure.plan.as_ref()?, link)?;
        let forms = Forms { given: None, between: Vec::new(), dialled: vec![to.to_owned()] };
        let forbidden = route.guards.permit(&forms).err()?;
        let why = format!("{} was forwarded to {to}, and hung up there", link.name);
        Some(Trouble::GuardRefused { rule: forbidden.rule(), why })
    }

    /// Counts the calls by which the engine went on to other numbers. Their time is part of the first one's.
    pub(crate) async fn count_forwarded(&self) {
        let Some(budgets) = &self.departure.budgets else { return };
        let went_on = |what: &Observation| matches!(what, Observation::Forwarded { is_dialled: true, .. });
        for _ in self.recorder.facts_of(Side::Src).filter(|fact| went_on(&fact.what)) {
            let link = &self.party(Side::Src).link;
            let counting = async {
                match budgets.begin(RunId(rand::random()), link, Duration::ZERO).await {
                    Ok(counted) => counted.end().await,
                    // It has gone out already; that the budget is used up, the next call will hear.
                    Err(why) => tracing::warn!(run_id = %self.run, "a forwarded call was not counted: {why}"),
                }
            };
            if timeout(DISK_LIMIT, counting).await.is_err() {
                tracing::warn!(run_id = %self.run, "a forwarded call could not be counted: no answer from the disk");
            }
        }
    }
}
