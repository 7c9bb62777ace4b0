//! The task that does what is due in a world, when its time is there.

use std::sync::{Arc, Weak};

use tokio::time::sleep_until;

use crate::scripted::state::Shared;

/// Does what is due, for as long as anybody has an interest in the world.
pub(super) async fn go_on(world: Weak<Shared>) {
    loop {
        let Some(shared) = world.upgrade() else { return };
        let changed = Arc::clone(&shared.changed);
        while shared.with(|state| match state.agenda.due() {
            Some(deed) => {
                state.perform(deed);
                true
            }
            None => false,
        }) {}
        let next = shared.with(|state| state.agenda.next());
        drop(shared);
        match next {
            Some(time) => tokio::select! {
                () = sleep_until(time) => {}
                () = changed.notified() => {}
            },
            None => changed.notified().await,
        }
    }
}
