//! Why a run could not find out: nothing in here speaks against the phone network.

use std::time::Duration;

use crate::cause::{CallEnd, ExpectedCause};
use crate::plan::{LinkName, ServerName};

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
    /// Asterisk was stopped or restarted.
    #[error("{link}: its Asterisk server is being stopped, and hung the call up")]
    ServerStopped {
        /// The link whose call it hung up.
        link: LinkName,
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
    /// A server stood still for a while, or the connection to it did, and with it perhaps the call.
    #[error("server {server} was silent for {:.1} s during the run, so what was late, spoilt or not seen proves nothing", by.as_secs_f64())]
    StoodStill {
        /// Which server.
        server: ServerName,
        /// For how long.
        by: Duration,
    },
    /// A channel was gone although no event had told of its end, so other events may be lost as well.
    #[error(
        "channel {channel} was gone on server {server} and no event had told of that, so what was not seen proves nothing"
    )]
    EndUntold {
        /// Which server.
        server: ServerName,
        /// The channel's id.
        channel: String,
    },
    /// A server sent events that could not be read, so any of them may have been the one that was missing.
    #[error("server {server} sent events that could not be read, so what was not seen proves nothing")]
    Unreadable {
        /// Which server.
        server: ServerName,
    },
    /// Events came in faster than the run could take them.
    #[error("more events came in than the run could take; none is trusted any more")]
    Overflow,
    /// Our own process was too late to see things in time.
    #[error("this process was held up for {:.1} s during the run, so what was late, spoilt or not seen proves nothing", by.as_secs_f64())]
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
    /// A call ended at once and without a word, as one does that leads nowhere in the dialplan; but also one for which the
    /// server has no room.
    #[error(
        "{dial_string} ended at once, without a reason: either the dialplan has no such extension or context, or server \
         {server} has as many calls as its asterisk.conf allows ({limit})"
    )]
    NoRoom {
        /// What was dialled.
        dial_string: String,
        /// Which server.
        server: ServerName,
        /// What limits it, as its configuration says it.
        limit: String,
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
    /// The guard did not let the call out.
    #[error("the call did not go out by {rule}: {why}")]
    GuardRefused {
        /// The rule's name, as `guard.calls_per_hour of link trunk: 60`.
        rule: String,
        /// What that means.
        why: String,
    },
    /// What should have caused the call went wrong.
    #[error("the trigger failed: {why}")]
    TriggerFailed {
        /// What was done, and what came of it.
        why: String,
    },
    /// What should have caused the call was still under way when the time was up.
    #[error("no call arrived on {link} within {:.0} s, but the trigger was not done by then either: {what}", within.as_secs_f64())]
    TriggerUnfinished {
        /// The link that waited.
        link: LinkName,
        /// The run's limit.
        within: Duration,
        /// What was under way.
        what: String,
    },
    /// A SIP status was asked of a server that does not report any.
    #[error("server {server} runs Asterisk {version}, which does not report SIP codes: {wanted} needs 22.7 or newer")]
    NoSipCodes {
        /// Which server.
        server: ServerName,
        /// Its version.
        version: String,
        /// What the test expects.
        wanted: ExpectedCause,
    },
    /// A SIP status was expected, and the channel that ended told none.
    #[error(
        "{link}: rejected with {end}, but without a SIP code, so {wanted} cannot be checked; does the link dial by SIP?"
    )]
    SipCodeUntold {
        /// The link called out on.
        link: LinkName,
        /// Why the call ended.
        end: CallEnd,
        /// What the test expects.
        wanted: ExpectedCause,
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
    /// The script stopped short and the facts do not tell why.
    #[error("the call stopped while {link} waited for {awaiting}, and nothing that was seen explains it")]
    Unexplained {
        /// The link.
        link: LinkName,
        /// What was awaited.
        awaiting: &'static str,
    },
}

impl Trouble {
    /// Whether it only casts doubt on what was not seen. What was seen stands all the same.
    pub fn is_doubt(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::EndUntold { .. })
    }
}
