//! Why a run could not find out: nothing in here speaks against the phone network.

use std::time::Duration;

use crate::cause::{ExpectedCause, Hangup};
use crate::code::Code;
use crate::name::{LinkName, ServerName};
use crate::number::shown;

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
    /// The server on which the call should have come in takes no calls.
    #[error(
        "server {server} takes no calls: it is about to be stopped, or has as many as it may have ({why}); see what `core show \
         channels` and `core abort shutdown` say there"
    )]
    TakesNoCalls {
        /// Which server.
        server: ServerName,
        /// What it said.
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
    NotVisible {
        /// Which server.
        server: ServerName,
        /// What was tried.
        why: String,
    },
    /// A server stalled for a while, or the connection to it did, and with it perhaps the call.
    #[error("server {server} was silent for {:.1} s during the run, so what was late, corrupted or not seen proves nothing", by.as_secs_f64())]
    ServerStalled {
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
    /// Somebody changed which events a server sends us, so any of them may have been the one that was missing.
    #[error("server {server}: {change}, so what was not seen proves nothing")]
    EventsChanged {
        /// Which server.
        server: ServerName,
        /// What was changed, and that it is set again.
        change: String,
    },
    /// Events came in faster than the run could take them.
    #[error("more events came in than the run could take; none is trusted any more")]
    Overflow,
    /// Our own process was too late to see things in time.
    #[error("this process was held up for {:.1} s during the run, so what was late, corrupted or not seen proves nothing", by.as_secs_f64())]
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
    /// Whether the call went out is not known, since the answer was lost.
    #[error("cannot tell whether {dial_string} was dialled: {why}")]
    OriginateUnclear {
        /// What was to be dialled.
        dial_string: String,
        /// What became of the request.
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
    /// The dial string leads nowhere in the server's own dialplan.
    #[error("{link}: {dial_string} leads nowhere: the dialplan has no such extension or context")]
    NoExtension {
        /// The link called out on.
        link: LinkName,
        /// What was dialled.
        dial_string: String,
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
    #[error("no call arrived on {link} within {:.0} s, but the trigger had not finished either: {what}", within.as_secs_f64())]
    TriggerUnfinished {
        /// The link that waited.
        link: LinkName,
        /// The run's limit.
        within: Duration,
        /// What was under way.
        what: String,
    },
    /// A SIP status was asked of a server that does not report any.
    #[error("server {server} runs {product}, which does not report SIP codes: {wanted} needs 22.7 or newer")]
    NoSipCodes {
        /// Which server.
        server: ServerName,
        /// What it runs, with its version.
        product: String,
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
        end: Hangup,
        /// What the test expects.
        wanted: ExpectedCause,
    },
    /// The test asks for something that the engine behind its link does not show.
    #[error("{link} cannot show {what}, so it cannot be told whether the call was as it should be")]
    CannotShow {
        /// The link called out on.
        link: LinkName,
        /// What it does not show.
        what: &'static str,
    },
    /// A server's clock and ours tell two times, of which one is right and the other wrong.
    #[error(
        "server {server}'s clock stepped during the run: what took {:.1} s by it took {:.1} s by ours, so it cannot be told \
         whether the call was in time; have that clock slewed, not stepped",
        by_server.as_secs_f64(), ours.as_secs_f64()
    )]
    ClockStepped {
        /// Which server.
        server: ServerName,
        /// How long something took by its clock.
        by_server: Duration,
        /// How long it took by ours.
        ours: Duration,
    },
    /// Somebody at our own server did something to a channel of ours.
    #[error(
        "{link}: somebody or something at our own server {what}, which is not the network's doing; look for who uses its \
         command line, ARI or AMI"
    )]
    Interference {
        /// The link of the channel.
        link: LinkName,
        /// What was done, as "hung it up".
        what: &'static str,
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
    /// The far end rejected the call for want of a login, which is our own server's to give.
    #[error(
        "{link}: rejected with {end}: the far end asks for a login, and our server has none for it, or a wrong one; give the \
         endpoint an `outbound_auth` with the right user and password"
    )]
    LoginWanted {
        /// The link called out on.
        link: LinkName,
        /// How it was rejected.
        end: Hangup,
    },
    /// The server never asks whether the endpoint is there.
    #[error("{link}: {why}")]
    EndpointUnqualified {
        /// The link.
        link: LinkName,
        /// What is known of the endpoint, and what to do.
        why: String,
    },
    /// Two calls fit one run, so no one can say which is the right one.
    #[error("two calls that both fit arrived on {link}; give the test a caller ID or number that tells them apart")]
    TwoCallsFit {
        /// The link.
        link: LinkName,
    },
    /// A call arrived of which nobody can tell whether it was this run's own. It was turned away.
    #[error(
        "{link}: a call from {} arrived that may be this test's, or the late one of a run that ended before its own call \
         had arrived; it was rejected",
        shown(caller)
    )]
    PerhapsLate {
        /// The link.
        link: LinkName,
        /// The caller's number as shown, perhaps empty.
        caller: String,
    },
    /// A call that looked like the run's own came in on a link where nobody waited for it, and was rejected by us.
    #[error(
        "a call from {} came in on link {link} for {} meanwhile, and was rejected as busy since no test waits there: what {src} \
         saw may be that rejection; use a number that does not lead to a link of ours, or have a test wait for the call",
        shown(caller),
        shown(dialled)
    )]
    RejectedHere {
        /// The link that the run calls out on.
        src: LinkName,
        /// The link on which it came in.
        link: String,
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
    },
    /// The call that arrived is another one than the run made.
    #[error(
        "the call that came in on {dst} seems to be another one than went out on {src}: {why}; see where the dialled number \
         leads, and who else calls {dst}"
    )]
    OtherCall {
        /// The link that the run called out on.
        src: LinkName,
        /// The link on which the other call came in.
        dst: LinkName,
        /// What shows it.
        why: String,
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
    /// The word for it that programs go by.
    pub fn code(&self) -> Code {
        match self {
            Self::ServerUnavailable { .. } => Code::ServerUnavailable,
            Self::ConnectionLost { .. } => Code::ServerLost,
            Self::ServerStopped { .. } => Code::ServerStopped,
            Self::TakesNoCalls { .. } => Code::TakesNoCalls,
            Self::AppTaken { .. } => Code::AppTaken,
            Self::NotVisible { .. } => Code::OutOfSight,
            Self::ServerStalled { .. } => Code::ServerStalled,
            Self::EndUntold { .. } | Self::Unreadable { .. } => Code::EventsLost,
            Self::EventsChanged { .. } => Code::EventsFiltered,
            Self::Overflow => Code::TesterOverrun,
            Self::LoopDelayed { .. } => Code::TesterDelayed,
            Self::OriginateRefused { .. } => Code::OriginateRefused,
            Self::OriginateUnclear { .. } => Code::OriginateUnclear,
            Self::NoRoom { .. } => Code::ServerFull,
            Self::NoExtension { .. } => Code::NoExtension,
            Self::RequestFailed { .. } => Code::RequestFailed,
            Self::PlaybackFailed { .. } => Code::SoundUnplayable,
            Self::RecordingFailed { .. } => Code::RecordingFailed,
            Self::GuardRefused { .. } => Code::GuardRefused,
            Self::TriggerFailed { .. } => Code::TriggerFailed,
            Self::TriggerUnfinished { .. } => Code::TriggerUnfinished,
            Self::NoSipCodes { .. } | Self::SipCodeUntold { .. } => Code::NoSipCodes,
            Self::CannotShow { .. } => Code::CannotShow,
            Self::ClockStepped { .. } => Code::ClockStepped,
            Self::Interference { .. } => Code::Interference,
            Self::LeaseLost => Code::LeaseLost,
            Self::Late { .. } => Code::CameLate,
            Self::LoginWanted { .. } => Code::LoginWanted,
            Self::EndpointUnqualified { .. } => Code::EndpointUnqualified,
            Self::TwoCallsFit { .. } => Code::TwoCallsFit,
            Self::PerhapsLate { .. } => Code::CallUnclear,
            Self::RejectedHere { .. } => Code::RejectedHere,
            Self::OtherCall { .. } => Code::OtherCall,
            Self::ChannelLeft { .. } => Code::ChannelLeft,
            Self::OutOfTime { .. } => Code::OutOfTime,
            Self::Unexplained { .. } => Code::Unexplained,
        }
    }

    /// Whether it only makes uncertain what was not seen. What was seen stands all the same.
    pub fn is_uncertainty(&self) -> bool {
        matches!(
            self,
            Self::Unreadable { .. } | Self::EndUntold { .. } | Self::EventsChanged { .. } | Self::PerhapsLate { .. }
        )
    }
}
