//! What a SIP far end does with a call, step by step, and the same in the XML that SIPp reads.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// What a far end does with each call: the steps from the INVITE on. After the last one it waits for the caller, who
/// may also cancel the call, or hang up, at any time before.
///
/// Where a description of media (SDP) is sent, nobody listens there and no sound comes: to the caller there is early
/// media, or an answered call, in which all is quiet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scenario {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Sends a provisional response, with or without SDP.
    Respond { status: u16, has_sdp: bool },
    /// Does nothing for a while.
    Pause(Duration),
    /// Ends the call with a final response.
    Reject { status: u16 },
    /// Ends the call with the address of somebody else.
    Redirect { status: u16, to: &'static str },
    /// Takes the call.
    Answer,
    /// Puts the caller on hold, or takes it back, in a call that it has taken.
    Hold { is_on: bool },
    /// Ends the call that it has taken.
    HangUp,
}

impl Scenario {
    /// Says nothing at all: the far end is there, but the caller cannot tell.
    #[must_use]
    pub fn silent() -> Self {
        Self::default()
    }

    /// Says `100 Trying`: the call has come as far as the next server, and no further.
    #[must_use]
    pub fn tries(self) -> Self {
        self.then(Step::Respond { status: 100, has_sdp: false })
    }

    /// Says `180 Ringing`.
    #[must_use]
    pub fn rings(self) -> Self {
        self.then(Step::Respond { status: 180, has_sdp: false })
    }

    /// Says `180 Ringing`, with SDP, as some gateways do.
    #[must_use]
    pub fn rings_with_sdp(self) -> Self {
        self.then(Step::Respond { status: 180, has_sdp: true })
    }

    /// Says `183 Session Progress`, without SDP.
    #[must_use]
    pub fn progresses(self) -> Self {
        self.then(Step::Respond { status: 183, has_sdp: false })
    }

    /// Says `183 Session Progress`, with SDP: early media.
    #[must_use]
    pub fn sends_early_media(self) -> Self {
        self.then(Step::Respond { status: 183, has_sdp: true })
    }

    /// Does nothing for that long.
    #[must_use]
    pub fn waits(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Rejects the call with a status, such as `486`.
    #[must_use]
    pub fn rejects(self, status: u16) -> Self {
        self.then(Step::Reject { status })
    }

    /// Forwards the call to a user of its own, with a status such as `302`.
    #[must_use]
    pub fn redirects(self, status: u16, to: &'static str) -> Self {
        self.then(Step::Redirect { status, to })
    }

    /// Answers the call.
    #[must_use]
    pub fn answers(self) -> Self {
        self.then(Step::Answer)
    }

    /// Puts the caller of a call that it has answered on hold.
    #[must_use]
    pub fn holds(self) -> Self {
        self.then(Step::Hold { is_on: true })
    }

    /// Takes the caller back from hold.
    #[must_use]
    pub fn resumes(self) -> Self {
        self.then(Step::Hold { is_on: false })
    }

    /// Hangs up a call that it has answered.
    #[must_use]
    pub fn hangs_up(self) -> Self {
        self.then(Step::HangUp)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn is_answered(&self) -> bool {
        self.steps.contains(&Step::Answer)
    }
}

/// SIPp's XML. The optional receptions at its beginning are valid during all of the call (`optional="global"`).
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BEGINNING)?;
        self.steps.iter().try_for_each(|step| step.write(f))?;
        let ends_itself = matches!(self.steps.last(), Some(Step::Reject { .. } | Step::Redirect { .. } | Step::HangUp));
        if !ends_itself {
            let awaited = if self.is_answered() { ("BYE", "left") } else { ("CANCEL", "cancelled") };
            writeln!(f, r#"  <recv request="{}" next="{}"/>"#, awaited.0, awaited.1)?;
        }
        f.write_str(END)
    }
}

impl Step {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Respond { status, has_sdp } => send(f, &response(status, has_sdp), ""),
            Self::Pause(time) => writeln!(f, r#"  <pause milliseconds="{}"/>"#, time.as_millis()),
            Self::Reject { status } => {
                send(f, &response(status, false), "")?;
                writeln!(f, r#"  <recv request="ACK" next="over"/>"#)
            }
            Self::Redirect { status, to } => {
                let response = response(status, false).replace("<sip:[local_ip]", &format!("<sip:{to}@[local_ip]"));
                send(f, &response, "")?;
                writeln!(f, r#"  <recv request="ACK" next="over"/>"#)
            }
            Self::Answer => {
                send(f, &response(200, true), r#" retrans="500""#)?;
                writeln!(f, r#"  <recv request="ACK"/>"#)
            }
            Self::Hold { is_on } => {
                let (number, direction) = if is_on { (1, "sendonly") } else { (2, "sendrecv") };
                let invite = REINVITE.replace("[number]", &number.to_string());
                send(f, &format!("{invite}{SDP}a={direction}\n"), r#" retrans="500""#)?;
                writeln!(f, r#"  <recv response="100" optional="true"/>"#)?;
                writeln!(f, r#"  <recv response="200"/>"#)?;
                send(f, &ACK.replace("[number]", &number.to_string()), "")
            }
            Self::HangUp => {
                send(f, BYE, r#" retrans="500""#)?;
                writeln!(f, r#"  <recv response="200" next="over"/>"#)
            }
        }
    }
}

fn send(f: &mut fmt::Formatter<'_>, message: &str, attributes: &str) -> fmt::Result {
    writeln!(f, "  <send{attributes}><![CDATA[\n\n{message}\n]]></send>")
}

/// A response to the caller's latest request.
fn response(status: u16, has_sdp: bool) -> String {
    let reason = reason(status);
    let mut text = format!("SIP/2.0 {status} {reason}\n{RESPONSE_HEADERS}");
    // The parameter without which it is no response of a dialog; 100 has none (RFC 3261 §8.2.6.2).
    let tag = if status == 100 { "" } else { ";tag=[pid]-[call_number]" };
    text = text.replace("[tag]", tag);
    // A login is asked for, which nobody has.
    match status {
        401 => text.push_str("WWW-Authenticate: Digest realm=\"far\", nonce=\"1\"\n"),
        407 => text.push_str("Proxy-Authenticate: Digest realm=\"far\", nonce=\"1\"\n"),
        _ => {}
    }
    let body = if has_sdp { SDP } else { "Content-Length: 0\n" };
    // Writing to a string does not fail.
    let _ = text.write_str(body);
    text
}

/// The phrase that goes with a status (RFC 3261 §21).
fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "No",
    }
}

const RESPONSE_HEADERS: &str = "\
[last_Via:]
[last_From:]
[last_To:][tag]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
";

const SDP: &str = "\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
";

const REINVITE: &str = "\
INVITE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]-[call_number]
To:[$caller]
[last_Call-ID:]
CSeq: [number] INVITE
Contact: <sip:[local_ip]:[local_port]>
Max-Forwards: 70
";

const ACK: &str = "\
ACK [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]-[call_number]
To:[$caller]
[last_Call-ID:]
CSeq: [number] ACK
Max-Forwards: 70
Content-Length: 0
";

/// The far end's own request: what came from the caller in `From` goes into `To`, and the other way about.
const BYE: &str = "\
BYE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]-[call_number]
To:[$caller]
[last_Call-ID:]
CSeq: 9 BYE
Max-Forwards: 70
Content-Length: 0
";

const BEGINNING: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="far end">
  <recv request="CANCEL" optional="global" next="cancelled"/>
  <recv request="BYE" optional="global" next="left"/>
  <recv request="INVITE">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/>
      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>
    </action>
  </recv>
  <Reference variables="caller,callee,contact"/>
"#;

const END: &str = r#"
  <label id="cancelled"/>
  <send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <send><![CDATA[

SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
CSeq: [last_cseq_number] INVITE
Content-Length: 0

]]></send>
  <recv request="ACK" next="over"/>

  <label id="left"/>
  <send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>

  <label id="over"/>
</scenario>
"#;
