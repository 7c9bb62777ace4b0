//! Verdicts, and the sentences that give their reasons.
//!
//! `fail` says that the phone network did the wrong thing, `error` that we could not find out. The two never mix: each has
//! a type of its own for its reasons. A sentence names the link it is about, what was expected and what happened.

use std::fmt;
use std::time::Duration;

use crate::cause::CallEnd;
use crate::dtmf::DigitFault;
use crate::evidence::Awaiting;
use crate::number::CallerMismatch;
use crate::plan::{LinkName, ServerName};

/// How a run came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The call went as configured.
    Pass,
    /// The phone network did the wrong thing.
    Fail(Failure),
    /// We could not find out.
    Error(Trouble),
    /// The run was called off.
    Cancelled,
}

impl Verdict {
    /// The word for it in outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Error(_) => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// The sentence that gives the reason; `None` for a pass.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Pass => None,
            Self::Fail(failure) => Some(failure.to_string()),
            Self::Error(trouble) => Some(trouble.to_string()),
            Self::Cancelled => Some("cancelled before it could finish".into()),
        }
    }
}

/// A point that a call has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The caller sees ringing.
    Ringing,
    /// The caller sees the answer.
    Answer,
}

/// What the phone network did wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The endpoint to dial out through is offline.
    Offline {
        /// The link.
        link: LinkName,
        /// The endpoint, as TECH/resource.
        endpoint: String,
    },
    /// The far end rejected the call.
    Rejected {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
        /// Why, where the server told.
        end: Option<CallEnd>,
        /// What was expected instead.
        expected: Milestone,
        /// Whether it rang before.
        has_rung: bool,
    },
    /// The call ended before the script was through.
    HungUpEarly {
        /// The link on which the end was seen.
        link: LinkName,
        /// Since the answer, or since the call went out if there was none.
        after: Duration,
        /// Whether the call had been answered.
        was_answered: bool,
        /// Why, where the server told.
        end: Option<CallEnd>,
        /// What the script was waiting for.
        awaiting: Awaiting,
    },
    /// The call never got as far as it should.
    NotReached {
        /// The link called out on.
        link: LinkName,
        /// How far it should have got.
        milestone: Milestone,
        /// How long we waited.
        within: Duration,
        /// How far it did get.
        progress: Progress,
    },
    /// The call was answered, but without the ringing that is required.
    NoRinging {
        /// The link called out on.
        link: LinkName,
    },
    /// It rang, which it must not.
    Rang {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
    },
    /// The call was answered where it must not be.
    Answered {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
    },
    /// No call arrived although the way out worked.
    NoArrival {
        /// The link on which it should have arrived.
        link: LinkName,
        /// How long we waited.
        within: Duration,
        /// The link called out on.
        src: LinkName,
        /// How far the call got there.
        progress: Progress,
    },
    /// A call arrived with another caller ID, and none with the right one.
    CallerId {
        /// The link on which it arrived.
        link: LinkName,
        /// How the numbers differ.
        mismatch: CallerMismatch,
    },
    /// A call arrived that dialled another number, and none that dialled the right one.
    DialledNumber {
        /// The link on which it arrived.
        link: LinkName,
        /// The number that it dialled.
        received: String,
    },
    /// The dial string leads back into the app.
    CameBack {
        /// The link called out on.
        link: LinkName,
        /// What was dialled.
        dial_string: String,
    },
    /// Digits got lost, changed or added on the way.
    Digits {
        /// The link that received them.
        link: LinkName,
        /// The digits sent at the other end.
        expected: String,
        /// The digits that came in.
        received: String,
        /// What is wrong with them.
        fault: DigitFault,
        /// Until when missing ones were waited for; `None` where none are missing.
        waited: Option<Waited>,
    },
    /// An operator had the run counted as a failure.
    ByOperator,
}

/// How far a call got, as its source saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No sign of life.
    Nothing,
    /// Early media without ringing.
    EarlyMedia,
    /// Ringing.
    Ringing,
    /// Answered.
    Answered,
}

/// How long something absent was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Until the run's deadline.
    Deadline(Duration),
    /// For this long after it was due.
    Overdue(Duration),
    /// Until the call ended.
    CallEnd,
}

/// Why we could not find out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Trouble {
    /// A server could not be reached at all, or refuses us.
    #[error("{why}")]
    ServerUnavailable {
        /// Which server.
        server: ServerName,
        /// A whole sentence.
        why: String,
    },
    /// The connection to a server broke while the run needed it.
    #[error("lost the connection to server {server} during the run: {why}")]
    ConnectionLost {
        /// Which server.
        server: ServerName,
        /// What broke it.
        why: String,
    },
    /// Another process took over the app's events.
    #[error("another process took the app over on server {server} during the run: {owner}")]
    AppTaken {
        /// Which server.
        server: ServerName,
        /// The other one, as far as it is known.
        owner: String,
    },
    /// A server did not prove that it would have told us what we did not see.
    #[error("server {server} did not answer when the time was up ({why}), so what was not seen proves nothing")]
    OutOfSight {
        /// Which server.
        server: ServerName,
        /// What was tried.
        why: String,
    },
    /// Events came in faster than the run could take them.
    #[error("more events came in than the run could take; none is trusted any more")]
    Overflow,
    /// Our own process was too late to see things in time.
    #[error("this process was held up for {:.1} s during the run, so what was not seen proves nothing", by.as_secs_f64())]
    LoopDelayed {
        /// For how long.
        by: Duration,
    },
    /// Asterisk would not originate the call, for a reason that is not the network's.
    #[error("Asterisk refused to dial {dial_string}: {why}")]
    OriginateRefused {
        /// What was dialled.
        dial_string: String,
        /// Asterisk's reason, and what to do.
        why: String,
    },
    /// A request that the script needed failed.
    #[error("could not {action}: {why}")]
    RequestFailed {
        /// What we asked for, as "answer the call on bar".
        action: String,
        /// Why it failed.
        why: String,
    },
    /// A sound could not be played.
    #[error("{media} could not be played on {link}: Asterisk has no such sound file, or cannot read it")]
    PlaybackFailed {
        /// The link.
        link: LinkName,
        /// The media URI.
        media: String,
    },
    /// A recording could not be made or fetched.
    #[error("the recording {name} on {link} failed: {why}")]
    RecordingFailed {
        /// The link.
        link: LinkName,
        /// The recording's name on the server.
        name: String,
        /// Why.
        why: String,
    },
    /// The links were taken away while the run still used them.
    #[error("lost the lease on its links during the run")]
    LeaseLost,
    /// What was awaited came after all, but too late for us to tell whose delay that was.
    #[error(
        "{what} came in only after the time was up, so it cannot be told whether the network or this process was late"
    )]
    Late {
        /// What was awaited.
        what: &'static str,
    },
    /// Two calls fit one run, so no one can say which is the right one.
    #[error("two calls that both fit arrived on {link}; give the test a caller ID or number that tells them apart")]
    TwoCallsFit {
        /// The link.
        link: LinkName,
    },
    /// A channel would not go away.
    #[error("channel {channel} on server {server} is still up although we hung it up: {why}")]
    ChannelLeft {
        /// Which server.
        server: ServerName,
        /// The channel's id.
        channel: String,
        /// What was tried.
        why: String,
    },
    /// The run took too long in a place where nothing was to be learnt about the network.
    #[error("the time ({:.0} s) was up while {link} was busy with {what}", within.as_secs_f64())]
    OutOfTime {
        /// The link.
        link: LinkName,
        /// The run's limit.
        within: Duration,
        /// What was under way.
        what: &'static str,
    },
    /// This version does not know how to carry out the mode.
    #[error("mode {mode} cannot be run by this version of calltest")]
    ModeUnavailable {
        /// The mode's word in the YAML.
        mode: &'static str,
    },
    /// The script stopped short and the facts do not tell why.
    #[error("the call stopped while {link} waited for {awaiting}, and nothing that was seen explains it")]
    Unexplained {
        /// The link.
        link: LinkName,
        /// What was awaited.
        awaiting: &'static str,
    },
}

/// A remark on a run that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Answered without ringing before, in a mode that looks for ringing.
    AnsweredWithoutRinging,
    /// Another call came in on the link during the run and was rejected.
    Stranger {
        /// The link.
        link: LinkName,
        /// Its caller's number.
        caller: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnsweredWithoutRinging => f.write_str("answered without ringing"),
            Self::Stranger { link, caller } => write!(f, "another call on {link} was rejected, from {}", shown(caller)),
        }
    }
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ringing => "ringing",
            Self::Answer => "an answer",
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no sign of life",
            Self::EarlyMedia => "only early media",
            Self::Ringing => "only ringing",
            Self::Answered => "an answer",
        })
    }
}

impl Awaiting {
    /// The words for it, after "while waiting for".
    pub fn words(self) -> &'static str {
        match self {
            Self::Originate => "Asterisk to dial",
            Self::Arrival => "the call to arrive",
            Self::Ringing => "ringing",
            Self::Answer(_) => "the answer",
            Self::Digits(_) => "digits",
            Self::Pause => "the next step",
            Self::Playback => "a sound to end",
            Self::Recording => "a recording",
        }
    }
}

/// A number as shown, in words where there is none.
fn shown(number: &str) -> &str {
    if number.is_empty() { "an unknown number" } else { number }
}

/// Digits as received, in words where there are none.
fn digits(digits: &str) -> &str {
    if digits.is_empty() { "none" } else { digits }
}

/// Seconds as people read them: hundredths below ten seconds, tenths from there on, none where they are whole.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.subsec_millis() {
        0 => format!("{seconds:.0} s"),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

/// Why a call ended, in words.
fn why(end: &Option<CallEnd>) -> String {
    end.map_or_else(|| "no cause given".into(), |end| end.to_string())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { link, endpoint } => write!(f, "{link}: endpoint {endpoint} is offline"),
            Self::Rejected { link, after, end, expected, has_rung } => {
                let rang = if *has_rung { "rang, then " } else { "" };
                write!(f, "{link}: {rang}rejected after {} with {}, expected {expected}", seconds(*after), why(end))
            }
            Self::HungUpEarly { link, after, was_answered, end, awaiting } => {
                let since = if *was_answered { "after the answer" } else { "after it went out" };
                write!(
                    f,
                    "{link}: the call ended {} {since} with {}, while waiting for {}",
                    seconds(*after),
                    why(end),
                    awaiting.words()
                )
            }
            Self::NotReached { link, milestone, within, progress } => {
                write!(f, "{link}: expected {milestone}, saw {progress} within {}", seconds(*within))
            }
            Self::NoRinging { link } => write!(f, "{link}: expected ringing, was answered without"),
            Self::Rang { link, after } => {
                write!(f, "{link}: rang {} after the call went out, expected no ringing", seconds(*after))
            }
            Self::Answered { link, after } => {
                write!(f, "{link}: answered {} after the call went out, expected no answer", seconds(*after))
            }
            Self::NoArrival { link, within, src, progress } => {
                write!(f, "{link}: no call arrived within {}; {src} saw {progress}", seconds(*within))
            }
            Self::CallerId { link, mismatch } => write!(f, "{link}: {mismatch}"),
            Self::DialledNumber { link, received } => {
                write!(
                    f,
                    "{link}: the call that arrived had dialled {}, which is not this test's number",
                    shown(received)
                )
            }
            Self::CameBack { link, dial_string } => {
                write!(f, "{link}: {dial_string} came straight back to calltest: the dialplan has no such extension")
            }
            Self::Digits { link, expected, received, fault, waited } => {
                write!(f, "{link}: expected digits {expected}, received {}", digits(received))?;
                match fault {
                    DigitFault::Wrong { position } => write!(f, " (number {position} is wrong)"),
                    DigitFault::Extra => f.write_str(" (more than were sent)"),
                    DigitFault::Missing => match waited {
                        Some(Waited::Deadline(limit)) => write!(f, " before the deadline ({})", seconds(*limit)),
                        Some(Waited::Overdue(by)) => write!(f, " until {} after the last was due", seconds(*by)),
                        Some(Waited::CallEnd) => f.write_str(" before the call ended"),
                        None => Ok(()),
                    },
                }
            }
            Self::ByOperator => f.write_str("marked as failed by an operator"),
        }
    }
}
