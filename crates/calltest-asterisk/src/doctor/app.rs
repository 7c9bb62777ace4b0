//! Whether our app is free, so that the test calls of the doctor may arrive there; it is never taken from anybody.

use calltest_ari::requests::{applications, asterisk, events};
use calltest_ari::{Client, ConnectError, FilterChange, Incoming};
use calltest_core::event::{Check, Outcome};

use super::{Examined, Findings, Problem};
use crate::Identity;
use crate::advice::advice;
use crate::connector::settings;

/// The event that shows the dialplan's steps; runs have no use for it.
const STEPS: &str = "ChannelDialplan";

/// Connects to the app, if nobody else is. `None` if somebody is, or it cannot be done.
pub(super) async fn connect(
    examined: &Examined<'_>,
    identity: &Identity,
    findings: &mut Findings<'_>,
) -> Option<(Client, Incoming)> {
    let app = &examined.server.asterisk().app;
    let mut settings = settings(examined.server, identity);
    settings.take_over = false;
    settings.allowed_events.get_or_insert_default().push(STEPS.to_owned());
    look_at_filter(examined, findings).await;
    let in_use = |owner: &str| {
        let what = format!("app `{app}` is in use by {owner}");
        let fix = "let it be, if that is your calltest; else stop it, or give one of the two another `app`";
        Problem::new(what, fix)
    };
    if is_connected(examined).await {
        let variable = settings.owner_variable.clone().unwrap_or_default();
        let owner = owner(examined, variable).await;
        let owner = owner.as_deref().unwrap_or("a program that does not say who it is (calltest 0.7, perhaps)");
        findings.about_server(Check::App, Outcome::Warning, in_use(owner));
        return None;
    }
    match calltest_ari::connect(settings).await {
        Ok(connected) => {
            findings.ok(Check::App, None, format!("app `{app}` is free, and its events arrive"));
            Some(connected)
        }
        Err(ConnectError::Owned { owner, .. }) => {
            findings.about_server(Check::App, Outcome::Warning, in_use(&owner));
            None
        }
        Err(error) => {
            // Requests have been answered, so it is the new connections that are too many.
            let error = match error {
                ConnectError::HungUp { server, .. } => ConnectError::EventsHungUp { server },
                error => error,
            };
            if let Some(fix) = advice(&error, examined.server.asterisk()) {
                findings.about_server(Check::App, Outcome::Problem, Problem::new(error.to_string(), fix));
                return None;
            }
            let what = format!("the app could not be tried: {error}");
            let fix = "see which other programs use it, and what Asterisk's log says";
            findings.about_server(Check::App, Outcome::Unknown, Problem::new(what, fix));
            None
        }
    }
}

/// Whether somebody else has set a filter that keeps back what calls are made of.
async fn look_at_filter(examined: &Examined<'_>, findings: &mut Findings<'_>) {
    let app = &examined.server.asterisk().app;
    let get = applications::Get { application_name: app.clone() };
    // An app that is not there has no filter.
    let Ok(application) = examined.client.request(get).await else { return };
    if let Some(change @ FilterChange::KeepsBack(_)) = examined.client.filter_change(&application) {
        let what = format!("somebody changed the event filter of app `{app}`: {change}");
        let fix = format!(
            "find out which program sends `PUT /ari/applications/{app}/eventFilter` and stop that; calltest sets its own \
             filter when it connects, and at the end of each test"
        );
        findings.about_server(Check::App, Outcome::Problem, Problem::new(what, fix));
    }
}

/// Whether a program has the app's WebSocket: only then Asterisk takes an event for it.
async fn is_connected(examined: &Examined<'_>) -> bool {
    let event = events::UserEvent {
        event_name: "CalltestDoctor".into(),
        application: examined.server.asterisk().app.clone(),
        ..Default::default()
    };
    examined.client.request(event).await.is_ok()
}

/// Who says that the app is its own.
async fn owner(examined: &Examined<'_>, variable: String) -> Option<String> {
    let value = examined.client.request(asterisk::GetGlobalVar { variable }).await.ok()?.value;
    value.split_whitespace().next().map(str::to_owned)
}
