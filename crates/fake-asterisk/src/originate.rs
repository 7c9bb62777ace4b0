//! Originating calls: from the parameters of the request to the new channels, and channel variables.

use std::time::Duration;

use serde_json::{Value, json};

use crate::behaviour::{FarEnd, Hearing};
use crate::channels::{Channel, DialledFarEnd, Dialling, Key, Technology};
use crate::events::{ChannelObject, ChannelState, Dialplan, Event, Party};
use crate::message::{Answer, Params};
use crate::state::State;
use crate::timers::Timer;

/// The longest id that Asterisk takes.
const MAX_ID: usize = 149;
/// Originate's timeout when none is given.
const DEFAULT_TIMEOUT: i64 = 30;

/// A dial string taken apart: `TECH/number@place`, or `TECH/place`.
#[derive(Debug)]
struct DialString<'a> {
    technology: &'a str,
    /// What comes after the technology.
    rest: &'a str,
    number: &'a str,
    place: &'a str,
}

impl<'a> DialString<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (technology, rest) = text.split_once('/').filter(|(tech, rest)| !tech.is_empty() && !rest.is_empty())?;
        // A Local channel's options come after another slash.
        let called = if technology == "Local" { rest.split('/').next().unwrap_or(rest) } else { rest };
        let (number, place) = called.rsplit_once('@').unwrap_or(match technology {
            "Local" => (called, "default"),
            _ => ("", called),
        });
        Some(Self { technology, rest, number, place })
    }
}

impl State {
    /// `POST /channels/{id}`, or `POST /channels` without an id.
    pub(crate) fn originate(&mut self, id: Option<&str>, params: &Params<'_>) -> Result<Answer, Answer> {
        let endpoint = params.get("endpoint").ok_or_else(|| Answer::message(400, "Endpoint must be specified"))?;
        let dialled = DialString::parse(&endpoint).ok_or_else(|| Answer::message(400, "Invalid endpoint specified"))?;
        if params.get("app").is_none() && params.get("extension").is_none() {
            return Err(Answer::message(400, "Application or extension must be specified"));
        }
        let id = match id {
            Some(id) if id.len() > MAX_ID => {
                return Err(Answer::message(400, "Uniqueid length exceeds maximum of 149"));
            }
            Some(id) => id.to_owned(),
            None => format!("{}.{}", self.clock.seconds(self.now), self.next_number()),
        };
        let far_end = self.far_ends.of(&endpoint);
        if let FarEnd::EndpointOffline | FarEnd::EndpointUnknown = far_end {
            return Err(Answer::json(500, &json!({"error": "Allocation failed"})));
        }
        let outbound = self.create_outbound(&id, &dialled, &far_end, params)?;
        let created = self.channels.get(outbound).map(|channel| Answer::object(200, &channel.object));
        self.begin_call(outbound, &far_end, params);
        created.ok_or_else(|| Answer::message(500, "the new channel is gone"))
    }

    /// Creates the outbound channel, and the second half of a `Local` one.
    fn create_outbound(
        &mut self,
        id: &str,
        dialled: &DialString<'_>,
        far_end: &FarEnd,
        params: &Params<'_>,
    ) -> Result<Key, Answer> {
        let number = self.next_number();
        let is_local = dialled.technology == "Local";
        let caller = params.get("callerId").map(|text| Party::parse(&text)).unwrap_or_default();
        let (context, exten) = match is_local {
            true => (dialled.place.to_owned(), dialled.number.to_owned()),
            false => (format!("from-{}", dialled.place), "s".to_owned()),
        };
        let name = match is_local {
            true => format!("Local/{}-{number:08x};1", dialled.rest),
            false => format!("{}/{}-{number:08x}", dialled.technology, dialled.place),
        };
        let object = ChannelObject {
            id: id.to_owned(),
            name,
            state: ChannelState::Down,
            protocol_id: if is_local { String::new() } else { format!("outbound-{number:08x}") },
            caller: caller.clone(),
            connected: caller,
            accountcode: String::new(),
            dialplan: Dialplan {
                context,
                exten,
                priority: 1,
                app_name: "AppDial2".to_owned(),
                app_data: "(Outgoing Line)".to_owned(),
            },
            creationtime: self.timestamp(),
            language: "en".to_owned(),
            channelvars: Default::default(),
        };
        let second_half = is_local.then(|| second_half_of(&object));
        let mut channel = Channel::new(object, if is_local { Technology::Local } else { Technology::Wire });
        let app = params.get("app").map(|app| {
            let args = params.get("appArgs").unwrap_or_default();
            let args = if args.is_empty() { Vec::new() } else { args.split(',').map(str::to_owned).collect() };
            (app, args)
        });
        if let Some((app, _)) = &app {
            channel.listen(app);
        }
        let link = if is_local { dialled.number } else { dialled.place };
        let (dialled_far_end, hears) = match far_end {
            FarEnd::Arrives(arrival) => (DialledFarEnd::Arrives(arrival.clone()), arrival.to_outbound.as_slice()),
            FarEnd::Script(script) => (DialledFarEnd::from(script.clone()), &[][..]),
            FarEnd::NoSuchExtension | FarEnd::EndpointOffline | FarEnd::EndpointUnknown => {
                (DialledFarEnd::Script(Default::default()), &[][..])
            }
        };
        channel.hearing = Hearing::altered_by(hears);
        channel.dialling = Some(Dialling {
            dialstring: dialled.rest.to_owned(),
            number: dialled.number.to_owned(),
            link: link.to_owned(),
            app,
            far_end: dialled_far_end,
        });
        let listeners = channel.listeners.clone();
        let outbound = self.channels.create(channel).map_err(|taken| Answer::message(409, &taken.to_string()))?;
        self.set_variables(outbound, params.body().get("variables"));
        if let Some(object) = second_half {
            self.create_second_half(outbound, object, far_end, listeners)?;
        }
        Ok(outbound)
    }

    fn create_second_half(
        &mut self,
        outbound: Key,
        mut object: ChannelObject,
        far_end: &FarEnd,
        listeners: Vec<String>,
    ) -> Result<(), Answer> {
        let inherited = self.channels.get(outbound).map(|channel| channel.variables.clone()).unwrap_or_default();
        if let Some(Channel { object: first_half, .. }) = self.channels.get(outbound) {
            // Each side shows the other's: so CALLERID(num) alone, without callerId=, is not shown as the caller.
            object.caller = first_half.connected.clone();
            object.connected = first_half.caller.clone();
        }
        let mut channel = Channel::new(object, Technology::Local);
        channel.other = Some(outbound);
        channel.listeners = listeners;
        channel.variables = inherited;
        if let FarEnd::Arrives(arrival) = far_end {
            channel.hearing = Hearing::altered_by(&arrival.to_inbound);
            if let Some(caller) = &arrival.caller {
                channel.object.caller = caller.clone();
            }
        }
        match self.channels.create(channel) {
            Ok(inbound) => {
                if let Some(outbound) = self.channels.get_mut(outbound) {
                    outbound.other = Some(inbound);
                }
                Ok(())
            }
            Err(taken) => {
                self.channels.remove(outbound);
                Err(Answer::message(409, &taken.to_string()))
            }
        }
    }

    /// Dials: the far end begins to do what it does.
    fn begin_call(&mut self, outbound: Key, far_end: &FarEnd, params: &Params<'_>) {
        if let FarEnd::NoSuchExtension = far_end {
            self.extension_is_missing(outbound);
            return;
        }
        let seconds = params.number("timeout").unwrap_or(DEFAULT_TIMEOUT);
        if let Ok(seconds) = u64::try_from(seconds) {
            self.timers.add(self.now + Duration::from_secs(seconds), Timer::DialTimeout(outbound));
        }
        self.tell_caller_id(outbound);
        self.tell_dial(outbound, "");
        self.report_variables(outbound, params.body().get("variables"));
        match far_end {
            FarEnd::Arrives(arrival) if arrival.after.is_zero() => self.arrive(outbound),
            FarEnd::Arrives(arrival) => self.timers.add(self.now + arrival.after, Timer::Arrival(outbound)),
            FarEnd::Script(_) => self.begin_script(outbound),
            FarEnd::NoSuchExtension | FarEnd::EndpointOffline | FarEnd::EndpointUnknown => {}
        }
    }

    /// The second half of a `Local` channel has been given the caller ID, if there is one.
    fn tell_caller_id(&mut self, outbound: Key) {
        let Some(second_half) = self.channels.get(outbound).and_then(|channel| channel.other) else { return };
        if self.channels.get(second_half).is_none_or(|channel| channel.object.caller == Party::default()) {
            return;
        }
        self.tell(second_half, |channel| Event::ChannelCallerId {
            caller_presentation: 0,
            caller_presentation_txt: "Presentation Allowed, Not Screened",
            channel: &channel.object,
        });
        self.tell(second_half, |channel| Event::ChannelConnectedLine { channel: &channel.object });
    }

    // ---- variables

    /// Sets originate's variables: a text each, or an object with `value` and `report_events`.
    fn set_variables(&mut self, key: Key, variables: Option<&Value>) {
        for (name, value) in variables.and_then(Value::as_object).into_iter().flatten() {
            let value = value.get("value").unwrap_or(value);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.set_channel_variable(key, name, &text);
        }
    }

    /// From now on, the channel's events show those of originate's variables that were to be reported. The reply and
    /// the first `Dial` do not show them yet.
    fn report_variables(&mut self, key: Key, variables: Option<&Value>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        for (name, value) in variables.and_then(Value::as_object).into_iter().flatten() {
            if value.get("report_events") == Some(&Value::Bool(true)) {
                let name = name.trim_start_matches('_');
                let value = channel.variables.get(name).cloned().unwrap_or_default();
                channel.object.channelvars.insert(name.to_owned(), value);
            }
        }
    }

    /// Sets a channel's variable; some stand for something that the server does or shows.
    pub(crate) fn set_channel_variable(&mut self, key: Key, name: &str, value: &str) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let name = name.trim_start_matches('_');
        match name {
            "CALLERID(num)" => channel.object.caller.number = value.to_owned(),
            "CALLERID(name)" => channel.object.caller.name = value.to_owned(),
            "CONNECTEDLINE(num)" => channel.object.connected.number = value.to_owned(),
            "CONNECTEDLINE(name)" => channel.object.connected.name = value.to_owned(),
            "CHANNEL(language)" => channel.object.language = value.to_owned(),
            "TIMEOUT(absolute)" => {
                channel.absolute_timeouts += 1;
                let setting = channel.absolute_timeouts;
                let seconds: f64 = value.parse().unwrap_or(0.0);
                if let Some(time) = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero()) {
                    self.timers.add(self.now + time, Timer::AbsoluteTimeout { channel: key, setting });
                }
            }
            _ => {}
        }
        channel.variables.insert(name.to_owned(), value.to_owned());
        if let Some(reported) = channel.object.channelvars.get_mut(name) {
            *reported = value.to_owned();
        }
    }
}

/// The object of a `Local` channel's second half, as it is at its creation.
fn second_half_of(first: &ChannelObject) -> ChannelObject {
    let mut object = first.clone();
    object.id.push_str(";2");
    object.name = format!("{}2", object.name.trim_end_matches('1'));
    object.state = ChannelState::Ring;
    object.dialplan.app_name.clear();
    object.dialplan.app_data.clear();
    object
}
