//! The calls of a world, and their legs.

use std::sync::Arc;

use calltest_core::evidence::Side;
use calltest_core::run::RunId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::scripted::Story;
use crate::{Command, Outgoing, Seen, Sink};

/// A call, by its place in the world.
pub(super) type CallId = usize;

/// A command that a leg was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// When the leg took it.
    pub at: Instant,
    /// The run that gave it.
    pub run: RunId,
    /// To which of its legs.
    pub side: Side,
    /// What it was.
    pub command: Command,
}

pub(super) struct Call {
    pub(super) story: Arc<Story>,
    /// The run that made it, if one did.
    pub(super) maker: Option<RunId>,
    /// What was asked of the engine, if it was dialled.
    pub(super) out: Option<Outgoing>,
    pub(super) src: Option<LegState>,
    pub(super) dst: Option<LegState>,
    /// Digits on their way that wait to be flushed, each with the side that it goes to.
    pub(super) held_back: Vec<(Side, char)>,
}

/// One leg of a call.
pub(super) struct LegState {
    pub(super) server: String,
    pub(super) label: String,
    /// The run that it belongs to; nobody's until it is claimed.
    pub(super) run: Option<RunId>,
    pub(super) told_to: ToldTo,
    pub(super) phase: watch::Sender<Phase>,
    /// Something has been done to end it.
    pub(super) is_being_ended: bool,
    pub(super) recording_since: Option<Instant>,
    pub(super) ended_at: Option<Instant>,
    /// No handle is left by which it could be ended.
    pub(super) is_abandoned: bool,
    /// Which of its limits counts.
    pub(super) limits: usize,
}

/// Where what happens to a leg is told.
pub(super) enum ToldTo {
    /// It waits for whoever claims the leg.
    Nobody(Vec<Seen>),
    Run(Sink),
}

/// How far a leg has come. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It is on its way out and takes no commands.
    Outside,
    /// It takes commands.
    Open,
    Ending,
    /// It is gone, and nobody has told of that.
    GoneUntold,
    Gone,
}

impl Call {
    pub(super) fn leg(&self, side: Side) -> Option<&LegState> {
        match side {
            Side::Src => self.src.as_ref(),
            Side::Dst => self.dst.as_ref(),
        }
    }

    pub(super) fn leg_mut(&mut self, side: Side) -> Option<&mut LegState> {
        match side {
            Side::Src => self.src.as_mut(),
            Side::Dst => self.dst.as_mut(),
        }
    }

    pub(super) fn legs(&self) -> impl Iterator<Item = (Side, &LegState)> {
        [(Side::Src, &self.src), (Side::Dst, &self.dst)]
            .into_iter()
            .filter_map(|(side, leg)| Some((side, leg.as_ref()?)))
    }
}

impl LegState {
    pub(super) fn new(server: &str, label: String, run: Option<RunId>, told_to: ToldTo, phase: Phase) -> Self {
        Self {
            server: server.into(),
            label,
            run,
            told_to,
            phase: watch::Sender::new(phase),
            is_being_ended: false,
            recording_since: None,
            ended_at: None,
            is_abandoned: false,
            limits: 0,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Moves it on, and never back.
    pub(super) fn come_to(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let before = *now;
            *now = before.max(phase);
            *now != before
        });
    }

    pub(super) fn is_up(&self) -> bool {
        self.phase() < Phase::GoneUntold
    }

    pub(super) fn tell(&mut self, seen: Seen) {
        match &mut self.told_to {
            ToldTo::Nobody(waiting) => waiting.push(seen),
            ToldTo::Run(sink) => sink.tell(seen),
        }
    }
}
