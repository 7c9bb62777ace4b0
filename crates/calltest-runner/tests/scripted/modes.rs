//! One test of each mode, and words to change it.

use std::num::NonZeroU32;
use std::time::Duration;

use calltest_core::caller::ExpectedCaller;
use calltest_core::cause::ExpectedCause;
use calltest_core::number::PhoneNumber;
use calltest_core::plan::{
    Arrival, Audio, BothScript, CallTest, Delay, Destination, DigitChoice, Dtmf, InScript, OutScript, Parties,
    PostDial, Presence, Reception, Rejection, Requirements, Ringing, Route, Schedule, Trigger,
};
use calltest_core::quiet::QuietTimes;

use crate::stage::{DST, SRC, SRC_NUMBER};

/// So many milliseconds.
pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn both(script: BothScript) -> CallTest {
    let caller = Some(ExpectedCaller::Number(PhoneNumber::parse(SRC_NUMBER).unwrap()));
    test(Route::Both {
        parties: Parties {
            src: SRC.into(),
            dst: DST.into(),
            number: Some(DST.into()),
            post_dial: PostDial::default(),
            caller,
        },
        script,
    })
}

fn out(script: OutScript) -> CallTest {
    test(Route::Out {
        to: Destination { src: SRC.into(), number: Some("1".into()), post_dial: PostDial::default() },
        script,
    })
}

fn incoming(script: InScript) -> CallTest {
    let at = Reception { dst: DST.into(), number: Some(DST.into()), caller: None, trigger: None };
    test(Route::In { at, script })
}

fn five_digits() -> DigitChoice {
    DigitChoice::Drawn { len: NonZeroU32::new(5).unwrap(), alphabet: "0123456789".into() }
}

pub(crate) fn dtmf() -> CallTest {
    let dtmf = Dtmf { digits: five_digits(), may_repeat: false, duration: ms(100), between: ms(100) };
    both(BothScript::Dtmf(dtmf))
}

pub(crate) fn call() -> CallTest {
    both(BothScript::Call { reject_with: Rejection::Busy })
}

/// Each end plays `hello` and records the other.
pub(crate) fn audio() -> CallTest {
    both(BothScript::Audio(Audio {
        src_out: Some("hello".into()),
        dst_out: Some("hello".into()),
        src_in: Some("at-src".into()),
        dst_in: Some("at-dst".into()),
    }))
}

pub(crate) fn ring() -> CallTest {
    out(OutScript::Ring)
}

/// It plays `hello` and records what comes back.
pub(crate) fn play() -> CallTest {
    out(OutScript::Play { sound: Some("hello".into()), record: Some("heard".into()) })
}

/// It has to be rejected within two seconds.
pub(crate) fn fail() -> CallTest {
    out(OutScript::Fail { within: ms(2000) })
}

/// It has to ring for a second before it is rejected.
pub(crate) fn timeout() -> CallTest {
    out(OutScript::Timeout { ringtime: ms(1000) })
}

/// The endpoint has to stay online for so long.
pub(crate) fn online(milliseconds: u64) -> CallTest {
    test(Route::Watch { link: SRC.into(), time: ms(milliseconds) })
}

pub(crate) fn wait() -> CallTest {
    incoming(InScript::Wait { reject_with: Rejection::Busy })
}

/// It plays `hello` and records what comes in.
pub(crate) fn answer() -> CallTest {
    incoming(InScript::Answer { sound: Some("hello".into()), record: Some("heard".into()) })
}

/// The same, for as long as the caller wants.
pub(crate) fn record() -> CallTest {
    incoming(InScript::Record { sound: Some("hello".into()), record: Some("heard".into()) })
}

/// With the defaults of the configuration, but with the pauses of nobody who waits.
fn test(route: Route) -> CallTest {
    let needs_ringing = ["call", "timeout"].contains(&route.mode());
    let presence = if needs_ringing { Presence::Required } else { Presence::Allowed };
    CallTest {
        name: route.mode().into(),
        info: String::new(),
        route,
        timeout: ms(10_000),
        delay: Delay { pre: Duration::ZERO, ring: ms(200), answer: ms(200) },
        requirements: Requirements {
            ringing: Ringing { presence, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: Vec::new(),
            forwarding: calltest_core::plan::Forwarding::FORBIDDEN,
        },
        arrival: Arrival::default(),
        withholds_number: false,
        schedule: Schedule {
            retry: ms(60_000),
            repeat: ms(60_000),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        },
        quiet: QuietTimes::default(),
    }
}

/// What a test can be changed in.
pub(crate) trait Changed: Sized {
    fn changed(self, change: impl FnOnce(&mut CallTest)) -> Self;

    fn named(self, name: &str) -> Self {
        self.changed(|test| test.name = name.into())
    }

    fn ringing(self, presence: Presence) -> Self {
        self.changed(|test| test.requirements.ringing.presence = presence)
    }

    fn early_media_counts(self) -> Self {
        self.changed(|test| test.requirements.ringing.early_media_counts = true)
    }

    fn early_media(self, presence: Presence) -> Self {
        self.changed(|test| test.requirements.early_media = presence)
    }

    fn answered_within(self, milliseconds: u64) -> Self {
        self.changed(|test| test.requirements.answer_within = Some(ms(milliseconds)))
    }

    fn causes(self, causes: &[&str]) -> Self {
        let causes = causes.iter().map(|cause| ExpectedCause::parse(cause).unwrap()).collect();
        self.changed(|test| test.requirements.causes = causes)
    }

    /// The pause after ringing, which is long enough for something else to happen.
    fn rings_for(self, milliseconds: u64) -> Self {
        self.changed(|test| test.delay.ring = ms(milliseconds))
    }

    fn lasts(self, milliseconds: u64) -> Self {
        self.changed(|test| test.timeout = ms(milliseconds))
    }

    /// The number that the callee has to see.
    fn caller(self, number: &str) -> Self {
        let number = (!number.is_empty()).then(|| ExpectedCaller::Number(PhoneNumber::parse(number).unwrap()));
        self.sees(number)
    }

    /// What the callee has to see of the caller.
    fn sees(self, caller: Option<ExpectedCaller>) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { parties, .. } => parties.caller = caller,
            Route::In { at, .. } => at.caller = caller,
            Route::Out { .. } | Route::Watch { .. } => panic!("nobody of ours sees the caller"),
        })
    }

    /// What is dialled on with once the call is answered.
    fn dials_on(self, post_dial: &str) -> Self {
        let digits = PostDial::parse(post_dial).unwrap();
        self.changed(|test| match &mut test.route {
            Route::Both { parties, .. } => parties.post_dial = digits,
            Route::Out { to, .. } => to.post_dial = digits,
            Route::In { .. } | Route::Watch { .. } => panic!("we do not call"),
        })
    }

    /// How long the call may take to arrive.
    fn arrives_within(self, milliseconds: u64) -> Self {
        self.changed(|test| test.arrival.within = Some(ms(milliseconds)))
    }

    /// The link on which the call has to come in, and the number dialled for it.
    fn at(self, link: &str, number: &str) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { parties, .. } => (parties.dst, parties.number) = (link.into(), Some(number.into())),
            Route::In { at, .. } => (at.dst, at.number) = (link.into(), Some(number.into())),
            Route::Out { .. } | Route::Watch { .. } => panic!("the call does not come to us"),
        })
    }

    /// The link to call out on.
    fn over(self, link: &str) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { parties, .. } => parties.src = link.into(),
            Route::Out { to, .. } => to.src = link.into(),
            Route::In { .. } | Route::Watch { .. } => panic!("we do not call"),
        })
    }

    fn triggered_by(self, command: &[&str]) -> Self {
        let command = command.iter().map(|&word| word.into()).collect();
        self.changed(|test| match &mut test.route {
            Route::In { at, .. } => at.trigger = Some(Trigger::Exec { command }),
            Route::Both { .. } | Route::Out { .. } | Route::Watch { .. } => panic!("nobody calls us for this"),
        })
    }

    fn rejected_with(self, rejection: Rejection) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { script: BothScript::Call { reject_with }, .. }
            | Route::In { script: InScript::Wait { reject_with }, .. } => *reject_with = rejection,
            _ => panic!("we do not reject the call"),
        })
    }

    fn digits_may_repeat(self) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { script: BothScript::Dtmf(dtmf), .. } => dtmf.may_repeat = true,
            _ => panic!("we send no digits"),
        })
    }

    fn sounds(self, change: impl FnOnce(&mut Audio)) -> Self {
        self.changed(|test| match &mut test.route {
            Route::Both { script: BothScript::Audio(audio), .. } => change(audio),
            _ => panic!("we do not play at both ends"),
        })
    }
}

impl Changed for CallTest {
    fn changed(mut self, change: impl FnOnce(&mut CallTest)) -> Self {
        change(&mut self);
        self
    }
}
