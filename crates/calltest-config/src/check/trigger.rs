//! Triggers: what makes the call come that an answering test waits for.

use calltest_core::plan::{Body, DialString, Fetch, Method, Query, Trigger};

use super::call::Call;
use super::link::Parts;
use crate::diagnostic::Finding;
use crate::quoting::{one_of, quoted};
use crate::readers;
use crate::report::Reported;
use crate::scalar::BadValue;
use crate::tree::Value;
use crate::view::{At, View};

impl<'c> Call<'c, '_, '_> {
    /// The trigger of an answering test; a person calls if there is none.
    pub(super) fn trigger(&mut self, number: Option<&str>, dst: &At<&'c Parts>) -> Result<Option<Trigger>, Reported> {
        let section = self.view.section("url");
        let (url, exec) = (self.view.node("url"), self.view.node("exec"));
        if let (Some(url), Some(exec)) = (&url, &exec) {
            let (place, other) = if exec.is_own { (exec.place, "url") } else { (url.place, "exec") };
            let finding = Finding::error(
                place,
                format!("{} has both `url` and `exec` to make the call come", quoted(&self.name.text)),
            )
            .hint(format!("give one of them, or say `{other}: null` where `:default:` has it"));
            return Err(self.report.add(finding));
        }
        let trigger = match (url, exec) {
            (Some(url), _) => self.url(&section, url.place)?,
            (None, Some(exec)) => Trigger::Exec { command: self.command(&exec)? },
            (None, None) => return Ok(None),
        };
        if number.is_none() && texts(&trigger).iter().any(|text| text.contains(DialString::NUMBER)) {
            let link = quoted(dst.value.name.as_str());
            let message = format!("there is no number to put in for `{}`: link {link} has none", DialString::NUMBER);
            let place = url.or(exec).map_or(self.name.place, |given| given.place);
            let hint = format!("give link {link} its number, or this call a `number`");
            return Err(self.report.add(Finding::error(place, message).hint(hint)));
        }
        Ok(Some(trigger))
    }

    fn url(&mut self, section: &View<'c>, place: crate::tree::Place) -> Result<Trigger, Reported> {
        let method = section.read("method", method, self.report);
        let body = section.read_optional("body", readers::text, self.report);
        let query = self.query(section);
        let Some(url) = section.read_optional("url", readers::url, self.report)? else {
            let finding =
                Finding::error(place, "`url` says how to fetch, but not what").hint("give it a `url` of its own");
            return Err(self.report.add(finding));
        };
        let (method, body) = (method?.value, body?);
        if let (Method::Get, Some(body)) = (method, &body) {
            let finding = Finding::warning(body.place, "a GET request has no body").hint("set `method: POST`");
            self.report.add(finding);
        }
        let body = body.map(|body| Body { text: body.value, media_type: None });
        Ok(Trigger::Url(Fetch { method, query: query?, body, ..Fetch::get(url.value) }))
    }

    fn query(&self, section: &View<'c>) -> Result<Query, Reported> {
        match section.node("query").map(|query| &query.value.value) {
            None | Some(Value::Null) => Ok(Query::None),
            Some(Value::Text(text)) => Ok(Query::Text(text.as_ref().into())),
            Some(Value::Map(map)) => {
                let parameter = |entry: &crate::tree::Entry| {
                    let value = entry.value.text().ok_or_else(|| self.reported());
                    Ok((entry.key.text.as_ref().into(), value?.into()))
                };
                Ok(Query::Parameters(map.entries.iter().map(parameter).collect::<Result<_, _>>()?))
            }
            Some(Value::List(_)) => Err(self.reported()),
        }
    }

    fn command(&self, exec: &At<&crate::tree::Node>) -> Result<Vec<String>, Reported> {
        let Value::List(words) = &exec.value.value else { return Err(self.reported()) };
        words.iter().map(|word| word.text().map(Into::into).ok_or_else(|| self.reported())).collect()
    }

    /// For a value of the wrong type.
    fn reported(&self) -> Reported {
        self.report.errors().expect("the check of types came first")
    }
}

fn method(text: &str) -> Result<Method, BadValue> {
    let words = [("GET", Method::Get), ("POST", Method::Post), ("PUT", Method::Put)];
    let known = words.iter().find(|(word, _)| *word == text);
    known.map(|(_, method)| *method).ok_or_else(|| BadValue::Expected(one_of(&words.map(|(word, _)| word))))
}

/// Every text into which the number may go.
fn texts(trigger: &Trigger) -> Vec<&str> {
    match trigger {
        Trigger::Exec { command } => command.iter().map(String::as_str).collect(),
        Trigger::Url(Fetch { url, query, body, .. }) => {
            let query: Vec<&str> = match query {
                Query::None => Vec::new(),
                Query::Text(text) => vec![text],
                Query::Parameters(parameters) => parameters.iter().map(|(_, value)| value.as_str()).collect(),
            };
            [url.as_str()].into_iter().chain(query).chain(body.as_ref().map(|body| &*body.text)).collect()
        }
    }
}
