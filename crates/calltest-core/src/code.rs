//! Words for programs: each way to fail, and each reason why we could not find out, has one that never changes.
//!
//! A sentence is for people and may be said better some day. Whoever counts, groups or routes goes by the code. The table
//! below is the only list of them; `docs/codes.md` is made from it. A code may be added, but none is ever renamed or given
//! another meaning.

use std::fmt;

use crate::verdict::VerdictKind;

/// Where to look first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// The link called out on, and the network behind it.
    Src,
    /// The link on which the call has to arrive, and the network before it.
    Dst,
    /// Either link: the sentence names it.
    Link,
    /// A server that calltest uses.
    Server,
    /// The configuration of the test, or of a server.
    Setup,
    /// This process and its machine.
    Tester,
}

impl Where {
    /// The word for it in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Src => "src",
            Self::Dst => "dst",
            Self::Link => "link",
            Self::Server => "server",
            Self::Setup => "setup",
            Self::Tester => "tester",
        }
    }
}

macro_rules! codes {
    ($($(#[$meta:meta])* $code:ident = $word:literal, $class:ident, $whose:ident, $meaning:literal;)*) => {
        /// The word for a way to fail or a reason why we could not find out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The word, which is the same in all versions.
            pub fn word(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// Which verdict it belongs to: `fail` or `error`.
            pub fn class(self) -> VerdictKind {
                match self { $(Self::$code => VerdictKind::$class,)* }
            }

            /// Where to look first.
            pub fn place(self) -> Where {
                match self { $(Self::$code => Where::$whose,)* }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }
        }
    };
}

codes! {
    EndpointOffline = "endpoint-offline", Fail, Src, "The endpoint to dial out through is offline.";
    Rejected = "rejected", Fail, Src, "The far end or the network rejected a call that it should have let through.";
    Forwarded = "forwarded", Fail, Src, "The far end diverted the call to another number.";
    ForwardedElsewhere = "forwarded-elsewhere", Fail, Src, "The far end diverted the call, as it may, but to another number.";
    NotForwarded = "not-forwarded", Fail, Src, "The far end did not divert the call, which it has to.";
    HungUpEarly = "hung-up-early", Fail, Link, "The call ended before the test was through with it.";
    NoRinging = "no-ringing", Fail, Src, "It did not ring in time.";
    NoEarlyMedia = "no-early-media", Fail, Src, "There was no early media in time.";
    NoAnswer = "no-answer", Fail, Src, "Nobody answered in time.";
    NotRejected = "not-rejected", Fail, Src, "A call that has to be rejected was not, in time.";
    WrongCause = "wrong-cause", Fail, Src, "The call was rejected or hung up, as it may be, but with another cause.";
    RejectedOutOfTime = "rejected-out-of-time", Fail, Src, "The call was rejected, as it has to be, but too soon or too late.";
    AnsweredLate = "answered-late", Fail, Src, "The call was answered, but too late.";
    RingingSkipped = "ringing-skipped", Fail, Src, "The call was answered or rejected without the ringing that has to come before.";
    EarlyMediaSkipped = "early-media-skipped", Fail, Src, "The call was answered or rejected without the early media that has to come before.";
    UnwantedEarlyMedia = "unwanted-early-media", Fail, Src, "There was early media, which there must not be.";
    UnwantedRinging = "unwanted-ringing", Fail, Src, "It rang, which it must not.";
    UnwantedAnswer = "unwanted-answer", Fail, Src, "The call was answered, which it must not be.";
    CallerDidNotEnd = "caller-did-not-end", Fail, Dst, "The caller neither hung up nor pressed `#`.";
    RecordingMissing = "recording-missing", Fail, Link, "A sound that has to be recorded was not: there is no recording.";
    RecordingEmpty = "recording-empty", Fail, Link, "A sound that has to be recorded was not: the recording is empty.";
    RecordingShort = "recording-short", Fail, Link, "A sound that has to be recorded was not recorded to its end.";
    NoArrival = "no-arrival", Fail, Dst, "No call arrived.";
    CallerIdWithheld = "caller-id-withheld", Fail, Dst, "The call arrived without a caller ID.";
    WrongCallerId = "wrong-caller-id", Fail, Dst, "The call arrived with another caller ID.";
    CallerIdShown = "caller-id-shown", Fail, Dst, "The call arrived with a caller ID that should have been withheld.";
    NotDiverted = "not-diverted", Fail, Dst, "The call that arrived was not diverted, or from another number than it has to be.";
    DeliveredTwice = "delivered-twice", Fail, Dst, "The call arrived more than once.";
    WrongNumber = "wrong-number", Fail, Dst, "The call that arrived had dialled another number.";
    NoRtp = "no-rtp", Fail, Link, "No packet of sound (RTP) came in where digits or a sound had to.";
    DigitsMissing = "digits-missing", Fail, Link, "Digits were lost on the way.";
    DigitsWrong = "digits-wrong", Fail, Link, "Digits were changed on the way.";
    DigitsExtra = "digits-extra", Fail, Link, "More digits came in than were sent.";
    CameBack = "came-back", Fail, Setup, "The dial string led straight back to calltest.";
    MarkedByOperator = "marked-by-operator", Fail, Tester, "An operator had the run counted as a failure.";

    ServerUnavailable = "server-unavailable", Error, Server, "A server cannot be reached, or refuses us.";
    ServerLost = "server-lost", Error, Server, "The connection to a server broke during the run.";
    ServerStopped = "server-stopped", Error, Server, "A server was stopped or restarted during the run.";
    TakesNoCalls = "takes-no-calls", Error, Server, "The server on which the call should arrive takes none: it is being stopped, or is full.";
    ServerFull = "server-full", Error, Server, "A server has no room for the call, or the dial string leads nowhere.";
    ServerStalled = "server-stalled", Error, Server, "A server stood still, so what was late or missing proves nothing.";
    ClockStepped = "clock-stepped", Error, Server, "A server's clock stepped, so what it says of times proves nothing.";
    Interference = "interference", Error, Server, "Somebody at our own server did something to a channel of the test.";
    AppTaken = "app-taken", Error, Server, "Another process took the Stasis app over.";
    OutOfSight = "out-of-sight", Error, Server, "A server did not show that it would have told us what we did not see.";
    EventsLost = "events-lost", Error, Server, "Events were lost or could not be read, so what was not seen proves nothing.";
    EventsFiltered = "events-filtered", Error, Server, "Somebody changed which events we are told of, so what was not seen proves nothing.";
    ChannelLeft = "channel-left", Error, Server, "A channel may still be up although we hung it up.";
    OriginateRefused = "originate-refused", Error, Server, "A server would not dial, for a reason that is not the network's.";
    OriginateUnclear = "originate-unclear", Error, Server, "It is not known whether the call went out.";
    RequestFailed = "request-failed", Error, Server, "A request that the test needs failed.";
    SoundUnplayable = "sound-unplayable", Error, Setup, "A sound could not be played.";
    RecordingFailed = "recording-failed", Error, Server, "A recording could not be made or fetched.";
    NoSipCodes = "no-sip-codes", Error, Setup, "A SIP code is expected, and the server or the link tells none.";
    CannotShow = "cannot-show", Error, Setup, "The test asks for something that the link does not show.";
    EndpointUnqualified = "endpoint-unqualified", Error, Setup, "The server never asks whether the endpoint is there, so nobody can tell.";
    NoExtension = "no-extension", Error, Setup, "The dial string leads nowhere in the server's own dialplan.";
    LoginWanted = "login-wanted", Error, Setup, "The far end asks for a login that our server has not, or has wrong.";
    TwoCallsFit = "two-calls-fit", Error, Setup, "Two calls fit the test, so nobody can say which is the right one.";
    CallUnclear = "call-unclear", Error, Tester, "A call arrived of which nobody can tell whether it was this test's.";
    OtherCall = "other-call", Error, Dst, "The call that arrived seems to be another one than the test made.";
    RejectedHere = "rejected-here", Error, Setup, "The test's own call may have come back to calltest, which rejected it.";
    GuardRefused = "guard-refused", Error, Setup, "The guard did not let the call out.";
    TriggerFailed = "trigger-failed", Error, Setup, "What should have caused the call went wrong.";
    TriggerUnfinished = "trigger-unfinished", Error, Setup, "What should have caused the call was still under way when the time was up.";
    OutOfTime = "out-of-time", Error, Setup, "The time was up while nothing was to be learnt about the network.";
    CameLate = "came-late", Error, Tester, "What was missing came in after all, too late to tell whose delay it was.";
    TesterDelayed = "tester-delayed", Error, Tester, "This process was held up, so what was late or missing proves nothing.";
    TesterOverrun = "tester-overrun", Error, Tester, "More events came in than a run can take.";
    LeaseLost = "lease-lost", Error, Tester, "The links were taken away while the run still used them.";
    Unexplained = "unexplained", Error, Tester, "The call stopped short, and nothing that was seen explains it.";
}

impl Code {
    /// The code of that word; `None` for one that this version does not know.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.word() == word)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every word that was ever handed out. Add to it; never take away.
    const HANDED_OUT: &str = "endpoint-offline rejected hung-up-early no-ringing no-early-media no-answer not-rejected \
        wrong-cause rejected-out-of-time answered-late ringing-skipped early-media-skipped unwanted-early-media \
        unwanted-ringing unwanted-answer caller-did-not-end recording-missing recording-empty recording-short no-arrival \
        caller-id-withheld wrong-caller-id wrong-number digits-missing digits-wrong digits-extra came-back marked-by-operator \
        server-unavailable server-lost server-stopped server-full server-stalled clock-stepped interference app-taken out-of-sight events-lost \
        events-filtered channel-left originate-refused originate-unclear request-failed sound-unplayable recording-failed no-sip-codes \
        cannot-show no-extension two-calls-fit call-unclear guard-refused trigger-failed trigger-unfinished out-of-time \
        came-late tester-delayed tester-overrun lease-lost unexplained other-call rejected-here takes-no-calls \
        forwarded forwarded-elsewhere not-forwarded no-rtp caller-id-shown not-diverted delivered-twice login-wanted \
        endpoint-unqualified";

    #[test]
    fn no_word_was_ever_renamed_and_each_new_one_is_written_down() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words, HANDED_OUT.split_whitespace().collect());
        assert_eq!(words.len(), Code::ALL.len(), "two codes have the same word");
        for word in words {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{word}");
            assert_eq!(Code::of_word(word).unwrap().word(), word);
        }
        assert_eq!(Code::of_word("nothing-of-the-kind"), None);
    }
}
