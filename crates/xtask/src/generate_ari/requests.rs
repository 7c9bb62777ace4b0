//! Writes `requests/`: one file a resource, one struct an operation.

use std::collections::BTreeSet;

use super::description::{Description, Operation, Parameter, Place, Resource};
use super::{header, names, types};

/// Operations that make Asterisk dial: the client paces them.
const DIALLING: [&str; 2] = ["originate", "originateWithId"];

/// Resources whose `variables` are channel variables, each with or without `report_events`.
const WITH_VARIABLE_SETS: [&str; 2] = ["channels", "bridges"];

/// The text of `requests/mod.rs`.
pub(crate) fn root(description: &Description) -> String {
    let modules: String = description
        .resources
        .iter()
        .filter(|resource| !resource.operations.is_empty())
        .map(|resource| format!("pub mod {};\n", names::field(&resource.name)))
        .collect();
    header("Every operation of ARI, in modules by resource.") + &modules
}

/// The text of `requests/RESOURCE.rs`.
pub(crate) fn resource(resource: &Resource) -> String {
    let mut body = String::new();
    let mut enumerations = BTreeSet::new();
    for operation in &resource.operations {
        body += &structure(resource, operation);
        body += &implementation(resource, operation);
        for parameter in operation.parameters.iter().filter(|parameter| !parameter.values().is_empty()) {
            let name = names::enumeration(&resource.name, &parameter.name);
            if enumerations.insert(name.clone()) {
                body += &types::enumeration(&name, parameter.values(), &format!("`{}`", parameter.name));
            }
        }
    }
    header(&format!("Operations on `/{}`.", resource.name))
        + "#![allow(missing_docs, reason = \"names and types only: what a field means, Asterisk's documentation says\")]\n\n"
        + &imports(&body)
        + &body
}

/// The imports that the text below them needs.
fn imports(body: &str) -> String {
    let used = |candidates: &[(&str, &str)]| -> String {
        let used = candidates.iter().filter(|(word, _)| body.contains(word));
        used.map(|(_, item)| format!("use {item};\n")).collect()
    };
    let functions = [("Query::", "Query"), ("body(\"", "body"), ("{ json(", "json"), ("{ path(", "path")];
    let items: Vec<&str> = functions.iter().filter(|(call, _)| body.contains(call)).map(|(_, item)| *item).collect();
    format!(
        "{}\n{}use crate::operation::{{Operation, {}}};\n\n",
        used(&[("Bytes", "bytes::Bytes"), ("Method::", "http::Method"), ("Value", "serde_json::Value")]),
        used(&[
            ("models::", "crate::generated::models"),
            ("string_enum!", "crate::string_enum::string_enum"),
            ("VariableSet", "crate::variables::VariableSet"),
        ]),
        items.join(", ")
    )
}

fn structure(resource: &Resource, operation: &Operation) -> String {
    let mut text = format!("/// `{} {}`\n", operation.method, operation.path);
    text += "#[derive(Debug, Clone, Default, PartialEq)]\n";
    text += &format!("pub struct {} {{\n", names::type_name(&operation.nickname));
    for parameter in &operation.parameters {
        text += &format!("    pub {}: {},\n", names::field(&parameter.name), field_type(resource, parameter));
    }
    text + "}\n\n"
}

fn field_type(resource: &Resource, parameter: &Parameter) -> String {
    let is_variable_set = parameter.name == "variables" && WITH_VARIABLE_SETS.contains(&resource.name.as_str());
    let base = if !parameter.values().is_empty() {
        names::enumeration(&resource.name, &parameter.name)
    } else if is_variable_set && parameter.place == Place::Body {
        "VariableSet".to_owned()
    } else {
        types::rust_type(&parameter.data_type, types::Within::Requests)
    };
    match (parameter.allow_multiple, parameter.is_required()) {
        (true, _) => format!("Vec<{base}>"),
        (false, true) => base,
        (false, false) => format!("Option<{base}>"),
    }
}

fn implementation(resource: &Resource, operation: &Operation) -> String {
    let reply = types::rust_type(&operation.response, types::Within::Requests);
    let decode = match reply.as_str() {
        "()" => "fn reply(_: Bytes) -> Result<(), serde_json::Error> { Ok(()) }".to_owned(),
        "Bytes" => "fn reply(body: Bytes) -> Result<Bytes, serde_json::Error> { Ok(body) }".to_owned(),
        // The reply to an upgrade is a stream, which no request through the transport can have.
        "models::Message" => "fn reply(_: Bytes) -> Result<(), serde_json::Error> { Ok(()) }".to_owned(),
        reply => format!("fn reply(body: Bytes) -> Result<{reply}, serde_json::Error> {{ json(&body) }}"),
    };
    let reply = if reply == "models::Message" { "()".to_owned() } else { reply };
    let mut text = format!("impl Operation for {} {{\n", names::type_name(&operation.nickname));
    text += &format!("    type Reply = {reply};\n    const METHOD: Method = Method::{};\n", operation.method);
    if DIALLING.contains(&operation.nickname.as_str()) {
        text += "    const DIALS: bool = true;\n";
    }
    if creates_its_path(resource, operation) {
        text += "    const CREATES_ITS_PATH: bool = true;\n";
    }
    text += &path(operation);
    text += &query(operation);
    text += &body(operation);
    text + "    " + &decode + "\n}\n\n"
}

/// Whether the object that a `POST` answers is the one that a `GET` of the same path answers.
fn creates_its_path(resource: &Resource, operation: &Operation) -> bool {
    operation.method == "POST"
        && operation.path.ends_with('}')
        && resource
            .operations
            .iter()
            .any(|other| other.method == "GET" && other.path == operation.path && other.response == operation.response)
}

fn path(operation: &Operation) -> String {
    let segments: Vec<String> = operation
        .path
        .trim_start_matches('/')
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => format!("&self.{}", names::field(name)),
            None => format!("{segment:?}"),
        })
        .collect();
    format!("    fn path(&self) -> String {{ path(&[{}]) }}\n", segments.join(", "))
}

fn query(operation: &Operation) -> String {
    let values: String = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == Place::Query)
        .map(|parameter| format!(".with({:?}, &self.{})", parameter.name, names::field(&parameter.name)))
        .collect();
    if values.is_empty() {
        return String::new();
    }
    format!("    fn query(&self) -> Query {{ Query::default(){values} }}\n")
}

/// Containers travel as a member of the body that bears their name, an object is the whole body.
fn body(operation: &Operation) -> String {
    let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.place == Place::Body) else {
        return String::new();
    };
    let field = names::field(&parameter.name);
    let value = match (parameter.data_type.as_str(), parameter.is_required()) {
        ("object", _) => format!("self.{field}.clone()"),
        (_, true) => format!("Some(body({:?}, &self.{field}))", parameter.name),
        (_, false) => format!("self.{field}.as_ref().map(|{field}| body({:?}, {field}))", parameter.name),
    };
    format!("    fn body(&self) -> Option<Value> {{ {value} }}\n")
}
