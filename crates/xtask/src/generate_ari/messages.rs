//! Writes `events.rs`: what arrives on the events WebSocket, and the enum of all of it.

use super::description::{Description, Model};
use super::{header, names, types};

/// The text of `events.rs`.
pub(crate) fn events(description: &Description) -> String {
    let mut text = header("What arrives on the events WebSocket, one struct a type.");
    text += "#![allow(missing_docs, reason = \"names and types only: what a field means, Asterisk's documentation says\")]\n\n";
    text += "use serde::{Deserialize, Serialize};\nuse serde_json::Value;\n\n";
    text += "use super::models::*;\nuse crate::date::Date;\nuse crate::delivery::subjects::Subjects;\nuse crate::event::events;\nuse crate::text::Text;\n\n";
    for message in description.messages() {
        let properties = description.message_properties(message);
        text += &types::structure(description, message, &properties, "Message");
        text += &types::about(description, message, &properties);
    }
    text + &all(description)
}

/// The macro call that makes the enum: message by message, its name in Rust and what it holds, Asterisk's name, and the
/// field with its time.
fn all(description: &Description) -> String {
    let variants: String = description.messages().map(|message| variant(description, message)).collect();
    format!("events! {{\n{variants}}}\n")
}

fn variant(description: &Description, message: &Model) -> String {
    let properties = description.message_properties(message);
    let name = names::type_name(&message.name);
    let timestamp = properties.iter().find(|property| property.name == "timestamp").map_or("", |_| "timestamp");
    format!("    {name}({name}) = {:?} [{timestamp}],\n", message.name)
}
