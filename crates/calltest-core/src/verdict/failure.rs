//! What the phone network did wrong, and the sentence that says so: the link, what was expected, what happened.

use std::fmt;
use std::time::Duration;

use super::seconds;
use super::wrong_digits::WrongDigits;
use crate::awaiting::Awaiting;
use crate::caller::CallerMismatch;
use crate::cause::{ExpectedCause, Hangup, HangupCause};
use crate::code::Code;
use crate::expectation::{Milestone, RejectionWindow};
use crate::name::LinkName;
use crate::number::shown;
use crate::side::Side;

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
        end: Option<Hangup>,
        /// What was expected instead.
        expected: Milestone,
        /// Whether it rang before.
        has_rung: bool,
    },
    /// The far end diverted the call, which it must not, or not to there.
    Forwarded {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
        /// Where it leads, as the server told.
        to: String,
        /// Where it should have led, where it may be diverted at all.
        expected: Option<String>,
    },
    /// The far end did not divert the call, which it has to.
    NotForwarded {
        /// The link called out on.
        link: LinkName,
        /// Where it should have led.
        expected: String,
    },
    /// The call ended before the script was through.
    HungUpEarly {
        /// The link on which the end was seen.
        link: LinkName,
        /// How long it had lasted.
        after: Duration,
        /// From when on that is counted.
        since: Since,
        /// Why, where the server told.
        end: Option<Hangup>,
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
    /// The far end ended the call, as it should or may, but with another cause.
    WrongCause {
        /// The link called out on.
        link: LinkName,
        /// Since the answer, or since the call went out if there was none.
        after: Duration,
        /// Whether the call had been answered.
        was_answered: bool,
        /// Why, where the server told.
        end: Option<Hangup>,
        /// The causes that would have been right.
        expected: Vec<ExpectedCause>,
    },
    /// The far end rejected the call, as it should, but too soon or too late.
    RejectedOutOfTime {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out, or since it first rang.
        after: Duration,
        /// Why, where the server told.
        end: Option<Hangup>,
        /// When it should have been rejected.
        window: RejectionWindow,
    },
    /// The call was answered, but too late.
    AnsweredLate {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
        /// The limit.
        within: Duration,
    },
    /// The call was answered or rejected, but without the ringing or early media that is required.
    Skipped {
        /// The link called out on.
        link: LinkName,
        /// What should have come before.
        milestone: Milestone,
        /// Whether it was answered rather than rejected.
        was_answered: bool,
    },
    /// There was early media, which there must not be.
    EarlyMedia {
        /// The link called out on.
        link: LinkName,
        /// Since the call went out.
        after: Duration,
    },
    /// The caller did not end the call, nor press `#`.
    NotEnded {
        /// The link that was called.
        link: LinkName,
        /// How long we waited.
        within: Duration,
    },
    /// What one side played was not recorded in full at the other.
    Sound {
        /// The link that recorded.
        link: LinkName,
        /// What is wrong with the recording.
        fault: SoundFault,
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
        /// What should have caused it.
        origin: Origin,
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
    /// The call was delivered more than once, which it must not be.
    DeliveredTwice {
        /// The link on which it arrived.
        link: LinkName,
        /// How often it arrived besides the first time.
        again: usize,
    },
    /// The call that arrived was not diverted, or from another number than it has to be.
    NotDiverted {
        /// The link on which it arrived.
        link: LinkName,
        /// From where it should have been diverted.
        expected: String,
        /// From where it was, if it was.
        from: Option<String>,
    },
    /// Not one packet of sound came in where digits or a sound had to.
    NoRtp {
        /// The link at which none came in.
        link: LinkName,
        /// Its side of the call.
        side: Side,
        /// What had to come, as "digits 12345".
        expected: String,
        /// How many packets went out there.
        sent: u64,
    },
    /// Digits got lost, changed or added on the way.
    Digits {
        /// What is wrong, direction by direction: at least one, the first of which is what the run failed on.
        wrong: Vec<WrongDigits>,
    },
    /// An operator had the run counted as a failure.
    ByOperator,
}

/// From when on the time of a call is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The answer.
    Answer,
    /// It went out, and was not answered.
    Dialling,
    /// It arrived from somebody else, and was not answered.
    Arrival,
    /// It arrived from our own link, and was not answered.
    OwnArrival,
}

/// What a call that never arrived should have come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Our own call out.
    Link {
        /// The link called out on.
        src: LinkName,
        /// How far the call got there.
        progress: Progress,
    },
    /// A trigger, which was done without complaint.
    Trigger {
        /// What came of it.
        result: String,
    },
    /// A person, as far as we know.
    Person,
}

/// What is wrong with a recording that should have proven a sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundFault {
    /// The server has it no more.
    Missing {
        /// What the server said.
        why: String,
    },
    /// Nothing is in it.
    Empty,
    /// It is shorter than what was played.
    Short {
        /// How long it is.
        recorded: Duration,
        /// How long the other side played.
        played: Duration,
    },
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

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "neither ringing, answer nor rejection",
            Self::EarlyMedia => "only early media",
            Self::Ringing => "only ringing",
            Self::Answered => "an answer",
        })
    }
}

/// Why a call ended, in words.
fn why(end: &Option<Hangup>) -> String {
    end.map_or_else(|| "no cause given".into(), |end| end.to_string())
}

impl Failure {
    /// The word for it that programs go by.
    pub fn code(&self) -> Code {
        match self {
            Self::Offline { .. } => Code::EndpointOffline,
            Self::Rejected { .. } => Code::Rejected,
            Self::Forwarded { expected: None, .. } => Code::Forwarded,
            Self::Forwarded { expected: Some(_), .. } => Code::ForwardedElsewhere,
            Self::NotForwarded { .. } => Code::NotForwarded,
            Self::HungUpEarly { .. } => Code::HungUpEarly,
            Self::NotReached { milestone, .. } => match milestone {
                Milestone::Ringing => Code::NoRinging,
                Milestone::EarlyMedia => Code::NoEarlyMedia,
                Milestone::Answer => Code::NoAnswer,
                Milestone::Rejection => Code::NotRejected,
                Milestone::Arrival => Code::NoArrival,
                Milestone::Online => Code::EndpointOffline,
            },
            Self::WrongCause { .. } => Code::WrongCause,
            Self::RejectedOutOfTime { .. } => Code::RejectedOutOfTime,
            Self::AnsweredLate { .. } => Code::AnsweredLate,
            Self::Skipped { milestone: Milestone::EarlyMedia, .. } => Code::EarlyMediaSkipped,
            Self::Skipped { .. } => Code::RingingSkipped,
            Self::EarlyMedia { .. } => Code::UnwantedEarlyMedia,
            Self::NotEnded { .. } => Code::CallerDidNotEnd,
            Self::Sound { fault, .. } => match fault {
                SoundFault::Missing { .. } => Code::RecordingMissing,
                SoundFault::Empty => Code::RecordingEmpty,
                SoundFault::Short { .. } => Code::RecordingShort,
            },
            Self::Rang { .. } => Code::UnwantedRinging,
            Self::Answered { .. } => Code::UnwantedAnswer,
            Self::NoArrival { .. } => Code::NoArrival,
            Self::CallerId { mismatch, .. } => match mismatch {
                CallerMismatch::None { .. } | CallerMismatch::Withheld { .. } | CallerMismatch::Hidden { .. } => {
                    Code::CallerIdWithheld
                }
                CallerMismatch::Shown { .. } => Code::CallerIdShown,
                CallerMismatch::Differs { .. } | CallerMismatch::Rejected { .. } => Code::WrongCallerId,
            },
            Self::DialledNumber { .. } => Code::WrongNumber,
            Self::CameBack { .. } => Code::CameBack,
            Self::NoRtp { .. } => Code::NoRtp,
            Self::DeliveredTwice { .. } => Code::DeliveredTwice,
            Self::NotDiverted { .. } => Code::NotDiverted,
            Self::Digits { wrong } => wrong.first().map_or(Code::DigitsMissing, WrongDigits::code),
            Self::ByOperator => Code::MarkedByOperator,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { link, endpoint } => write!(f, "{link}: endpoint {endpoint} is offline"),
            Self::Rejected { link, after, end, expected, has_rung } => {
                let rang = if *has_rung { "rang, then " } else { "" };
                write!(f, "{link}: {rang}rejected after {} with {}, expected {expected}", seconds(*after), why(end))
            }
            Self::Forwarded { link, after, to, expected } => {
                write!(f, "{link}: forwarded to {} after {}, expected ", shown(to), seconds(*after))?;
                match expected {
                    Some(number) => write!(f, "{number}"),
                    None => f.write_str("no forwarding (`forwarding: allowed` lets the call go there)"),
                }
            }
            Self::NotForwarded { link, expected } => {
                write!(f, "{link}: expected the call to be forwarded to {expected}, it was not")
            }
            Self::HungUpEarly { link, after, since, end, awaiting } => {
                let (after, why) = (seconds(*after), why(end));
                let is_elsewhere = end.is_some_and(|end| end.cause == HangupCause::ANSWERED_ELSEWHERE);
                match since {
                    Since::Answer => write!(f, "{link}: the call ended {after} after the answer with {why}")?,
                    Since::Dialling => write!(f, "{link}: the call ended {after} after it went out with {why}")?,
                    Since::Arrival | Since::OwnArrival if is_elsewhere => {
                        write!(f, "{link}: the call was answered elsewhere, {after} after it arrived")?;
                    }
                    Since::OwnArrival => {
                        write!(f, "{link}: the call was taken back {after} after it arrived, with {why}")?;
                    }
                    Since::Arrival => {
                        write!(f, "{link}: the caller gave the call up {after} after it arrived, with {why}")?;
                    }
                }
                // A pause of our own is nothing that anybody waits for.
                match awaiting {
                    Awaiting::Pause => Ok(()),
                    awaiting => write!(f, ", while waiting for {}", awaiting.words()),
                }
            }
            Self::NotReached { link, milestone, within, progress } => {
                write!(f, "{link}: expected {milestone}, saw {progress} within {}", seconds(*within))?;
                match (milestone, progress) {
                    (Milestone::Ringing, Progress::EarlyMedia) => {
                        f.write_str("; `early_media_is_ringing: yes` takes that for ringing")
                    }
                    _ => Ok(()),
                }
            }
            Self::WrongCause { link, after, was_answered, end, expected } => {
                let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
                let (after, why, expected) = (seconds(*after), why(end), expected.join(" or "));
                match was_answered {
                    true => write!(f, "{link}: hung up {after} after the answer with {why}, expected {expected}"),
                    false => write!(f, "{link}: rejected after {after} with {why}, expected {expected}"),
                }
            }
            Self::RejectedOutOfTime { link, after, end, window } => match window {
                RejectionWindow::AfterDialling { within } => {
                    let (after, within) = (seconds(*after), seconds(*within));
                    write!(f, "{link}: rejected after {after} with {}, expected within {within}", why(end))
                }
                RejectionWindow::AfterRinging { from, to } => {
                    let (after, from, to) = (seconds(*after), seconds(*from), seconds(*to));
                    write!(
                        f,
                        "{link}: rejected after {after} of ringing with {}, expected between {from} and {to}",
                        why(end)
                    )
                }
            },
            Self::AnsweredLate { link, after, within } => {
                write!(f, "{link}: answered after {}, expected within {}", seconds(*after), seconds(*within))
            }
            Self::Skipped { link, milestone, was_answered } => {
                let what = if *was_answered { "answered" } else { "rejected" };
                write!(f, "{link}: expected {milestone}, was {what} without")
            }
            Self::EarlyMedia { link, after } => {
                let after = seconds(*after);
                write!(f, "{link}: early media {after} after the call went out, expected none")
            }
            Self::NotEnded { link, within } => {
                let within = seconds(*within);
                write!(f, "{link}: expected the caller to hang up or press #, neither came within {within}")
            }
            Self::Sound { link, fault } => match fault {
                SoundFault::Missing { why } => write!(f, "{link}: expected a recording, the server has none ({why})"),
                SoundFault::Empty => write!(f, "{link}: expected sound, the recording is empty"),
                SoundFault::Short { recorded, played } => {
                    let (recorded, played) = (seconds(*recorded), seconds(*played));
                    write!(f, "{link}: expected {played} of sound, the recording has only {recorded}")
                }
            },
            Self::Rang { link, after } => {
                write!(f, "{link}: rang {} after the call went out, expected no ringing", seconds(*after))
            }
            Self::Answered { link, after } => {
                write!(f, "{link}: answered {} after the call went out, expected no answer", seconds(*after))
            }
            Self::NoArrival { link, within, origin } => {
                write!(f, "{link}: no call arrived within {}", seconds(*within))?;
                match origin {
                    Origin::Link { src, progress } => write!(f, "; {src} saw {progress}"),
                    Origin::Trigger { result } => write!(f, "; {result}"),
                    Origin::Person => Ok(()),
                }
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
            Self::DeliveredTwice { link, again } => {
                let times = if *again == 1 { "once".into() } else { format!("{again} times") };
                write!(f, "{link}: the call was delivered {times} more, expected it to arrive but once")
            }
            Self::NotDiverted { link, expected, from } => {
                write!(f, "{link}: expected a call diverted from {expected}, ")?;
                match from {
                    Some(from) => write!(f, "it was diverted from {}", shown(from)),
                    None => f.write_str("it says nothing of a diversion"),
                }
            }
            Self::NoRtp { link, side, expected, sent } => write!(
                f,
                "{link} ({}): expected {expected}, received none; 0 RTP packets came in, {sent} went out; look at NAT, \
                 firewalls, codecs and the media address",
                side.word()
            ),
            Self::Digits { wrong } => wrong.iter().enumerate().try_for_each(|(index, wrong)| {
                let separator = if index > 0 { "; " } else { "" };
                write!(f, "{separator}{wrong}")
            }),
            Self::ByOperator => f.write_str("marked as failed by an operator"),
        }
    }
}
