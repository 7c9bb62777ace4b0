//! The network around calltest, in the fault matrix and in the soak: far ends, and what is broken about them.
//!
//! A far end that does the right thing for one test is a broken network for another, which expects something else of it. On
//! a real server it is a piece of dialplan, on the fake a script that does the same.

use std::time::Duration;

use fake_asterisk::FarEnd as OnFake;

/// A far end: what becomes of a call to it.
pub(crate) struct FarEnd {
    pub(crate) name: &'static str,
    steps: &'static [&'static str],
    pub(crate) on_fake: fn() -> OnFake,
}

/// All of them. What waits is over before it would be taken for left: where the other end was killed, nobody hangs up.
pub(crate) const FAR_ENDS: [FarEnd; 8] = [
    FarEnd { name: "rings", steps: &["Ringing()", "Wait(30)"], on_fake: || OnFake::never_answers().into() },
    FarEnd { name: "rings-all-day", steps: &["Ringing()", "Wait(86400)"], on_fake: || OnFake::never_answers().into() },
    FarEnd {
        name: "answers",
        steps: &["Ringing()", "Wait(0.2)", "Answer()", "Wait(30)"],
        on_fake: || OnFake::rings_for(ms(200)).then_answers().into(),
    },
    FarEnd {
        name: "rejects",
        steps: &["Ringing()", "Wait(0.4)", "Hangup(21)"],
        on_fake: || OnFake::rings_for(ms(400)).then_rejects(21, Some(603)).into(),
    },
    FarEnd {
        name: "rings-out",
        steps: &["Ringing()", "Wait(0.9)", "Hangup(19)"],
        on_fake: || OnFake::rings_for(ms(900)).then_rejects(19, Some(480)).into(),
    },
    FarEnd { name: "busy", steps: &["Hangup(17)"], on_fake: || OnFake::is_busy().into() },
    FarEnd { name: "silent", steps: &["Wait(30)"], on_fake: || OnFake::is_silent().into() },
    FarEnd {
        name: "hangs-up",
        steps: &["Answer()", "Wait(0.2)", "Hangup(16)"],
        on_fake: || OnFake::answers_then_hangs_up_after(ms(200)).into(),
    },
];

impl FarEnd {
    /// Its dialplan, for the extensions of this pattern.
    pub(crate) fn extension(&self, pattern: &str) -> String {
        extension(pattern, self.steps)
    }
}

pub(crate) fn far_end(name: &str) -> &'static FarEnd {
    FAR_ENDS.iter().find(|far_end| far_end.name == name).expect("the names of far ends stand in the code")
}

/// Dialplan that does this, step by step, for the extensions of this pattern.
pub(crate) fn extension(pattern: &str, steps: &[&str]) -> String {
    let steps = steps.join("\n same => n,");
    format!("exten => {pattern},1,{steps}\n")
}

/// Dialplan by which the network shows another caller ID than the caller's, and goes on in that context.
pub(crate) fn masked(context: &str) -> String {
    extension("_[a-z]!", &["Set(CALLERID(num)=999)", &format!("Goto({context},${{EXTEN}},1)")])
}

/// Dialplan by which the caller's number comes along and is not to be shown, and that goes on in that context.
pub(crate) fn hidden(context: &str) -> String {
    extension("_[a-z]!", &["Set(CALLERID(pres)=prohib)", &format!("Goto({context},${{EXTEN}},1)")])
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
