//! Whether the dialplan hands the calls that tests wait for to our app, as calls on the right link: proven by test calls
//! that stay inside the server, or said to be unproven.

use std::sync::Arc;

use calltest_ari::requests::asterisk::GetObject;
use calltest_ari::requests::channels::{Hangup, HangupReason};
use calltest_ari::{Client, Incoming, Unclaimed};
use calltest_core::event::{Check, Outcome};
use calltest_core::inbound_route::InboundRoute;
use calltest_core::plan::{Link, LinkName};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::modules::Modules;
use super::probe::{ASTERISK_LIMIT, GUARD, Trace, probe};
use super::{Examined, Findings, Problem, app};
use crate::Identity;

/// What the test calls cannot do without.
const NEEDED: [&str; 4] = ["res_ari_channels", "res_ari_events", "app_stasis", GUARD];

/// The applications that pass a call on.
const PASSING_ON: [&str; 8] = ["dial", "retrydial", "queue", "followme", "page", "originate", "transfer", "bridge"];

/// How many of a dialplan's steps are shown.
const SHOWN: usize = 4;

pub(super) async fn look(
    examined: &Examined<'_>,
    modules: &Modules,
    identity: &Identity,
    interrupted: &CancellationToken,
    findings: &mut Findings<'_>,
) {
    if let Some(problem) = modules.prevent(&NEEDED) {
        return findings.about_server(Check::Dialplan, Outcome::Unknown, problem);
    }
    let Some((client, incoming)) = app::connect(examined, identity, findings).await else {
        let app = &examined.server.asterisk().app;
        let what = format!("could not be tried, since test calls need app `{app}` for themselves");
        let fix = "look again while nothing else is connected to the app";
        return findings.about_server(Check::Dialplan, Outcome::Unknown, Problem::new(what, fix));
    };
    let tasks = TaskTracker::new();
    tasks.spawn(turn_away(client.clone(), incoming));
    for (link, ways) in examined.plan.inbound_routes(examined.server) {
        for way in ways {
            if !interrupted.is_cancelled() {
                try_way(examined, &client, link, way, findings).await;
            }
        }
    }
    client.close().await;
    tasks.close();
    tasks.wait().await;
}

/// Rejects the calls of strangers meanwhile: nobody else would.
async fn turn_away(client: Client, mut incoming: Incoming) {
    while let Some(unclaimed) = incoming.next().await {
        let Unclaimed::Arrival(arrival) = unclaimed else { continue };
        let channel_id = arrival.channel().id.to_string();
        let hangup = Hangup { channel_id, reason: Some(HangupReason::Busy), ..Default::default() };
        if let Err(error) = client.request(hangup).await {
            tracing::debug!(server = %client.name(), "could not reject a stray call: {error}");
        }
    }
}

async fn try_way(
    examined: &Examined<'_>,
    client: &Client,
    link: &Arc<Link>,
    way: InboundRoute,
    findings: &mut Findings<'_>,
) {
    let over = match &way {
        InboundRoute::Dialled { over, .. } => examined.plan.link(over),
        InboundRoute::Trunk { .. } | InboundRoute::Outside => link,
    };
    let tried = match way {
        InboundRoute::Dialled { dial_string, .. } => Some((dial_string, None)),
        InboundRoute::Trunk { endpoint, number: Some(number) } => {
            let context = context_of(examined, &endpoint).await;
            context.map(|context| (format!("Local/{number}@{context}"), Some(endpoint)))
        }
        InboundRoute::Trunk { number: None, .. } | InboundRoute::Outside => None,
    };
    let Some((dial_string, trunk)) = tried else {
        return findings.about_link(Check::Dialplan, link, Outcome::Unknown, unproven(examined, link));
    };
    let tried = Tried {
        dial_string,
        trunk,
        link: &link.name,
        arrives_as: &link.arrives_as,
        is_told_by_number: examined.plan.links_on_shared_trunks().contains(&link.name),
        app: client.app(),
    };
    if let Err(uncounted) = examined.counter.count(over, ASTERISK_LIMIT).await {
        let what = format!("{} was not tried: {uncounted}", tried.dial_string);
        let problem = Problem::new(what, "look again when the budgets of the guard have room for a call");
        return findings.about_link(Check::Dialplan, link, Outcome::Unknown, problem);
    }
    match probe(client, &tried.dial_string, link.name.as_str()).await {
        Err(error) => {
            let what = format!("{} was tried, but {error}", tried.dial_string);
            let problem = Problem::new(what, "see what Asterisk's log says, and look again");
            findings.about_link(Check::Dialplan, link, Outcome::Unknown, problem);
        }
        Ok(trace) => match tried.judge(&trace) {
            Ok(what) => findings.ok(Check::Dialplan, Some(&link.name), what),
            Err((outcome, problem)) => findings.about_link(Check::Dialplan, link, outcome, problem),
        },
    }
}

/// The context in which an endpoint of PJSIP delivers its calls.
async fn context_of(examined: &Examined<'_>, endpoint: &str) -> Option<String> {
    let get = GetObject { config_class: "res_pjsip".into(), object_type: "endpoint".into(), id: endpoint.to_owned() };
    let settings = examined.client.request(get).await.ok()?;
    let context = settings.into_iter().find(|setting| setting.attribute == "context")?.value;
    (!context.is_empty()).then(|| context.into())
}

/// Says that only a real call can tell.
fn unproven(examined: &Examined<'_>, link: &Link) -> Problem {
    let test = examined.plan.tests.iter().find(|test| test.links().contains(&&link.name));
    let fix = match test {
        Some(test) => format!("run `calltest run {}`: it makes that call", test.name),
        None => "write a test that has this link as its `dst`, and run it".to_owned(),
    };
    Problem::new("not proven: calls on this link come from outside, and no test call may leave the server", fix)
}

/// A way that was tried.
struct Tried<'t> {
    dial_string: String,
    /// The endpoint that delivers such calls, where they come from outside.
    trunk: Option<String>,
    link: &'t LinkName,
    arrives_as: &'t LinkName,
    /// Whether only the dialled number tells its calls from those of other links.
    is_told_by_number: bool,
    app: &'t str,
}

impl Tried<'_> {
    /// What the trace shows: that it is as it should be, or what is wrong.
    fn judge(&self, trace: &Trace) -> Result<String, (Outcome, Problem)> {
        let Self { dial_string, link, arrives_as, app, .. } = self;
        let call = match &self.trunk {
            Some(endpoint) => format!("{dial_string}, where endpoint {endpoint} delivers its calls,"),
            None => dial_string.clone(),
        };
        let wanted = format!("&calltest({arrives_as},${{EXTEN}})");
        let shown = "`calltest asterisk-config extensions.ael` prints the lines";
        if let Some(arguments) = &trace.arguments {
            let first = arguments.first().map_or("", |first| first.trim().trim_matches('"').trim());
            let has_number = arguments.get(1).is_some_and(|number| !number.trim().is_empty());
            if first == arrives_as.as_str() && self.is_told_by_number && !has_number {
                let what = format!(
                    "{call} comes to app `{app}` as `{first}`, as those of other links do, and no number with it"
                );
                let fix = format!("let the dialplan hand the number over too, with `{wanted}`; {shown}");
                return Err((Outcome::Problem, Problem::new(what, fix)));
            }
            if first == arrives_as.as_str() {
                return Ok(format!("{call} comes to app `{app}` as a call on link {first}"));
            }
            let what = format!("{call} comes to app `{app}` as a call on link `{first}` instead of `{arrives_as}`");
            let fix = format!("let the dialplan hand it over with `{wanted}` there; {shown}");
            return Err((Outcome::Problem, Problem::new(what, fix)));
        }
        let data_of = |name: &str| {
            let step = trace.steps.iter().find(|(step, _)| step.eq_ignore_ascii_case(name));
            step.map(|(_, data)| data.as_str())
        };
        if let Some(other) = data_of("Stasis").map(|data| data.split(',').next().unwrap_or(data).trim())
            && other != *app
        {
            let what = format!("{call} is handed to app `{other}` instead of `{app}`");
            let fix = format!("write Stasis({app},…) in the dialplan's macro, or set `app: {other}`");
            return Err((Outcome::Problem, Problem::new(what, fix)));
        }
        let passing = trace.steps.iter().find(|(step, _)| PASSING_ON.contains(&step.to_lowercase().as_str()));
        if let Some((step, data)) = passing {
            let what = format!("not proven: the dialplan passes {call} on with {step}({data}), and was stopped there");
            let fix = format!("run a test over link {link}: that makes the call in earnest");
            return Err((Outcome::Unknown, Problem::new(what, fix)));
        }
        let mut what = match &trace.steps[..] {
            [] if trace.has_ended => format!("no extension of the dialplan takes {call}"),
            steps => {
                let ran: Vec<_> = steps.iter().map(|(step, data)| format!("{step}({data})")).collect();
                format!("{call} does not come to app `{app}`: the dialplan ran {}", shortened(&ran))
            }
        };
        // A far end may write the number otherwise than our configuration does.
        let outcome = if self.trunk.is_some() { Outcome::Unknown } else { Outcome::Problem };
        if outcome == Outcome::Unknown {
            what.push_str("; it may do so if the far end writes the number in another form");
        }
        Err((outcome, Problem::new(what, format!("let it run `{wanted}` for this number; {shown}"))))
    }
}

/// The first few of a dialplan's steps.
fn shortened(steps: &[String]) -> String {
    match steps {
        [] => "nothing in 5 s".to_owned(),
        [first @ .., _] if steps.len() > SHOWN => format!("{}, and so on", first[..SHOWN].join(", ")),
        all => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(steps: &[(&str, &str)], arguments: Option<&[&str]>) -> Trace {
        let owned = |(step, data): &(&str, &str)| ((*step).to_owned(), (*data).to_owned());
        let arguments = arguments.map(|arguments| arguments.iter().map(ToString::to_string).collect());
        Trace { steps: steps.iter().map(owned).collect(), arguments, has_ended: true }
    }

    fn judged(trunk: Option<&str>, trace: &Trace) -> (Outcome, String) {
        let link = LinkName::from("foo");
        let tried = Tried {
            dial_string: "Local/1234@office".into(),
            trunk: trunk.map(Into::into),
            link: &link,
            arrives_as: &link,
            is_told_by_number: false,
            app: "calltest",
        };
        match tried.judge(trace) {
            Ok(what) => (Outcome::Ok, what),
            Err((outcome, problem)) => (outcome, format!("{}; {}", problem.what, problem.fix)),
        }
    }

    #[test]
    fn each_way_of_going_astray_has_its_own_sentence() {
        for (steps, arguments, outcome, words) in [
            (&[("Stasis", "calltest,foo,1234")][..], Some(&["foo", "1234"][..]), Outcome::Ok, "as a call on link foo"),
            (&[], Some(&[" \"foo\" ", "1"]), Outcome::Ok, "as a call on link foo"),
            (&[], Some(&["bar", "1234"]), Outcome::Problem, "link `bar` instead of `foo`; let the dialplan"),
            (&[], Some(&[]), Outcome::Problem, "link `` instead of `foo`"),
            (&[("NoOp", ""), ("Stasis", "other,foo")], None, Outcome::Problem, "app `other` instead of `calltest`"),
            (&[("Dial", "PJSIP/1@x")], None, Outcome::Unknown, "passes Local/1234@office on with Dial(PJSIP/1@x)"),
            (&[], None, Outcome::Problem, "no extension of the dialplan takes Local/1234@office"),
            (&[("Answer", ""), ("Wait", "1")], None, Outcome::Problem, "the dialplan ran Answer(), Wait(1)"),
        ] {
            let (found, text) = judged(None, &trace(steps, arguments));
            assert!(found == outcome && text.contains(words), "{found:?} {text}");
        }
    }

    #[test]
    fn what_a_trunk_delivers_may_be_written_otherwise() {
        let (outcome, text) = judged(Some("carrier"), &trace(&[], None));
        assert!(outcome == Outcome::Unknown && text.contains("in another form"), "{text}");
        let (outcome, text) = judged(Some("carrier"), &trace(&[], Some(&["foo"])));
        assert!(outcome == Outcome::Ok && text.contains("where endpoint carrier delivers its calls"), "{text}");
    }

    #[test]
    fn links_that_share_a_trunk_need_the_number() {
        let (link, arrives_as) = (LinkName::from("foo"), LinkName::from("carrier"));
        let tried = |is_told_by_number| Tried {
            dial_string: "Local/1234@office".into(),
            trunk: None,
            link: &link,
            arrives_as: &arrives_as,
            is_told_by_number,
            app: "calltest",
        };
        let (whole, without) = (trace(&[], Some(&["carrier", "1234"])), trace(&[], Some(&["carrier", ""])));
        assert!(tried(true).judge(&whole).is_ok() && tried(false).judge(&without).is_ok());
        assert!(tried(true).judge(&without).unwrap_err().1.what.ends_with("and no number with it"));
    }

    #[test]
    fn a_long_dialplan_is_cut_short() {
        let steps: Vec<_> = (1..=6).map(|step| format!("Wait({step})")).collect();
        assert_eq!(shortened(&steps), "Wait(1), Wait(2), Wait(3), Wait(4), and so on");
        assert_eq!(shortened(&steps[..4]), "Wait(1), Wait(2), Wait(3), Wait(4)");
    }
}
