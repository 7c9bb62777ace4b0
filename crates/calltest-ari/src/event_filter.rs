//! Which types of events Asterisk sends to an application: the filter that the settings ask for, and how one that somebody
//! else has set differs from it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::error::RequestError;
use crate::generated::models::Application;
use crate::generated::requests::applications::Filter;
use crate::rest::Rest;
use crate::settings::Settings;
use crate::turns::Lane;

/// What the client itself needs to see: its round trips, and that the application went to somebody else.
const NEEDED_EVENTS: [&str; 2] = ["ChannelUserevent", "ApplicationReplaced"];

/// How the event filter of an application differs from the one that the settings ask for. Any user of ARI may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterChange {
    /// It keeps back events of these types, which are wanted.
    KeepsBack(Vec<String>),
    /// It lets only events of these types through, and all are wanted.
    LetsThroughOnly(Vec<String>),
    /// It lets through all that is wanted, but is not the one that was set.
    Other,
}

impl fmt::Display for FilterChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepsBack(kinds) => write!(formatter, "it keeps back {}", kinds.join(", ")),
            Self::LetsThroughOnly(kinds) if kinds.is_empty() => formatter.write_str("it lets nothing through"),
            Self::LetsThroughOnly(kinds) => write!(formatter, "it lets only {} through", kinds.join(", ")),
            Self::Other => formatter.write_str("it keeps back nothing that is wanted"),
        }
    }
}

/// How the filter of `application` differs from what the settings ask for, if it does.
pub(crate) fn change(settings: &Settings, application: &Application) -> Option<FilterChange> {
    let allowed = kinds(&application.events_allowed);
    let disallowed = kinds(&application.events_disallowed);
    let Some(wanted) = wanted(settings) else {
        return match (allowed.is_empty(), disallowed.is_empty()) {
            (true, true) => None,
            (false, _) => Some(FilterChange::LetsThroughOnly(owned(allowed.difference(&disallowed)))),
            (true, false) => Some(FilterChange::KeepsBack(owned(disallowed.iter()))),
        };
    };
    let comes = |kind: &&&str| (allowed.is_empty() || allowed.contains(**kind)) && !disallowed.contains(**kind);
    let kept_back = owned(wanted.iter().filter(|kind| !comes(kind)));
    match kept_back.is_empty() {
        true if allowed == wanted && disallowed.is_empty() => None,
        true => Some(FilterChange::Other),
        false => Some(FilterChange::KeepsBack(kept_back)),
    }
}

/// Sets the filter whole. It outlives connections, and Asterisk keeps the list that it is not given.
pub(crate) async fn set(rest: &Rest, settings: &Settings, lane: Lane) -> Result<Application, RequestError> {
    let list = |kinds: &BTreeSet<&str>| kinds.iter().map(|kind| json!({ "type": kind })).collect::<Vec<Value>>();
    let filter = json!({ "allowed": list(&wanted(settings).unwrap_or_default()), "disallowed": [] });
    let filter = Filter { application_name: settings.app.clone(), filter: Some(filter) };
    rest.request_in(Some(lane), &filter, || {}).await
}

/// The types that the settings ask for; `None` if those are all.
fn wanted(settings: &Settings) -> Option<BTreeSet<&str>> {
    let wanted = settings.allowed_events.as_ref()?;
    Some(wanted.iter().map(String::as_str).chain(NEEDED_EVENTS).collect())
}

/// The types in one of a filter's lists. What has none is no filter that we have set.
fn kinds(list: &[Value]) -> BTreeSet<&str> {
    list.iter().map(|entry| entry["type"].as_str().unwrap_or("something without a type")).collect()
}

fn owned<'a>(kinds: impl Iterator<Item = &'a &'a str>) -> Vec<String> {
    kinds.map(|kind| (*kind).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(wanted: Option<&[&str]>, allowed: &[&str], disallowed: &[&str]) -> Option<String> {
        let list = |kinds: &[&str]| kinds.iter().map(|kind| json!({ "type": kind })).collect();
        let settings = Settings {
            allowed_events: wanted.map(|kinds| kinds.iter().map(ToString::to_string).collect()),
            ..Settings::new("host", 1, "user", "password", "app")
        };
        let application = Application {
            events_allowed: list(allowed),
            events_disallowed: list(disallowed),
            ..Application::default()
        };
        change(&settings, &application).map(|change| change.to_string())
    }

    #[test]
    fn every_filter_but_ours_is_told_by_what_it_keeps_back() {
        let ours = ["ApplicationReplaced", "ChannelUserevent", "Dial"];
        assert_eq!(changed(Some(&["Dial"]), &ours, &[]), None);
        for (allowed, disallowed, told) in [
            (&ours[..], &["Dial"][..], "it keeps back Dial"),
            (&["Dial"], &[], "it keeps back ApplicationReplaced, ChannelUserevent"),
            (&["StasisStart"], &[], "it keeps back ApplicationReplaced, ChannelUserevent, Dial"),
            (&[], &["ChannelUserevent"], "it keeps back ChannelUserevent"),
            (&[], &[], "it keeps back nothing that is wanted"),
            (&ours, &["ChannelVarset"], "it keeps back nothing that is wanted"),
        ] {
            assert_eq!(changed(Some(&["Dial"]), allowed, disallowed).as_deref(), Some(told));
        }
        assert_eq!(changed(None, &[], &[]), None);
        assert_eq!(changed(None, &["Dial"], &["Dial"]).as_deref(), Some("it lets nothing through"));
        assert_eq!(changed(None, &["Dial"], &[]).as_deref(), Some("it lets only Dial through"));
        assert_eq!(changed(None, &[], &["Dial"]).as_deref(), Some("it keeps back Dial"));
    }
}
