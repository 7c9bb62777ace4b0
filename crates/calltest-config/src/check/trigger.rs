//! Triggers: what makes the call come that an answering test waits for.

use calltest_core::plan::{Body, DialString, ExpectedAnswer, Fetch, Method, Query, Secret, Trigger};

use super::call::Call;
use super::link::Parts;
use crate::diagnostic::Finding;
use crate::http::{self, Expected};
use crate::quoting::{one_of, quoted};
use crate::readers;
use crate::report::Reported;
use crate::scalar::BadValue;
use crate::tree::{Entry, Map, Node, Place, Value};
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
            (Some(url), _) => Trigger::Url(self.fetch(&section, url.place)?),
            (None, Some(exec)) => Trigger::Exec { command: self.command(&exec, number)? },
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

    fn fetch(&mut self, section: &View<'c>, place: Place) -> Result<Fetch, Reported> {
        let method = section.read("method", method, self.report);
        let body = self.body(section);
        let query = self.query(section);
        let headers = self.headers(section);
        let expected = self.expected_answer(section);
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
        let body = body.map(|body| body.value);
        Ok(Fetch { url: url.value, method, query: query?, headers: headers?, body, expected: expected? })
    }

    fn body(&mut self, section: &View<'c>) -> Result<Option<At<Body>>, Reported> {
        let text = section.read_optional("body", readers::text, self.report);
        let media_type = section.read_optional("type", http::media_type, self.report);
        let (text, media_type) = (text?, media_type?);
        let Some(At { value: text, place, is_own }) = text else {
            // What `:default:` says serves calls with a body, too.
            if let Some(media_type) = media_type.filter(|media_type| media_type.is_own) {
                let finding = Finding::warning(media_type.place, "`url.type` has no effect without `url.body`");
                self.report.add(finding.hint("give it a `body`, or remove `type`"));
            }
            return Ok(None);
        };
        let media_type = media_type.map(|media_type| media_type.value);
        Ok(Some(At { value: Body { text, media_type }, place, is_own }))
    }

    fn query(&self, section: &View<'c>) -> Result<Query, Reported> {
        match section.node("query").map(|query| &query.value.value) {
            None | Some(Value::Null) => Ok(Query::None),
            Some(Value::Text(text)) => Ok(Query::Text(text.as_ref().into())),
            Some(Value::Map(map)) => Ok(Query::Parameters(self.texts_of(map)?)),
            Some(Value::List(_)) => Err(self.reported()),
        }
    }

    fn headers(&mut self, section: &View<'c>) -> Result<Vec<(String, Secret)>, Reported> {
        let Some(headers) = section.node("headers") else { return Ok(Vec::new()) };
        let Value::Map(map) = &headers.value.value else { return Err(self.reported()) };
        let login = map.entries.iter().find(|entry| entry.key.text.eq_ignore_ascii_case("authorization"));
        if let Some(login) = login
            && section.read_optional("url", readers::url, self.report)?.is_some_and(|url| has_login(&url.value))
        {
            let message = "`Authorization` in `url.headers` takes the place of the user and password in `url.url`";
            self.report.add(Finding::warning(login.key.place, message).hint("remove one of them"));
        }
        Ok(self.texts_of(map)?.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
    }

    /// The names and values of a map of texts.
    fn texts_of(&self, map: &Map) -> Result<Vec<(String, String)>, Reported> {
        let named = |entry: &Entry| {
            let value = entry.value.text().ok_or_else(|| self.reported());
            Ok((entry.key.text.as_ref().into(), value?.into()))
        };
        map.entries.iter().map(named).collect()
    }

    fn expected_answer(&self, section: &View<'c>) -> Result<ExpectedAnswer, Reported> {
        let mut answer = ExpectedAnswer::default();
        let Some(given) = section.node("expect") else { return Ok(answer) };
        let items = match &given.value.value {
            Value::List(list) => list.as_slice(),
            _ => std::slice::from_ref(given.value),
        };
        for item in items {
            match item.text().map(http::expected_answer) {
                Some(Ok(Expected::Status(status))) => answer.statuses.push(status),
                Some(Ok(Expected::Text(text))) => answer.texts.push(text),
                Some(Err(_)) | None => return Err(self.reported()),
            }
        }
        Ok(answer)
    }

    /// The program and its arguments. Most programs take an argument that begins with `-` for an option, so a number must
    /// not make one.
    fn command(&mut self, exec: &At<&Node>, number: Option<&str>) -> Result<Vec<String>, Reported> {
        let Value::List(words) = &exec.value.value else { return Err(self.reported()) };
        if let Some(number) = number.filter(|number| number.starts_with('-'))
            && let Some(word) = words.iter().find(|word| begins_with_number(word))
        {
            let place = if exec.is_own { word.place } else { self.name.place };
            let message =
                format!("`exec` of {} may take the number {} for an option", self.quoted_name(), quoted(number));
            let hint =
                format!("give a number that does not begin with `-`, or put text before `{}`", DialString::NUMBER);
            return Err(self.report.add(Finding::error(place, message).hint(hint)));
        }
        words.iter().map(|word| word.text().map(Into::into).ok_or_else(|| self.reported())).collect()
    }

    /// For a value of the wrong type.
    fn reported(&self) -> Reported {
        self.report.errors().expect("the check of types came first")
    }
}

fn begins_with_number(word: &Node) -> bool {
    word.text().is_some_and(|text| text.starts_with(DialString::NUMBER))
}

/// Whether a URL has a user or a password in it.
fn has_login(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#', '\\']).next());
    authority.is_some_and(|authority| authority.contains('@'))
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
        Trigger::Url(Fetch { url, query, headers, body, expected, .. }) => {
            let query: Vec<&str> = match query {
                Query::None => Vec::new(),
                Query::Text(text) => vec![text],
                Query::Parameters(parameters) => parameters.iter().map(|(_, value)| value.as_str()).collect(),
            };
            let headers = headers.iter().map(|(_, value)| value.reveal());
            let body = body.as_ref().map(|body| body.text.as_str());
            let expected = expected.texts.iter().map(String::as_str);
            [url.as_str()].into_iter().chain(query).chain(headers).chain(body).chain(expected).collect()
        }
    }
}
