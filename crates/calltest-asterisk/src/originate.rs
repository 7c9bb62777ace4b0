//! Calls out: originated under an id of our own, which is listened to before.

use std::sync::Arc;

use calltest_ari::requests::channels;
use calltest_ari::{OriginatePermit, RequestFailure, VariableSet};
use calltest_core::evidence::Stamp;
use calltest_core::plan::{DialString, Link};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use calltest_engine::{Dialling, EndpointStatus, Outgoing, Permit, Undialled};

use crate::channel::Channel;
use crate::channel_id::{Part, channel_id};
use crate::draining::turns_calls_away;
use crate::endpoint_status::endpoint_status;
use crate::forwarding::{FORWARD_CONTEXT, NOWHERE};
use crate::leg::AsteriskLeg;
use crate::limit::{ABSOLUTE_LIMIT, whole_seconds};
use crate::observe::stamp;
use crate::server::Server;
use crate::unfinished::Unfinished;
use crate::without_a_word::Examination;

/// The presentation of a number that is not to be shown (Asterisk's `callerid.h`).
const WITHHELD: &str = "prohib_not_screened";
/// The statuses by which a proxy says that it does not know what became of a request.
const GATEWAYS: [u16; 3] = [408, 502, 504];

/// The right to originate one call.
pub(crate) struct AsteriskPermit {
    pub(crate) server: Arc<Server>,
    pub(crate) permit: OriginatePermit,
}

impl Permit for AsteriskPermit {
    fn dial(self: Box<Self>, call: Outgoing) -> Dialling {
        let Self { server, permit } = *self;
        let address =
            call.link.address.as_ref().expect("the configuration check lets only links with an address be a source");
        let template = address.dial_string().clone();
        let dial_string = address.dial(call.number.as_deref());
        let id = channel_id(&call.server.asterisk().app, call.run, Part::Outbound);
        let channel = Arc::new(Channel::outbound(
            Arc::clone(&server),
            id.as_str().into(),
            call.link.name.clone(),
            call.seen.clone(),
            Examination::of(&dial_string),
            call.follows_forwarding,
        ));
        let subscription = server.client.subscribe(id.as_str(), &channel);
        server.has(Arc::downgrade(&channel) as _);
        let seconds = whole_seconds(call.limit);
        let originate = channels::OriginateWithId {
            channel_id: id,
            endpoint: dial_string.clone(),
            app: Some(call.server.asterisk().app.clone()),
            app_args: Some(format!(":dialed,{}", call.number.as_deref().unwrap_or_default())),
            caller_id: Some(caller_id(&call.link)),
            timeout: Some(seconds.try_into().unwrap_or(i64::MAX)),
            // Both halves of a Local channel would run at the highest rate that Asterisk knows.
            formats: template.is_local().then(|| "slin".into()),
            variables: Some(variables(seconds, &call)),
            ..Default::default()
        };
        let taken =
            originate_with_permit(Arc::clone(&server), permit, originate, Arc::clone(&channel), template, call.run);
        let leg = AsteriskLeg::new(server, &call.server, call.run, channel, subscription);
        Dialling { leg: Box::new(leg), taken: Box::pin(taken) }
    }
}

async fn originate_with_permit(
    server: Arc<Server>,
    permit: OriginatePermit,
    originate: channels::OriginateWithId,
    channel: Arc<Channel>,
    template: DialString,
    run: RunId,
) -> Result<Option<Stamp>, Undialled> {
    let dial_string = originate.endpoint.clone();
    let unfinished = Unfinished::on(&server);
    let answer = server.client.request_with_permit(permit, originate).await;
    unfinished.finish();
    let error = match answer {
        Ok(channel) => return Ok(stamp(&server.name, &channel.creationtime)),
        Err(error) => error,
    };
    let answer_is_lost = matches!(error.failure, RequestFailure::NoReply { .. });
    if answer_is_lost && is_told_of(&server, &channel).await {
        // It was dialled, and whatever became of it is told as ever.
        return Ok(None);
    }
    let status = error.status().filter(|status| !GATEWAYS.contains(&status.as_u16()));
    let Some(status) = status else {
        server.leftovers.suspect();
        return Err(Undialled::Unclear { why: error.to_string() });
    };
    // The server has said no, so there is no channel to wait for.
    channel.was_never_there();
    if status.as_u16() != 500 {
        return Err(Undialled::No { why: error.to_string() });
    }
    Err(explained(&server, &template, &dial_string, run, error.to_string()).await)
}

/// Whether events tell of a channel whose originate was not answered. A message that we send to ourselves comes after
/// those that are on their way.
async fn is_told_of(server: &Server, channel: &Channel) -> bool {
    channel.is_heard_of() || (server.client.round_trip().await.is_ok() && channel.is_heard_of())
}

/// Finds out why Asterisk could not make a channel, which it does not say itself: the endpoint is offline, or unknown; or it makes
/// no channel at all any more.
async fn explained(
    server: &Server,
    template: &DialString,
    dial_string: &str,
    run: RunId,
    refusal: String,
) -> Undialled {
    // With the number in its place: in `PJSIP/{number}` that is the endpoint.
    let filled = DialString::new(dial_string).unwrap_or_else(|_| template.clone());
    let endpoint = filled.endpoint().map(|(tech, resource)| (tech.to_owned(), resource.to_owned()));
    let status = match &endpoint {
        Some((tech, resource)) => Some(endpoint_status(server, tech, resource).await),
        None => None,
    };
    if let Some(Ok(EndpointStatus::Offline { endpoint })) = status {
        return Undialled::Offline { endpoint };
    }
    if let Some(Trouble::TakesNoCalls { .. }) = turns_calls_away(server, run).await {
        let why = format!(
            "{refusal}; it makes no channel at all: it is about to be stopped, or has as many calls as it may have; see what \
             `core show channels` and `core abort shutdown` say there"
        );
        return Undialled::No { why };
    }
    let why = match (status, endpoint) {
        (Some(Ok(EndpointStatus::Unknown { why })), _) => why,
        (Some(Ok(EndpointStatus::Unasked { why })), _) => format!("{refusal}; {why}"),
        (Some(Err(error)), Some((tech, resource))) => {
            format!("it gave no reason, and asking for endpoint {tech}/{resource} failed: {error}")
        }
        (Some(Ok(_)), Some((tech, resource))) if tech.eq_ignore_ascii_case("PJSIP") => format!(
            "{refusal}, though {tech}/{resource} is online: see whether it is in maintenance (`pjsip set maintenance off \
             {resource}`), and what Asterisk's log says"
        ),
        _ => refusal,
    };
    Undialled::No { why }
}

fn variables(limit: u64, call: &Outgoing) -> VariableSet {
    let mut variables = VariableSet::new().with(ABSOLUTE_LIMIT, limit.to_string());
    if !call.follows_forwarding {
        variables = variables.with(FORWARD_CONTEXT, NOWHERE);
    }
    // Who is called sees the party to which our channel is connected.
    if call.withholds_number {
        variables = variables.with("CALLERID(pres)", WITHHELD).with("CONNECTEDLINE(pres,i)", WITHHELD);
    }
    variables
}

/// The caller ID that a link shows, as Asterisk takes it.
fn caller_id(link: &Link) -> String {
    match &link.number {
        Some(number) => format!("{} <{number}>", link.name),
        None => link.name.to_string(),
    }
}
