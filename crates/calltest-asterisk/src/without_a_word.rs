//! Calls that are gone at once and without a word.
//!
//! So a call ends whose dial string leads nowhere; but also one on a server that is being stopped, which takes no call any
//! more while it still answers; and a Local channel for which the server has no room. So such a leg has ended only when it
//! is clear that the server goes on, and has no such reason.

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::models::ConfigInfo;
use calltest_ari::requests::asterisk::{self, InfoSection};
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::DialString;
use calltest_core::verdict::Trouble;
use calltest_engine::{Seen, Sink};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::channel_state::{Phase, State};
use crate::server::Server;

/// How long a server that is being stopped may still answer.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// What to look into if a channel vanishes without a word.
pub(crate) struct Examination {
    dial_string: String,
    /// A server that has as many calls as it may have drops another Local channel like one that leads nowhere.
    may_lack_room: bool,
}

impl Examination {
    /// For a call to this dial string.
    pub(crate) fn of(dial_string: &str) -> Self {
        let may_lack_room = DialString::new(dial_string).is_ok_and(|dial_string| dial_string.is_local());
        Self { dial_string: dial_string.to_owned(), may_lack_room }
    }

    /// Looks into it in the background, and tells what speaks for another reason. Then the channel is done with.
    pub(crate) fn begin(&self, server: &Arc<Server>, sink: &Sink, state: &Arc<watch::Sender<State>>) {
        let (server, sink, state) = (Arc::clone(server), sink.clone(), Arc::clone(state));
        let dial_string = self.may_lack_room.then(|| self.dial_string.clone());
        let errands = server.errands.clone();
        errands.spawn(async move {
            tokio::time::sleep(SHUTDOWN_GRACE).await;
            if let Some(dial_string) = dial_string
                && let Some(trouble) = no_room(&server, dial_string).await
            {
                let (at, what) = (Instant::now(), Observation::Troubled(trouble));
                sink.tell(Seen { side: Side::Src, at, stamp: None, what });
            }
            state.send_modify(|state| state.phase = Phase::Gone);
        });
    }
}

/// Whether the server may have dropped the call for want of room.
async fn no_room(server: &Server, dial_string: String) -> Option<Trouble> {
    // A server that cannot be used any more was lost, which the run is told in any case.
    server.ready().ok()?;
    match server.client.request(asterisk::GetInfo { only: vec![InfoSection::Config] }).await {
        Ok(info) => {
            let limit = info.config.as_deref().and_then(limit_of_calls)?;
            Some(Trouble::NoRoom { dial_string, server: server.name.clone(), limit })
        }
        Err(error) => {
            let action = format!("ask server {} whether it limits its calls", server.name);
            Some(Trouble::RequestFailed { action, why: error.to_string() })
        }
    }
}

/// What limits the calls of a server, as its `asterisk.conf` says it; nothing if there is no limit.
fn limit_of_calls(config: &ConfigInfo) -> Option<String> {
    let calls = config.max_channels.filter(|most| *most > 0).map(|most| format!("maxcalls = {most}"));
    let load = config.max_load.filter(|most| *most > 0.0).map(|most| format!("maxload = {most}"));
    let limits: Vec<String> = calls.into_iter().chain(load).collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}
