//! How calls end: by whom, with which causes, and in which order the channels tell it, as in the recordings.

use crate::channels::{Key, Technology};
use crate::events::{Event, cause_txt};
use crate::hangup::{bye_code, dialstatus, sip_answer};
use crate::state::State;

/// Why a channel ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Somebody asked for it over REST.
    Requested { cause: u16 },
    /// The dialplan has nothing more for it to do.
    DialplanEnd,
    /// Nobody answered within originate's `timeout`.
    DialTimeout,
    /// `TIMEOUT(absolute)` is over.
    AbsoluteTimeout,
}

impl State {
    pub(crate) fn dial_timed_out(&mut self, outbound: Key) {
        if self.channels.get(outbound).is_some_and(|channel| !channel.is_up()) {
            self.end(outbound, Ending::DialTimeout);
        }
    }

    pub(crate) fn absolute_timeout_passed(&mut self, key: Key, setting: u32) {
        if self.channels.get(key).is_some_and(|channel| channel.absolute_timeouts == setting) {
            self.end(key, Ending::AbsoluteTimeout);
        }
    }

    /// Ends a channel, and with it the call.
    pub(crate) fn end(&mut self, key: Key, ending: Ending) {
        match self.channels.get(key) {
            Some(channel) if channel.is_outbound() => self.end_outbound(key, ending),
            Some(_) => self.end_inbound(key, ending),
            None => {}
        }
    }

    fn end_outbound(&mut self, key: Key, ending: Ending) {
        let Some(channel) = self.channels.get(key) else { return };
        let (is_up, other) = (channel.is_up(), channel.other);
        let is_wire = channel.technology == Technology::Wire;
        let cause = match ending {
            Ending::Requested { cause } => cause,
            Ending::DialplanEnd => 0,
            Ending::AbsoluteTimeout if is_up => 0,
            Ending::DialTimeout | Ending::AbsoluteTimeout => 19,
        };
        let tech_cause = bye_code(cause).filter(|_| is_wire);
        if let Ending::Requested { .. } = ending {
            self.request_soft_hangup(key, 32);
            if !is_up {
                self.tell_dial(key, dialstatus(cause));
            }
        }
        self.leave_app(key);
        match other {
            Some(far_half) if !is_wire => {
                self.request_hangup(far_half, cause, None);
                self.destroy(key, cause, tech_cause);
                self.leave_app(far_half);
                self.request_soft_hangup(far_half, 16);
                self.destroy(far_half, cause, None);
            }
            Some(inbound) => {
                self.destroy(key, cause, tech_cause);
                // A caller that has not been answered cancels: 487.
                self.request_hangup(inbound, cause, if is_up { tech_cause } else { Some(487) });
                self.leave_app(inbound);
                self.destroy(inbound, cause, None);
            }
            None => self.destroy(key, cause, tech_cause),
        }
    }

    fn end_inbound(&mut self, key: Key, ending: Ending) {
        let Some(channel) = self.channels.get(key) else { return };
        let (other, is_up) = (channel.other, channel.is_up());
        let is_wire = channel.technology == Technology::Wire;
        let cause = match ending {
            Ending::Requested { cause } => cause,
            Ending::DialplanEnd => 16,
            Ending::DialTimeout | Ending::AbsoluteTimeout => 0,
        };
        if let Ending::Requested { .. } = ending {
            self.request_soft_hangup(key, 32);
        }
        self.leave_app(key);
        if let (Ending::DialplanEnd, Some(channel)) = (ending, self.channels.get_mut(key)) {
            channel.object.dialplan.app_name = "Hangup".to_owned();
        }
        let Some(outbound) = other else {
            self.destroy(key, cause, None);
            return;
        };
        if is_wire && !is_up {
            let (sip_code, cause) = sip_answer(cause);
            self.far_half_ends(outbound, cause, Some(sip_code));
        } else {
            self.far_half_ends(outbound, cause, bye_code(cause));
        }
    }

    /// The far end of an outbound channel's call rejects it or hangs up; a far half on this server ends too.
    pub(crate) fn far_half_ends(&mut self, outbound: Key, cause: u16, sip_code: Option<u16>) {
        let Some(channel) = self.channels.get(outbound) else { return };
        let (is_up, far_half) = (channel.is_up(), channel.other);
        let is_wire = channel.technology == Technology::Wire;
        let tech_cause = sip_code.filter(|_| is_wire);
        if let Some(far_half) = far_half {
            self.leave_app(far_half);
            if !is_wire {
                self.request_soft_hangup(far_half, 16);
            }
        }
        self.request_hangup(outbound, cause, tech_cause);
        if let Some(far_half) = far_half {
            self.destroy(far_half, cause, None);
        }
        if !is_up {
            self.tell_dial(outbound, dialstatus(cause));
        }
        self.leave_app(outbound);
        self.destroy(outbound, cause, tech_cause);
    }

    /// Whatever is at the other end of a channel hangs up.
    pub(crate) fn other_end_hangs_up(&mut self, key: Key, cause: u16) {
        let Some(channel) = self.channels.get(key) else { return };
        let outbound = if channel.is_outbound() { Some(key) } else { channel.other };
        if !channel.is_outbound() {
            self.request_hangup(key, cause, None);
            self.leave_app(key);
            if outbound.is_none() {
                self.destroy(key, cause, None);
            }
        }
        if let Some(outbound) = outbound {
            self.far_half_ends(outbound, cause, bye_code(cause));
        }
    }

    pub(crate) fn request_soft_hangup(&mut self, key: Key, cause: u16) {
        self.tell(key, |channel| Event::ChannelHangupRequest {
            cause: Some(cause),
            soft: Some(true),
            tech_cause: None,
            channel: &channel.object,
        });
    }

    pub(crate) fn request_hangup(&mut self, key: Key, cause: u16, tech_cause: Option<u16>) {
        self.tell(key, |channel| Event::ChannelHangupRequest {
            // Over a wire, an end without a cause is shown without the key.
            cause: (cause != 0 || channel.technology == Technology::Local).then_some(cause),
            soft: None,
            tech_cause,
            channel: &channel.object,
        });
    }

    pub(crate) fn destroy(&mut self, key: Key, cause: u16, tech_cause: Option<u16>) {
        self.run_h_extension(key);
        self.end_snoops(key);
        let Some(channel) = self.channels.get_mut(key) else { return };
        let is_outbound = channel.is_outbound();
        let dialplan = &mut channel.object.dialplan;
        (dialplan.app_name, dialplan.app_data) = match is_outbound {
            true => ("AppDial2".to_owned(), "(Outgoing Line)".to_owned()),
            false => Default::default(),
        };
        self.tell(key, |channel| Event::ChannelDestroyed {
            cause,
            cause_txt: cause_txt(cause),
            tech_cause,
            channel: &channel.object,
        });
        self.channels.remove(key);
    }

    /// With a dialplan whose pattern matches `h` too, an inbound channel that was in an application enters it once more
    /// on its way out.
    fn run_h_extension(&mut self, key: Key) {
        let Some(channel) = self.channels.get(key) else { return };
        let is_call = !channel.is_outbound() && channel.technology != Technology::Snoop;
        let was_in_app = is_call && !channel.stasis_args.is_empty();
        if self.dialplan_catches_h && was_in_app && self.apps.is_registered(&self.dialplan_app) {
            self.enter_dialplan_app(key, &["h".to_owned(), String::new()]);
            self.leave_app(key);
        }
    }
}
