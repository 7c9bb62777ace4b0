//! A fault of the tester's side: what it does to a server (`S`), which verdicts are right then, and why.

use std::time::Duration;

use super::allowed::Allowed;
use super::stage::{Kind, Stage};
use super::witness::{Injection, When};

/// How long the connection may take to be back, unless more is said.
pub(crate) const SOON: Duration = Duration::from_secs(3);

pub(crate) struct Fault<S: 'static> {
    pub(crate) name: &'static str,
    begin: fn(&S),
    /// When it is over by itself; otherwise it lasts until the run is over.
    pub(crate) lasts: Option<Duration>,
    pub(crate) allowed: fn(Kind, Stage) -> Allowed,
    /// Why that is right.
    pub(crate) why: &'static str,
    /// How long after it is over the connection may take to be back: the pauses between attempts grow with the time that
    /// it was away (`calltest-ari/src/backoff.rs`).
    pub(crate) back_within: Duration,
    /// Whether the connection looks well for a while though nothing comes through.
    pub(crate) goes_unnoticed: bool,
    pub(crate) spares_bystander: bool,
}

impl<S> Fault<S> {
    pub(crate) const fn new(
        name: &'static str,
        begin: fn(&S),
        allowed: fn(Kind, Stage) -> Allowed,
        why: &'static str,
    ) -> Self {
        Self {
            name,
            begin,
            lasts: None,
            allowed,
            why,
            back_within: SOON,
            goes_unnoticed: false,
            spares_bystander: true,
        }
    }

    pub(crate) const fn lasts(self, time: Duration) -> Self {
        Self { lasts: Some(time), ..self }
    }

    pub(crate) const fn back_within(self, seconds: u64) -> Self {
        Self { back_within: Duration::from_secs(seconds), ..self }
    }

    /// The connection looks well for a while, and may take so long to be back.
    pub(crate) const fn unnoticed_within(self, seconds: u64) -> Self {
        Self { goes_unnoticed: true, ..self.back_within(seconds) }
    }

    /// The bystander's call ends too.
    pub(crate) const fn ends_every_call(self) -> Self {
        Self { spares_bystander: false, ..self }
    }

    /// Whether a network that is broken still has to be found out.
    pub(crate) fn hides_nothing(&self) -> bool {
        // Frames that cannot be read may have been what is missing, and of some rejections only a `Dial` tells the cause.
        let hides_some = ["nonsense-between", "dial-events-lost"];
        (self.allowed)(Kind::Dtmf, Stage::Answered) == Allowed::Pass && !hides_some.contains(&self.name)
    }

    /// Which verdicts are right in the midst of a call, or before it where that makes the difference.
    pub(crate) fn allowed_words(&self) -> &'static str {
        (self.allowed)(Kind::Dtmf, Stage::Answered).words()
    }
}

impl<S: Clone + Send + Sync> Fault<S> {
    /// The fault at a moment of a run; `end` ends it if it is over by itself.
    pub(crate) fn injection(&'static self, when: When, on: &S, end: fn(&S)) -> Injection {
        let on = on.clone();
        let inject = move || {
            (self.begin)(&on);
            if let Some(time) = self.lasts {
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    end(&on);
                });
            }
        };
        Injection { when, inject: Box::new(inject), what: format!("{} {when}", self.name) }
    }
}
