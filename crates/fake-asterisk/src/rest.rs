//! The REST interface: which operation a request is, and those operations that are not about channels. Statuses and
//! messages are those of the recordings.

use axum::http::Method;
use serde_json::{Value, json};

use crate::apps::NotAFilter;
use crate::behaviour::EndpointState;
use crate::ends::Ending;
use crate::events::ASTERISK_ID;
use crate::message::{Answer, Outcome, Params};
use crate::state::State;

/// What can be asked of the server.
#[derive(Debug)]
enum Operation<'a> {
    Ping,
    Info,
    GetGlobalVariable,
    SetGlobalVariable,
    ListApplications,
    GetApplication(&'a str),
    SetEventFilter(&'a str),
    Subscribe(&'a str),
    Unsubscribe(&'a str),
    SendUserEvent(&'a str),
    OpenWebSocket,
    ListEndpoints(Option<&'a str>),
    GetEndpoint(&'a str, &'a str),
    ListNothing,
    ListChannels,
    GetChannel(&'a str),
    Originate(Option<&'a str>),
    HangUp(&'a str),
    Ring(&'a str),
    StopRinging(&'a str),
    Answer(&'a str),
    Continue(&'a str),
    SendDtmf(&'a str),
    StartSilence(&'a str),
    StopSilence(&'a str),
    Play(&'a str, Option<&'a str>),
    GetPlayback(&'a str),
    StopPlayback(&'a str),
    Snoop(&'a str, Option<&'a str>),
    Record(&'a str),
    GetLiveRecording(&'a str),
    StopRecording(&'a str),
    ListStoredRecordings,
    GetStoredRecording(&'a str),
    GetStoredFile(&'a str),
    DeleteStoredRecording(&'a str),
    GetVariable(&'a str),
    SetVariable(&'a str),
}

impl<'a> Operation<'a> {
    fn of(method: &Method, path: &[&'a str]) -> Option<Self> {
        Some(match (method.as_str(), path) {
            ("GET", ["asterisk", "ping"]) => Self::Ping,
            ("GET", ["asterisk", "info"]) => Self::Info,
            ("GET", ["asterisk", "variable"]) => Self::GetGlobalVariable,
            ("POST", ["asterisk", "variable"]) => Self::SetGlobalVariable,
            ("GET", ["applications"]) => Self::ListApplications,
            ("GET", ["applications", app]) => Self::GetApplication(app),
            ("PUT", ["applications", app, "eventFilter"]) => Self::SetEventFilter(app),
            ("POST", ["applications", app, "subscription"]) => Self::Subscribe(app),
            ("DELETE", ["applications", app, "subscription"]) => Self::Unsubscribe(app),
            ("GET", ["events"]) => Self::OpenWebSocket,
            ("POST", ["events", "user", name]) => Self::SendUserEvent(name),
            ("GET", ["endpoints"]) => Self::ListEndpoints(None),
            ("GET", ["endpoints", technology]) => Self::ListEndpoints(Some(technology)),
            ("GET", ["endpoints", technology, resource]) => Self::GetEndpoint(technology, resource),
            ("GET", ["bridges"]) => Self::ListNothing,
            ("GET", ["channels"]) => Self::ListChannels,
            ("POST", ["channels"]) => Self::Originate(None),
            // Not played: an operation of its own, not a channel of this name.
            (_, ["channels", "create" | "externalMedia", ..]) => return None,
            ("GET", ["channels", id]) => Self::GetChannel(id),
            ("POST", ["channels", id]) => Self::Originate(Some(id)),
            ("DELETE", ["channels", id]) => Self::HangUp(id),
            ("POST", ["channels", id, "ring"]) => Self::Ring(id),
            ("DELETE", ["channels", id, "ring"]) => Self::StopRinging(id),
            ("POST", ["channels", id, "answer"]) => Self::Answer(id),
            ("POST", ["channels", id, "continue"]) => Self::Continue(id),
            ("POST", ["channels", id, "dtmf"]) => Self::SendDtmf(id),
            ("POST", ["channels", id, "silence"]) => Self::StartSilence(id),
            ("DELETE", ["channels", id, "silence"]) => Self::StopSilence(id),
            ("POST", ["channels", id, "play"]) => Self::Play(id, None),
            ("POST", ["channels", id, "play", playback]) => Self::Play(id, Some(playback)),
            ("POST", ["channels", id, "snoop"]) => Self::Snoop(id, None),
            ("POST", ["channels", id, "snoop", snoop]) => Self::Snoop(id, Some(snoop)),
            ("POST", ["channels", id, "record"]) => Self::Record(id),
            ("GET", ["recordings", "live", name]) => Self::GetLiveRecording(name),
            ("POST", ["recordings", "live", name, "stop"]) => Self::StopRecording(name),
            ("GET", ["recordings", "stored"]) => Self::ListStoredRecordings,
            ("GET", ["recordings", "stored", name]) => Self::GetStoredRecording(name),
            ("GET", ["recordings", "stored", name, "file"]) => Self::GetStoredFile(name),
            ("DELETE", ["recordings", "stored", name]) => Self::DeleteStoredRecording(name),
            ("GET", ["channels", id, "variable"]) => Self::GetVariable(id),
            ("POST", ["channels", id, "variable"]) => Self::SetVariable(id),
            ("GET", ["playbacks", id]) => Self::GetPlayback(id),
            ("DELETE", ["playbacks", id]) => Self::StopPlayback(id),
            _ => return None,
        })
    }
}

impl State {
    /// Carries out a request whose sender may make it.
    pub(crate) fn answer(&mut self, method: &Method, path: &[String], params: &Params<'_>, is_upgrade: bool) -> Answer {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(operation) = Operation::of(method, &path) else {
            let others = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
            return if others.iter().any(|other| Operation::of(other, &path).is_some()) {
                Answer::message(405, "Invalid method")
            } else {
                Answer::message(404, "Resource not found")
            };
        };
        let outcome = match operation {
            Operation::Ping => Ok(self.ping()),
            Operation::Info => Ok(self.info()),
            Operation::GetGlobalVariable => self.get_global_variable(params),
            Operation::SetGlobalVariable => self.set_global_variable(params),
            Operation::ListApplications => Ok(self.list_applications()),
            Operation::GetApplication(app) => self.get_application(app),
            Operation::SetEventFilter(app) => self.set_event_filter(app, params),
            Operation::Subscribe(app) => self.change_subscription(app, params, true),
            Operation::Unsubscribe(app) => self.change_subscription(app, params, false),
            Operation::SendUserEvent(name) => self.send_user_event(name, params),
            Operation::OpenWebSocket => open_websocket(params, is_upgrade),
            Operation::ListEndpoints(technology) => self.list_endpoints(technology),
            Operation::GetEndpoint(technology, resource) => self.get_endpoint(technology, resource),
            Operation::ListNothing => Ok(Answer::json(200, &json!([]))),
            Operation::ListChannels => Ok(self.list_channels()),
            Operation::GetChannel(id) => self.get_channel(id),
            Operation::Originate(id) => self.originate(id, params),
            Operation::HangUp(id) => self.hang_up(id, params),
            Operation::Ring(id) => self.in_stasis(id).map(|key| {
                self.ring(key);
                Answer::no_content()
            }),
            Operation::StopRinging(id) => self.in_stasis(id).map(|_| Answer::no_content()),
            Operation::Answer(id) => self.in_stasis(id).map(|key| {
                self.answer_channel(key);
                Answer::no_content()
            }),
            Operation::Continue(id) => self.in_stasis(id).map(|key| {
                self.end(key, Ending::DialplanEnd);
                Answer::no_content()
            }),
            Operation::SendDtmf(id) => self.send_dtmf(id, params),
            Operation::StartSilence(id) => self.in_stasis(id).map(|key| {
                self.send_silence(key);
                Answer::no_content()
            }),
            Operation::StopSilence(id) => self.in_stasis(id).map(|_| Answer::no_content()),
            Operation::Play(id, playback) => self.play(id, playback, params),
            Operation::GetPlayback(id) => self.get_playback(id),
            Operation::StopPlayback(id) => match self.stop_playback(id) {
                true => Ok(Answer::no_content()),
                false => Err(Answer::message(404, "Playback not found")),
            },
            Operation::Snoop(id, snoop) => self.snoop(id, snoop, params),
            Operation::Record(id) => self.record(id, params),
            Operation::GetLiveRecording(name) => self.get_live_recording(name),
            Operation::StopRecording(name) => self.stop_recording(name),
            Operation::ListStoredRecordings => Ok(self.list_stored_recordings()),
            Operation::GetStoredRecording(name) => self.get_stored_recording(name),
            Operation::GetStoredFile(name) => self.get_stored_file(name),
            Operation::DeleteStoredRecording(name) => self.delete_stored_recording(name),
            Operation::GetVariable(id) => self.get_variable(id, params),
            Operation::SetVariable(id) => self.set_variable(id, params),
        };
        outcome.unwrap_or_else(|error| error)
    }

    // ---- the server

    fn ping(&self) -> Answer {
        let timestamp = self.timestamp();
        Answer::json(200, &json!({"ping": "pong", "timestamp": timestamp, "asterisk_id": ASTERISK_ID}))
    }

    fn info(&self) -> Answer {
        Answer::json(
            200,
            &json!({
                "build": {
                    "os": "Linux",
                    "kernel": "unknown",
                    "machine": "unknown",
                    "options": "OPTIONAL_API",
                    "date": "2026-07-20 21:35:32 UTC",
                    "user": "nobody",
                },
                "system": {"version": "22.10.1", "entity_id": ASTERISK_ID},
                "config": {
                    "name": "fake-asterisk",
                    "default_language": "en",
                    "setid": {"user": "", "group": ""},
                },
                "status": {"startup_time": self.started_at, "last_reload_time": self.started_at},
            }),
        )
    }

    fn get_global_variable(&self, params: &Params<'_>) -> Outcome {
        let name = params.required("variable", "Variable name is required")?;
        let value = self.global_variables.get(&name).map_or("", String::as_str);
        Ok(Answer::json(200, &json!({"value": value})))
    }

    fn set_global_variable(&mut self, params: &Params<'_>) -> Outcome {
        let name = params.required("variable", "Variable name is required")?;
        match params.get("value") {
            Some(value) => self.global_variables.insert(name, value),
            None => self.global_variables.remove(&name),
        };
        Ok(Answer::no_content())
    }

    // ---- applications

    fn list_applications(&self) -> Answer {
        let objects: Vec<Value> = self.application_names().iter().map(|app| self.application(app)).collect();
        Answer::json(200, &json!(objects))
    }

    fn get_application(&self, app: &str) -> Outcome {
        match self.application_names().iter().any(|name| name == app) {
            true => Ok(Answer::json(200, &self.application(app))),
            false => Err(Answer::message(404, "Application not found")),
        }
    }

    fn set_event_filter(&mut self, app: &str, params: &Params<'_>) -> Outcome {
        if !self.application_names().iter().any(|name| name == app) {
            return Err(Answer::message(404, "Application not found"));
        }
        let set = self.apps.set_filter(app, params.body());
        set.map_err(|NotAFilter| Answer::message(400, "Invalid format definition"))?;
        Ok(Answer::json(200, &self.application(app)))
    }

    /// Subscribes an application to channels, or ends that. Other sources are not played.
    fn change_subscription(&mut self, app: &str, params: &Params<'_>, is_subscribed: bool) -> Outcome {
        self.get_application(app)?;
        let sources = params.required("eventSource", "Missing parameter eventSource")?;
        for source in sources.split(',') {
            let id =
                source.strip_prefix("channel:").ok_or_else(|| Answer::message(400, "Invalid event source scheme"))?;
            let key = self.channels.find(id);
            let channel = key.and_then(|key| self.channels.get_mut(key));
            let channel = channel.ok_or_else(|| Answer::message(422, "Event source does not exist"))?;
            match is_subscribed {
                true => channel.listen(app),
                false => channel.listeners.retain(|listener| listener != app),
            }
        }
        Ok(Answer::json(200, &self.application(app)))
    }

    /// Applications exist while they have a WebSocket or channels.
    fn application_names(&self) -> Vec<String> {
        let owners = self.channels.iter().filter_map(|channel| channel.app.as_deref());
        let mut names: Vec<String> = self.apps.registered().chain(owners).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    fn application(&self, app: &str) -> Value {
        let channels = self.channels.iter().filter(|channel| channel.listeners.iter().any(|listener| listener == app));
        let ids: Vec<&str> = channels.map(|channel| channel.object.id.as_str()).collect();
        let (allowed, disallowed) = self.apps.filter(app);
        json!({
            "name": app,
            "channel_ids": ids,
            "bridge_ids": [],
            "endpoint_ids": [],
            "device_names": [],
            "events_allowed": allowed,
            "events_disallowed": disallowed,
        })
    }

    fn send_user_event(&mut self, name: &str, params: &Params<'_>) -> Outcome {
        let app = params.required("application", "Missing parameter application")?;
        if !self.apps.is_registered(&app) {
            return Err(Answer::message(404, "Application not found"));
        }
        let mut userevent = params.body().get("variables").cloned().unwrap_or_else(|| json!({}));
        userevent["eventname"] = json!(name);
        self.tell_user_event(&app, name, userevent);
        Ok(Answer::no_content())
    }

    // ---- endpoints

    fn list_endpoints(&self, technology: Option<&str>) -> Outcome {
        let endpoints: Vec<Value> = self
            .far_ends
            .endpoints()
            .into_iter()
            .filter(|(tech, ..)| technology.is_none_or(|wanted| wanted == tech))
            .map(|(tech, resource, state)| self.endpoint(&tech, &resource, state))
            .collect();
        match technology {
            Some(tech) if endpoints.is_empty() && tech != "PJSIP" => {
                Err(Answer::message(404, &format!("No Endpoints found - invalid tech {tech}")))
            }
            _ => Ok(Answer::json(200, &json!(endpoints))),
        }
    }

    fn get_endpoint(&self, technology: &str, resource: &str) -> Outcome {
        let endpoints = self.far_ends.endpoints();
        let found = endpoints.iter().find(|(tech, res, _)| (tech.as_str(), res.as_str()) == (technology, resource));
        match found {
            Some((tech, res, state)) => Ok(Answer::json(200, &self.endpoint(tech, res, *state))),
            None => Err(Answer::message(404, "Endpoint not found")),
        }
    }

    fn endpoint(&self, technology: &str, resource: &str, state: EndpointState) -> Value {
        let name = format!("{technology}/{resource}-");
        let channels = self.channels.iter().filter(|channel| channel.object.name.starts_with(&name));
        let ids: Vec<&str> = channels.map(|channel| channel.object.id.as_str()).collect();
        let state = match state {
            EndpointState::Online => "online",
            EndpointState::Offline => "offline",
        };
        json!({"technology": technology, "resource": resource, "state": state, "channel_ids": ids})
    }
}

/// Whether a WebSocket may be opened; 101 lets the handler go on.
fn open_websocket(params: &Params<'_>, is_upgrade: bool) -> Outcome {
    match is_upgrade {
        false => Err(Answer::html(426, "Upgrade Required", "")),
        true if params.get("app").is_none() => {
            Err(Answer::html(400, "Bad Request", "HTTP request is missing param: [app]"))
        }
        true => Ok(Answer { status: 101, body: None }),
    }
}
