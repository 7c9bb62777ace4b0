//! The JSON Schema that `calltest schema` prints, held against configurations that the program accepts and refuses.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use crate::program::Program;

/// A configuration as an editor with a YAML 1.2 parser sees it. Enough for files without anchors and tags.
fn to_json(yaml: &str) -> Value {
    let mut events = Parser::new_from_str(yaml).map(|event| event.unwrap().0);
    let first = events.find(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(..))).unwrap();
    node(first, &mut events)
}

fn node<'t>(event: Event<'t>, events: &mut impl Iterator<Item = Event<'t>>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => plain(&text),
        Event::Scalar(text, ..) => Value::from(text.as_ref()),
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            while let Some(event) = events.next().filter(|event| !matches!(event, Event::SequenceEnd)) {
                list.push(node(event, events));
            }
            list.into()
        }
        Event::MappingStart(..) => {
            let mut map = Map::new();
            while let Some(Event::Scalar(key, ..)) = events.next() {
                let value = events.next().unwrap();
                map.insert(key.into_owned(), node(value, events));
            }
            map.into()
        }
        other => panic!("not in a plain file: {other:?}"),
    }
}

/// What a plain scalar means in YAML 1.2, and `yes` in 1.1.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "yes" => true.into(),
        "no" => false.into(),
        // What JSON has a word for is the same in YAML.
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn schema() -> jsonschema::Validator {
    let done = Program::new().args(["schema"]).run().exits(0).complains("");
    let schema: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("no schema itself: {error}"));
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn accepts(schema: &jsonschema::Validator, yaml: &str) {
    let json = to_json(yaml);
    let errors: Vec<_> = schema.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{json:#}");
}

const EXAMPLE: &str = include_str!("../../../../example.cfg");

/// What a trigger's request may have.
const REQUESTS: &str = r#"
links: {a: {number: 1}}
calls:
  ':default:': {mode: wait, dst: a, check_callerid: no}
  all: {url: {url: http://a, method: POST, body: x, type: text/plain; charset="utf-8", headers: {X-Key: 17, a: ''}, expect: [202, 3xx, ok]}}
  one: {url: {url: http://a, headers: null, expect: 202}}
"#;

#[test]
fn it_accepts_what_the_program_accepts() {
    let schema = schema();
    accepts(&schema, EXAMPLE);
    let dump = Program::new().config(EXAMPLE).args(["dumpcfg"]).run().exits(0).stdout;
    accepts(&schema, &dump);
    accepts(&schema, REQUESTS);
    Program::new().config(REQUESTS).args(["run", "--list"]).run().exits(0);
}

#[test]
fn it_refuses_what_the_program_refuses() {
    let schema = schema();
    for (right, wrong) in [
        ("port: 8088", "port: http"),
        ("mode: ring", "mode: rnig"),
        ("links:", "lynks:"),
        ("may_repeat: yes", "may_repeat: maybe"),
        ("info: The far end rings", "info: The far end rings\n    timeout: soon"),
    ] {
        assert!(EXAMPLE.contains(right));
        let config = EXAMPLE.replacen(right, wrong, 1);
        assert!(!schema.is_valid(&to_json(&config)), "{wrong} is accepted");
        Program::new().config(&config).args(["run", "--list"]).run().exits(2);
    }
    for (right, wrong) in [
        ("X-Key: 17", "X Key: 17"),
        ("X-Key: 17", "X-Key: [17]"),
        ("X-Key: 17", "X-Key: null"),
        ("text/plain", "plain"),
        ("expect: 202", "expect: []"),
        ("expect: 202", "expect: {status: 202}"),
    ] {
        assert!(REQUESTS.contains(right));
        let config = REQUESTS.replacen(right, wrong, 1);
        assert!(!schema.is_valid(&to_json(&config)), "{wrong} is accepted");
        Program::new().config(&config).args(["run", "--list"]).run().exits(2);
    }
}
