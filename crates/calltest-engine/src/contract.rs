//! What every engine keeps: one function a promise, which panics where the promise is broken.
//!
//! The functions know nothing of the engine but the seam. Whoever has an engine writes a [`Bench`] for it, with a few links
//! and far ends, and calls each of them. They wait for what has to come, and never longer than
//! [`PATIENCE`], so they run in virtual time as well as against a server on a busy machine.

mod calls_in;
mod calls_out;
mod endings;
mod server;
mod trial;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::event::ServerEvent;
use calltest_core::plan::{Link, Server};

use crate::{Arriving, BoxFuture, Engine, Host};

pub use calls_in::{
    a_call_is_told_before_it_is_rejected, a_call_tells_what_happened_before_it_was_claimed,
    a_call_that_nobody_takes_is_turned_away, a_call_that_was_answered_by_us_is_told_at_both_ends,
    each_rejection_is_taken,
};
pub use calls_out::{
    a_call_ends_at_its_limit, a_leg_tells_things_in_their_order, a_limit_is_taken, a_permit_alone_calls_nobody,
    a_rejection_tells_its_cause, commands_wait_until_the_leg_takes_them, digits_arrive_as_they_were_sent,
    nothing_is_fetched_where_nothing_was_begun, what_happens_after_dialling_is_told,
    what_was_heard_is_fetched_after_the_end, what_was_heard_is_fetched_once,
};
pub use endings::{
    a_dropped_dialling_is_hung_up, a_dropped_leg_is_hung_up, a_leg_ends_once, a_leg_that_is_over_says_so_after_its_end,
};
pub use server::{a_clean_up_leaves_nothing, a_connected_engine_is_ready, a_server_in_sight_says_how_well};
pub use trial::PATIENCE;

/// Hands the names of all promises to a macro, so that no engine is held to fewer than another.
#[macro_export]
macro_rules! promises {
    ($each:ident) => {
        $each! {
            a_call_ends_at_its_limit,
            a_call_is_told_before_it_is_rejected,
            a_call_tells_what_happened_before_it_was_claimed,
            a_call_that_nobody_takes_is_turned_away,
            a_call_that_was_answered_by_us_is_told_at_both_ends,
            a_clean_up_leaves_nothing,
            a_connected_engine_is_ready,
            a_dropped_dialling_is_hung_up,
            a_dropped_leg_is_hung_up,
            a_leg_ends_once,
            a_leg_tells_things_in_their_order,
            a_leg_that_is_over_says_so_after_its_end,
            a_limit_is_taken,
            a_permit_alone_calls_nobody,
            a_rejection_tells_its_cause,
            a_server_in_sight_says_how_well,
            commands_wait_until_the_leg_takes_them,
            digits_arrive_as_they_were_sent,
            each_rejection_is_taken,
            nothing_is_fetched_where_nothing_was_begun,
            what_happens_after_dialling_is_told,
            what_was_heard_is_fetched_after_the_end,
            what_was_heard_is_fetched_once
        }
    };
}

/// A server with an engine on it, and what the promises need around it. Nothing is up on it when a function begins.
pub trait Bench: Send + Sync {
    /// The engine, connected with [`Bench::guests`] as its host.
    fn engine(&self) -> &Arc<dyn Engine>;

    /// Those who have called.
    fn guests(&self) -> &Arc<Guests>;

    /// The server, as a plan has it.
    fn server(&self) -> &Arc<Server>;

    /// A call that comes in at [`Bench::door`].
    fn target_at_door(&self) -> Target;

    /// The link on which calls come in.
    fn door(&self) -> Arc<Link>;

    /// A call to a far end.
    fn target(&self, far_end: FarEnd) -> Target;

    /// How many channels, or whatever carries a call there, are up on the server.
    fn up(&self) -> BoxFuture<'_, usize>;
}

/// Whom to call, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The link to call out on.
    pub link: Arc<Link>,
    /// The number to dial.
    pub number: Option<String>,
}

/// What a far end does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FarEnd {
    /// It rings and never answers.
    Rings,
    /// It answers soon, and stays.
    Answers,
    /// It rejects the call as busy.
    IsBusy,
}

/// A host that keeps the calls that come in.
#[derive(Debug, Default)]
pub struct Guests {
    calls: Mutex<VecDeque<Arriving>>,
    events: Mutex<Vec<ServerEvent>>,
}

impl Guests {
    /// The first call that is such a one, if there is one.
    fn take(&self, is_it: impl Fn(&Arriving) -> bool) -> Option<Arriving> {
        let mut calls = self.calls();
        let place = calls.iter().position(is_it)?;
        calls.remove(place)
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<Arriving>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told of the server.
    pub fn events(&self) -> Vec<ServerEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Host for Guests {
    fn arrived(&self, call: Arriving) {
        self.calls().push_back(call);
    }

    fn server_event(&self, event: ServerEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}
