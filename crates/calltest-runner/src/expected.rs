//! What a run expects of the call that it waits for, and whether a call that comes in is like that.

use std::sync::Arc;

use calltest_core::caller::{CallerMismatch, ExpectedCaller, check_caller};
use calltest_core::number::end_alike;
use calltest_core::plan::{Link, Server};
use calltest_engine::Arriving;

/// What a run expects of the call that it waits for.
pub(crate) struct Expected {
    /// The link on which it comes.
    pub(crate) link: Arc<Link>,
    /// How numbers look there.
    pub(crate) server: Arc<Server>,
    /// Whether other links' calls arrive under the same name, so that only the dialled number tells them apart.
    pub(crate) shares_trunk: bool,
    pub(crate) number: Option<String>,
    pub(crate) caller: Option<ExpectedCaller>,
}

/// What the number that a call dialled says of whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByNumber {
    Same,
    Other,
    /// The call shows none, or none is expected.
    Nothing,
}

impl Expected {
    pub(crate) fn by_number(&self, call: &Arriving) -> ByNumber {
        match &self.number {
            Some(_) if call.dialled.is_empty() => ByNumber::Nothing,
            Some(number) if end_alike(number, &call.dialled) => ByNumber::Same,
            Some(_) => ByNumber::Other,
            None => ByNumber::Nothing,
        }
    }

    /// Whether the dialled number is the one expected, where that matters.
    pub(crate) fn has_number(&self, call: &Arriving, shares_link: bool) -> bool {
        !(shares_link || self.shares_trunk) || self.by_number(call) != ByNumber::Other
    }

    /// How the caller's number differs from the one expected, if it does.
    pub(crate) fn mismatch(&self, call: &Arriving) -> Option<CallerMismatch> {
        let Self { link, server, caller, .. } = self;
        caller.as_ref().and_then(|expected| check_caller(link, server, expected, &call.caller).err())
    }
}
