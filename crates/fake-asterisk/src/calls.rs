//! What happens to calls: they arrive, ring, are answered and end. The order of the events is that of the recordings,
//! one of several that a real server was seen to use; a client must not rely on it.

use crate::behaviour::{Arrival, Hearing, Step};
use crate::channels::{Channel, DialledFarEnd, Key, Technology};
use crate::ends::Ending;
use crate::events::{ChannelObject, ChannelState, Dialplan, Event, Party};
use crate::state::State;
use crate::timers::Timer;

/// The dialplan's place for a channel in the application, as in the recordings.
fn in_dialplan_stasis() -> Dialplan {
    Dialplan {
        context: "calltest".to_owned(),
        exten: "~~s~~".to_owned(),
        priority: 3,
        app_name: String::new(),
        app_data: String::new(),
    }
}

impl State {
    // ---- arriving

    /// The inbound leg of `outbound`'s call enters the dialplan's application, or is refused if nobody listens there.
    pub(crate) fn arrive(&mut self, outbound: Key) {
        let Some(channel) = self.channels.get(outbound) else { return };
        let Some(dialling) = &channel.dialling else { return };
        let DialledFarEnd::Arrives(arrival) = &dialling.far_end else { return };
        let arrival = arrival.clone();
        let args = match channel.technology {
            Technology::Local => [dialling.number.clone(), String::new()],
            Technology::Wire | Technology::Snoop => [dialling.link.clone(), dialling.number.clone()],
        };
        if !self.apps.is_registered(&self.dialplan_app) {
            self.far_half_ends(outbound, 34, Some(503));
            return;
        }
        let inbound = match channel.other {
            Some(inbound) => inbound,
            None => self.create_wire_inbound(outbound, &arrival),
        };
        if arrival.shows_called_number {
            self.show_called_number(outbound);
        }
        self.enter_dialplan_app(inbound, &args);
    }

    /// A call from outside, whose other end is not on this server. Gives the new channel's id.
    pub(crate) fn call_in(&mut self, link: &str, number: &str, caller: Party) -> String {
        let object = self.wire_inbound_object(link, caller);
        let id = object.id.clone();
        let channel = Channel::new(object, Technology::Wire);
        let key = self.channels.create(channel).expect("the server's own ids are all different");
        let args = [link.to_owned(), number.to_owned()];
        if self.apps.is_registered(&self.dialplan_app) {
            self.enter_dialplan_app(key, &args);
        } else {
            self.channels.remove(key);
        }
        id
    }

    fn create_wire_inbound(&mut self, outbound: Key, arrival: &Arrival) -> Key {
        let caller = match (&arrival.caller, self.channels.get(outbound)) {
            (Some(caller), _) => caller.clone(),
            (None, Some(channel)) if channel.object.connected != Party::default() => channel.object.connected.clone(),
            // Without originate's callerId, CALLERID(num) set or not.
            (None, _) => Party::from(("Anonymous", "anonymous")),
        };
        let link = self.channels.get(outbound).and_then(|channel| Some(channel.dialling.as_ref()?.link.clone()));
        let object = self.wire_inbound_object(&link.unwrap_or_default(), caller);
        let mut inbound = Channel::new(object, Technology::Wire);
        inbound.other = Some(outbound);
        inbound.hearing = Hearing::altered_by(&arrival.to_inbound);
        let inbound = self.channels.create(inbound).expect("the server's own ids are all different");
        if let Some(outbound) = self.channels.get_mut(outbound) {
            outbound.other = Some(inbound);
        }
        inbound
    }

    /// The outbound channel shows the number that it has reached as its caller.
    fn show_called_number(&mut self, outbound: Key) {
        if let Some(Channel { object, dialling: Some(dialling), .. }) = self.channels.get_mut(outbound) {
            object.caller = Party { name: String::new(), number: dialling.number.clone() };
        }
    }

    fn wire_inbound_object(&mut self, link: &str, caller: Party) -> ChannelObject {
        let number = self.next_number();
        ChannelObject {
            id: format!("{}.{number}", self.clock.seconds(self.now)),
            name: format!("PJSIP/{link}-{number:08x}"),
            state: ChannelState::Ring,
            protocol_id: format!("inbound-{number:08x}"),
            caller,
            connected: Party::default(),
            accountcode: String::new(),
            dialplan: in_dialplan_stasis(),
            creationtime: self.timestamp(),
            language: "en".to_owned(),
            channelvars: Default::default(),
        }
    }

    pub(crate) fn enter_dialplan_app(&mut self, inbound: Key, args: &[String]) {
        let app = self.dialplan_app.clone();
        if let Some(channel) = self.channels.get_mut(inbound) {
            channel.object.dialplan = in_dialplan_stasis();
        }
        self.enter_app(inbound, &app, args);
    }

    /// The channel enters an application that is registered.
    pub(crate) fn enter_app(&mut self, key: Key, app: &str, args: &[String]) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.app = Some(app.to_owned());
        channel.stasis_args = args.to_vec();
        let dialplan = &mut channel.object.dialplan;
        dialplan.app_name = "Stasis".to_owned();
        dialplan.app_data = std::iter::once(app).chain(args.iter().map(String::as_str)).collect::<Vec<_>>().join(",");
        let (is_outbound, is_snoop) = (channel.is_outbound(), channel.technology == Technology::Snoop);
        if !is_outbound && !is_snoop {
            self.tell(key, |channel| Event::ChannelDialplan {
                dialplan_app: "Stasis",
                dialplan_app_data: &channel.object.dialplan.app_data,
                channel: &channel.object,
            });
        }
        if !is_snoop {
            self.tell_stasis_status(key, "");
        }
        if let Some(channel) = self.channels.get_mut(key) {
            channel.listen(app);
        }
        self.tell(key, |channel| Event::StasisStart { args: &channel.stasis_args, channel: &channel.object });
    }

    /// The channel leaves the application, if it is in one.
    pub(crate) fn leave_app(&mut self, key: Key) {
        self.end_media(key);
        let Some(channel) = self.channels.get_mut(key) else { return };
        let Some(_app) = channel.app.take() else { return };
        self.tell(key, |channel| Event::StasisEnd { channel: &channel.object });
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.technology != Technology::Local && !channel.is_outbound() {
            // Nobody but its application heard of it; its ChannelDestroyed is not delivered.
            channel.listeners.clear();
        }
        self.tell_stasis_status(key, "SUCCESS");
    }

    fn tell_stasis_status(&mut self, key: Key, value: &'static str) {
        self.tell(key, |channel| Event::ChannelVarset { variable: "STASISSTATUS", value, channel: &channel.object });
    }

    // ---- the far end's doings, as the outbound channel sees them

    /// The far end begins with its script.
    pub(crate) fn begin_script(&mut self, outbound: Key) {
        self.set_far_half_app(outbound, "Wait");
        match self.script(outbound).and_then(|steps| Some(steps.front()?.0)) {
            Some(wait) if wait.is_zero() => self.continue_script(outbound),
            Some(wait) => self.timers.add(self.now + wait, Timer::FarEnd(outbound)),
            None => {}
        }
    }

    /// Does what is due of the far end's script, and comes back when the next step is due.
    pub(crate) fn continue_script(&mut self, outbound: Key) {
        while let Some(step) = self.next_step(outbound) {
            self.set_far_half_app(outbound, step.dialplan_app());
            match step {
                Step::Ring => self.far_end_rings(outbound),
                Step::Answer => {
                    self.set_other_up(outbound);
                    self.far_end_answers(outbound);
                }
                Step::Busy => self.far_end_is_busy(outbound),
                Step::End { cause, sip_code } => self.far_half_ends(outbound, cause, sip_code),
            }
            let wait = self.script(outbound).and_then(|steps| Some(steps.front()?.0));
            if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                self.timers.add(self.now + wait, Timer::FarEnd(outbound));
                break;
            }
        }
        self.set_far_half_app(outbound, "Wait");
    }

    /// The second half of a `Local` channel with a script is in this application of the dialplan.
    fn set_far_half_app(&mut self, outbound: Key, app: &str) {
        let other = self.channels.get(outbound).and_then(|channel| channel.other);
        if let Some(far_half) = other.and_then(|other| self.channels.get_mut(other)) {
            far_half.object.dialplan.app_name = app.to_owned();
        }
    }

    fn next_step(&mut self, outbound: Key) -> Option<Step> {
        self.script(outbound)?.pop_front().map(|(_, step)| step)
    }

    fn script(&mut self, outbound: Key) -> Option<&mut std::collections::VecDeque<(std::time::Duration, Step)>> {
        match &mut self.channels.get_mut(outbound)?.dialling.as_mut()?.far_end {
            DialledFarEnd::Script(steps) => Some(steps),
            DialledFarEnd::Arrives(_) => None,
        }
    }

    pub(crate) fn far_end_rings(&mut self, outbound: Key) {
        match self.channels.get(outbound).map(|channel| channel.object.state) {
            Some(ChannelState::Down) => self.set_state(outbound, ChannelState::Ringing),
            Some(ChannelState::Ringing) => {}
            _ => return,
        }
        self.tell_dial(outbound, "RINGING");
    }

    /// The call is answered: the outbound channel is up and enters its application, or ends if nobody listens there.
    pub(crate) fn far_end_answers(&mut self, outbound: Key) {
        let Some(channel) = self.channels.get(outbound).filter(|channel| !channel.is_up()) else { return };
        let Some(dialling) = &channel.dialling else { return };
        let app = dialling.app.clone();
        self.set_state(outbound, ChannelState::Up);
        self.tell_dial(outbound, "ANSWER");
        match app {
            Some((app, args)) if self.apps.is_registered(&app) => self.enter_app(outbound, &app, &args),
            Some(_) => self.end(outbound, Ending::DialplanEnd),
            None => {}
        }
    }

    /// The second half of a `Local` channel with a script is up; it is in the dialplan, not in an application.
    fn set_other_up(&mut self, outbound: Key) {
        if let Some(other) = self.channels.get(outbound).and_then(|channel| channel.other) {
            self.set_state(other, ChannelState::Up);
        }
    }

    fn far_end_is_busy(&mut self, outbound: Key) {
        let Some(channel) = self.channels.get(outbound) else { return };
        match channel.other.filter(|_| channel.technology == Technology::Local) {
            None => self.far_half_ends(outbound, 17, Some(486)),
            Some(far_half) => {
                self.set_state(far_half, ChannelState::Busy);
                self.tell_dial(outbound, "BUSY");
                self.request_hangup(far_half, 0, None);
                self.destroy(outbound, 0, None);
                self.request_soft_hangup(far_half, 16);
                self.destroy(far_half, 17, None);
            }
        }
    }

    /// There is no such extension: both halves are gone before anything was dialled.
    pub(crate) fn extension_is_missing(&mut self, outbound: Key) {
        let Some(channel) = self.channels.get(outbound) else { return };
        match channel.other.filter(|_| channel.technology == Technology::Local) {
            None => self.far_half_ends(outbound, 1, Some(404)),
            Some(far_half) => {
                self.destroy(far_half, 0, None);
                self.destroy(outbound, 0, None);
            }
        }
    }

    // ---- commands on inbound channels

    /// An inbound channel that has not been answered rings.
    pub(crate) fn ring(&mut self, key: Key) {
        if let Some(outbound) = self.waiting_caller(key) {
            self.far_end_rings(outbound);
        }
    }

    pub(crate) fn answer_channel(&mut self, key: Key) {
        let Some(channel) = self.channels.get(key).filter(|channel| !channel.is_up()) else { return };
        let is_local = channel.technology == Technology::Local;
        let caller = self.waiting_caller(key);
        if !is_local {
            self.set_state(key, ChannelState::Up);
        }
        if let Some(outbound) = caller {
            self.far_end_answers(outbound);
        }
        if is_local {
            self.set_state(key, ChannelState::Up);
        }
    }

    /// An inbound channel sends digits or plays: before the answer, its caller hears that as early media.
    pub(crate) fn send_early_media(&mut self, key: Key) {
        if let Some(outbound) = self.waiting_caller(key) {
            self.tell_dial(outbound, "PROGRESS");
        }
    }

    /// The outbound channel on this server whose call `inbound` has not answered yet.
    fn waiting_caller(&self, inbound: Key) -> Option<Key> {
        let inbound = self.channels.get(inbound)?;
        let caller = inbound.other?;
        let is_waiting = self.channels.get(caller).is_some_and(|caller| caller.is_outbound() && !caller.is_up());
        (is_waiting && !inbound.is_outbound()).then_some(caller)
    }

    // ---- small events

    fn set_state(&mut self, key: Key, state: ChannelState) {
        if let Some(channel) = self.channels.get_mut(key) {
            channel.object.state = state;
            self.tell(key, |channel| Event::ChannelStateChange { channel: &channel.object });
        }
    }

    pub(crate) fn tell_dial(&mut self, outbound: Key, dialstatus: &'static str) {
        self.tell(outbound, |channel| Event::Dial {
            dialstatus,
            forward: "",
            dialstring: channel.dialling.as_ref().map_or("", |dialling| &dialling.dialstring),
            peer: &channel.object,
        });
    }
}
