//! Snoop channels: channels of the server's own that listen in on another channel, for as long as that exists.

use crate::channels::{Channel, Key, Technology};
use crate::events::{ChannelObject, ChannelState, Dialplan, Party};
use crate::message::{Answer, Outcome, Params};
use crate::state::State;

impl State {
    /// `POST /channels/{id}/snoop/{snoop}`, or with `snoopId` as a parameter, or without any.
    pub(crate) fn snoop(&mut self, id: &str, snoop: Option<&str>, params: &Params<'_>) -> Outcome {
        let target = self.channels.find(id).and_then(|key| Some((key, self.channels.get(key)?.object.id.clone())));
        let (target, target_id) = target.ok_or_else(|| Answer::message(404, "Provided channel was not found"))?;
        let app = params.required("app", "Application name is required")?;
        if ["spy", "whisper"].iter().all(|way| params.get(way).is_none_or(|way| way == "none")) {
            let message = "Direction must be specified for at least one of spy or whisper";
            return Err(Answer::message(400, message));
        }
        let number = self.next_number();
        let id = snoop.map(str::to_owned).or_else(|| params.get("snoopId"));
        let object = ChannelObject {
            id: id.unwrap_or_else(|| format!("{}.{number}", self.clock.seconds(self.now))),
            name: format!("Snoop/{target_id}-{number:08x}"),
            state: ChannelState::Up,
            protocol_id: String::new(),
            caller: Party::default(),
            connected: Party::default(),
            accountcode: String::new(),
            dialplan: Dialplan {
                context: "default".to_owned(),
                exten: "s".to_owned(),
                priority: 1,
                app_name: String::new(),
                app_data: String::new(),
            },
            creationtime: self.timestamp(),
            language: "en".to_owned(),
            channelvars: Default::default(),
        };
        let mut channel = Channel::new(object, Technology::Snoop);
        channel.listen(&app);
        let answer = Answer::object(200, &channel.object);
        let key = self.channels.create(channel).map_err(|taken| Answer::message(409, &taken.to_string()))?;
        if let Some(target) = self.channels.get_mut(target) {
            target.snoops.push(key);
        }
        let args = params.get("appArgs").unwrap_or_default();
        let args: Vec<String> = args.split(',').filter(|arg| !arg.is_empty()).map(str::to_owned).collect();
        if self.apps.is_registered(&app) {
            self.enter_app(key, &app, &args);
        } else {
            self.end_snoop(key);
        }
        Ok(answer)
    }

    /// Whatever listens in on a channel ends with it.
    pub(crate) fn end_snoops(&mut self, target: Key) {
        let snoops = self.channels.get_mut(target).map(|channel| std::mem::take(&mut channel.snoops));
        for snoop in snoops.unwrap_or_default() {
            self.end_snoop(snoop);
        }
    }

    /// A snoop channel's end is its `StasisEnd`; its `ChannelDestroyed` is not delivered.
    fn end_snoop(&mut self, key: Key) {
        self.leave_app(key);
        self.channels.remove(key);
    }
}
