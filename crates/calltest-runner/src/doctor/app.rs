//! Whether our app is free, so that the test calls of the doctor may arrive there; it is never taken from anybody.

use calltest_ari::requests::{asterisk, events};
use calltest_ari::{Client, ConnectError, Incoming};
use calltest_core::event::{Check, Outcome};

use super::{Complaint, Notes, Patient};
use crate::Identity;
use crate::wire::settings;

/// The event that shows the dialplan's steps; runs have no use for it.
const STEPS: &str = "ChannelDialplan";

/// Connects to the app, if nobody else is. `None` if somebody is, or it cannot be done.
pub(super) async fn connect(
    patient: &Patient<'_>,
    identity: &Identity,
    notes: &mut Notes<'_>,
) -> Option<(Client, Incoming)> {
    let app = &patient.server.app;
    let mut settings = settings(patient.server, identity);
    settings.take_over = false;
    settings.allowed_events.get_or_insert_default().push(STEPS.to_owned());
    let in_use = |owner: &str| {
        let what = format!("app `{app}` is in use by {owner}");
        let fix = "let it be, if that is your calltest; else stop it, or give one of the two another `app`";
        Complaint::new(what, fix)
    };
    if is_connected(patient).await {
        let variable = settings.owner_variable.clone().unwrap_or_default();
        let owner = owner(patient, variable).await;
        let owner = owner.as_deref().unwrap_or("a program that does not say who it is (calltest 0.7, perhaps)");
        notes.about_server(Check::App, Outcome::Warning, in_use(owner));
        return None;
    }
    match calltest_ari::connect(settings).await {
        Ok(connected) => {
            notes.ok(Check::App, None, format!("app `{app}` is free, and its events arrive"));
            Some(connected)
        }
        Err(ConnectError::Owned { owner, .. }) => {
            notes.about_server(Check::App, Outcome::Warning, in_use(&owner));
            None
        }
        Err(error) => {
            let what = format!("the app could not be tried: {error}");
            let fix = "see which other programs use it, and what Asterisk's log says";
            notes.about_server(Check::App, Outcome::Unknown, Complaint::new(what, fix));
            None
        }
    }
}

/// Whether a program has the app's WebSocket: only then Asterisk takes an event for it.
async fn is_connected(patient: &Patient<'_>) -> bool {
    let event = events::UserEvent {
        event_name: "CalltestDoctor".into(),
        application: patient.server.app.clone(),
        ..Default::default()
    };
    patient.client.request(event).await.is_ok()
}

/// Who says that the app is its own.
async fn owner(patient: &Patient<'_>, variable: String) -> Option<String> {
    let value = patient.client.request(asterisk::GetGlobalVar { variable }).await.ok()?.value;
    value.split_whitespace().next().map(str::to_owned)
}
