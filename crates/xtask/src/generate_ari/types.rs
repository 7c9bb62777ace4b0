//! Writes `models.rs`: what requests answer and events contain. Also the types of fields, for the other files.

use std::fmt::Write;

use super::description::{Description, Model, Property};
use super::{header, names};

/// Required properties that Asterisk 16 does not know yet, though 22 always sends them.
const LATER_THAN_16: [(&str, &str); 3] =
    [("Channel", "protocol_id"), ("DialplanCEP", "app_name"), ("DialplanCEP", "app_data")];

/// Models that Asterisk sends with more than it describes; what is left over is kept.
const UNDERDESCRIBED: [&str; 1] = ["RTPstat"];

/// Size in bytes from which a model lies in a box, so that what contains it can be moved cheaply: an event is moved several
/// times before it arrives.
const BOXED_FROM: usize = 256;

/// Models that say themselves what they are about: see `delivery/model_subjects.rs` of the crate.
const SUBJECTS: [&str; 4] = ["Channel", "Bridge", "Playback", "LiveRecording"];

/// The text of `models.rs`.
pub(crate) fn models(description: &Description) -> String {
    let mut text = header("The objects that requests answer and events contain.");
    text += "#![allow(missing_docs, reason = \"names and types only: what a field means, Asterisk's documentation says\")]\n\n";
    text += "use serde::{Deserialize, Serialize};\nuse serde_json::Value;\n\n";
    text += "use crate::date::Date;\nuse crate::delivery::subjects::Subjects;\nuse crate::string_enum::string_enum;\nuse crate::text::Text;\n\n";
    for model in description.models() {
        let properties: Vec<&Property> = model.properties.iter().collect();
        text += &structure(description, model, &properties, "Object");
        if !SUBJECTS.contains(&model.name.as_str()) && has_subject(description, &model.name) {
            text += &about(description, model, &properties);
        }
        for property in properties.iter().filter(|property| !property.values.is_empty()) {
            let name = names::enumeration(&model.name, &property.name);
            text += &enumeration(&name, &property.values, &format!("`{}` of `{}`", property.name, model.name));
        }
    }
    text
}

/// A struct with one field a property. `noun` is what its documentation calls it.
pub(crate) fn structure(description: &Description, model: &Model, properties: &[&Property], noun: &str) -> String {
    let mut text = format!("/// {noun} `{}`.\n", model.name);
    text += "#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]\n#[non_exhaustive]\n";
    writeln!(text, "pub struct {} {{", names::type_name(&model.name)).expect("a string takes everything");
    for property in properties {
        let name = names::field(&property.name);
        let is_optional = !property.is_required || LATER_THAN_16.contains(&(&model.name, &property.name));
        // For each field by itself: a default of the whole struct would be made, and dropped, for each one that is read.
        let mut attributes = vec!["default".to_owned()];
        if name != property.name {
            attributes.push(format!("rename = {:?}", property.name));
        }
        if is_optional {
            attributes.push("skip_serializing_if = \"Option::is_none\"".into());
        }
        writeln!(text, "    #[serde({})]", attributes.join(", ")).expect("a string takes everything");
        let base = property_type(&model.name, property);
        let field = match (is_optional, is_model(&property.data_type)) {
            // A channel is large and an absent one should not take its place in every event.
            (true, true) => format!("Option<Box<{base}>>"),
            (true, false) => format!("Option<{base}>"),
            (false, true) if model_size(description, &property.data_type) > BOXED_FROM => format!("Box<{base}>"),
            (false, _) => base,
        };
        writeln!(text, "    pub {name}: {field},").expect("a string takes everything");
    }
    if UNDERDESCRIBED.contains(&model.name.as_str()) {
        text += "    /// What Asterisk sends and does not describe.\n    #[serde(flatten)]\n";
        text += "    pub undescribed: serde_json::Map<String, Value>,\n";
    }
    text + "}\n\n"
}

/// The implementation of `Subjects`: what the contained models are about.
pub(crate) fn about(description: &Description, model: &Model, properties: &[&Property]) -> String {
    let fields: Vec<String> = properties
        .iter()
        .filter(|property| has_subject(description, &property.data_type))
        .map(|property| names::field(&property.name))
        .collect();
    let visitor = if fields.is_empty() { "_" } else { "visit" };
    let visits: String =
        fields.iter().map(|field| format!("        self.{field}.for_each_subject(visit);\n")).collect();
    format!(
        "impl Subjects for {} {{\n    fn for_each_subject(&self, {visitor}: &mut dyn FnMut(&str)) {{\n{visits}    }}\n}}\n\n",
        names::type_name(&model.name)
    )
}

/// Whether a value of this type leads to a channel or a bridge that it is about.
fn has_subject(description: &Description, data_type: &str) -> bool {
    SUBJECTS.contains(&data_type)
        || description.models().any(|model| {
            model.name == data_type
                && model.properties.iter().any(|property| has_subject(description, &property.data_type))
        })
}

/// An enumeration of strings. `source` says where Asterisk lists the values.
pub(crate) fn enumeration(name: &str, values: &[String], source: &str) -> String {
    let variants: String =
        values.iter().map(|value| format!("        {} = {value:?},\n", names::variant(value))).collect();
    format!("string_enum! {{\n    /// The values of {source}.\n    pub enum {name} {{\n{variants}    }}\n}}\n\n")
}

/// What a type is part of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Within {
    /// What Asterisk sends: objects and events.
    Objects,
    /// What it is asked, and the outermost type of its answer.
    Requests,
}

/// The Rust type of a type as the description spells it.
pub(crate) fn rust_type(data_type: &str, within: Within) -> String {
    if let Some(element) = data_type.strip_prefix("List[").and_then(|rest| rest.strip_suffix(']')) {
        return format!("Vec<{}>", rust_type(element, within));
    }
    let (string, models) = match within {
        Within::Objects => ("Text", ""),
        Within::Requests => ("String", "models::"),
    };
    match data_type {
        "string" => string.into(),
        "int" | "long" => "i64".into(),
        "double" => "f64".into(),
        "boolean" => "bool".into(),
        "object" | "containers" => "Value".into(),
        "binary" => "Bytes".into(),
        "void" => "()".into(),
        "Date" => "Date".into(),
        model => format!("{models}{}", names::type_name(model)),
    }
}

/// About how many bytes a property takes in its struct.
fn field_size(description: &Description, property: &Property) -> usize {
    let pointer = size_of::<usize>();
    let (is_required, data_type) = (property.is_required, property.data_type.as_str());
    match data_type {
        _ if is_model(data_type) && !is_required => pointer,
        _ if is_model(data_type) => match model_size(description, data_type) {
            size if size > BOXED_FROM => pointer,
            size => size,
        },
        "int" | "long" | "double" => 2 * pointer,
        "boolean" => 1,
        _ => 3 * pointer,
    }
}

/// About how many bytes a model takes.
fn model_size(description: &Description, name: &str) -> usize {
    let model = description.models().find(|model| model.name == name);
    let properties = model.into_iter().flat_map(|model| &model.properties);
    properties.map(|property| field_size(description, property)).sum()
}

fn property_type(owner: &str, property: &Property) -> String {
    if property.values.is_empty() {
        rust_type(&property.data_type, Within::Objects)
    } else {
        names::enumeration(owner, &property.name)
    }
}

fn is_model(data_type: &str) -> bool {
    data_type != "Date" && data_type.starts_with(|first: char| first.is_uppercase()) && !data_type.starts_with("List[")
}
