//! Events that no call has caused: of an unknown type, cut off, or about a channel that nobody asked for.

use serde_json::json;

use crate::events::ASTERISK_ID;
use crate::state::State;

impl State {
    /// Sends an event of a type that no version of Asterisk has, with fields of unexpected kinds.
    pub(crate) fn tell_unknown_event(&mut self) {
        let event = json!({
            "type": "ChannelTeleported",
            "timestamp": self.timestamp(),
            "asterisk_id": ASTERISK_ID,
            "application": self.dialplan_app,
            "destination": {"planet": 4, "cities": [null, "Lowell"]},
        });
        self.apps.deliver_to_all(&event.to_string().into());
    }

    /// Sends the beginning of an event, as a peer that was cut off in mid-frame would.
    pub(crate) fn tell_truncated_event(&mut self) {
        let timestamp = self.timestamp();
        let frame = format!(r#"{{"type":"ChannelDtmfReceived","timestamp":"{timestamp}","digit":"5","chan"#);
        self.apps.deliver_to_all(&frame.into());
    }

    /// Sends what happens to a channel that no client has asked for.
    pub(crate) fn tell_foreign_events(&mut self) {
        let timestamp = self.timestamp();
        let channel = json!({
            "id": "1000000000.1",
            "name": "PJSIP/stranger-00000001",
            "state": "Up",
            "protocol_id": "foreign",
            "caller": {"name": "", "number": "110"},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {"context": "default", "exten": "s", "priority": 1, "app_name": "Dial", "app_data": ""},
            "creationtime": timestamp,
            "language": "en",
        });
        for event in [
            json!({"type": "Dial", "dialstatus": "RINGING", "forward": "", "dialstring": "110", "peer": channel}),
            json!({"type": "ChannelStateChange", "channel": channel}),
            json!({"type": "ChannelDtmfReceived", "digit": "5", "duration_ms": 100, "channel": channel}),
            json!({"type": "ChannelHangupRequest", "cause": 17, "channel": channel}),
            json!({"type": "StasisEnd", "channel": channel}),
            json!({"type": "ChannelDestroyed", "cause": 17, "cause_txt": "User busy", "channel": channel}),
        ] {
            let mut event = event;
            event["timestamp"] = json!(timestamp);
            event["asterisk_id"] = json!(ASTERISK_ID);
            event["application"] = json!(self.dialplan_app);
            self.apps.deliver_to_all(&event.to_string().into());
        }
    }
}
