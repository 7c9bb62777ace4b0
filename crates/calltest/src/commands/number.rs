//! `calltest number LINK NUMBER`: what becomes of a number that is dialled over a link, whether it may be, and how a caller
//! with this number would be seen.

use std::time::{SystemTime, UNIX_EPOCH};

use calltest_core::call_volume::CallVolume;
use calltest_core::guard::CallBudget;
use calltest_core::number::PhoneNumber;
use calltest_core::number_rule::Mapped;
use calltest_core::outbound_route::OutboundRoute;
use calltest_core::plan::{Link, LinkName, Plan, without_secret};
use calltest_report::plain_text::printable;
use calltest_runner::CallLog;

use crate::cli::{Cli, Number};
use crate::exit::{Exit, Stop};
use crate::output::Refusal;
use crate::{configuration, directories, output};

pub(crate) fn run(cli: &Cli, asked: &Number) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let plan = &loaded.plan;
    let Some(link) = plan.links.get(asked.link.as_str()) else {
        return Err(output::refuse(no_such_link(plan, &asked.link)));
    };
    let number = PhoneNumber::parse(&asked.number).map_err(|bad| output::refuse(bad.to_string()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let call_budget = if plan.has_budgets() {
        let call_log = directories::state(plan).join(CallLog::FILE_NAME);
        CallLog::look_at(&call_log, now).map_err(|error| error.to_string())
    } else {
        Ok(CallBudget::default())
    };
    let answer = Answer::of(plan, link, number.as_str(), &call_budget, now);
    let told = output::print_all(&answer.text)?;
    Ok(if answer.is_refused { Exit::TestFailed } else { told })
}

fn no_such_link(plan: &Plan, name: &str) -> Refusal {
    let hint = match calltest_config::nearest(name, plan.links.keys().map(LinkName::as_str)) {
        Some(known) => format!("did you mean {known}?"),
        None if plan.links.is_empty() => {
            format!("there are no links at all; configurations are looked for in {}", configuration::places())
        }
        None => "`calltest dumpcfg` shows them all under `links`".into(),
    };
    Refusal::with_hint(format!("there is no link {name}"), hint)
}

/// What there is to say about a number.
struct Answer {
    text: String,
    /// Whether a call would not go out.
    is_refused: bool,
}

impl Answer {
    fn of(plan: &Plan, link: &Link, number: &str, call_budget: &Result<CallBudget, String>, now: u64) -> Self {
        let mut answer = Self { text: String::new(), is_refused: false };
        answer.line("link", &format!("{} on server {}", link.name, link.server));
        answer.outbound_route(plan, link, number, call_budget, now);
        answer.volume(plan, link);
        answer.inbound_route(plan, link, number);
        answer
    }

    fn line(&mut self, what: &str, text: &str) {
        self.text.push_str(&format!("{what:<9} {}\n", printable(text)));
    }

    fn refuse(&mut self, what: &str, why: &str) {
        self.is_refused = true;
        self.line(what, &format!("REFUSED: {why}"));
    }

    fn outbound_route(
        &mut self,
        plan: &Plan,
        link: &Link,
        number: &str,
        call_budget: &Result<CallBudget, String>,
        now: u64,
    ) {
        let Some(outbound_route) = OutboundRoute::of(plan, link) else {
            return self.line("dials", "nothing: the link has no `channel`, so it can only be called");
        };
        let address = outbound_route.address;
        let mapped = match outbound_route.map(number) {
            Ok(mapped) => mapped,
            Err(rejected) => return self.refuse("outgoing", &rejected.to_string()),
        };
        match &mapped {
            Some(mapped) => self.line("outgoing", &what_became_of(number, mapped)),
            None => self.line("outgoing", &format!("`{address}` has no place for a number")),
        }
        let dialled = address.dial(mapped.as_ref().map(|mapped| mapped.number.as_str()));
        self.line("dials", &without_secret(&dialled));
        if let Err(forbidden) = outbound_route.permit(mapped.as_ref().map(|mapped| (number, mapped))) {
            self.refuse("guard", &forbidden.to_string());
            return self.line("hint", &forbidden.hint());
        }
        let (overall, of_link) = (&plan.guard.budget, &link.guard.budget);
        match call_budget
            .as_ref()
            .map(|call_budget| (call_budget, call_budget.check(overall, of_link, &link.name, now)))
        {
            Ok((_, Ok(()))) => self.line("guard", "lets it out"),
            Ok((_, Err(exhausted))) => self.refuse("guard", &exhausted.to_string()),
            Err(unreadable) => self.refuse("guard", &format!("calls cannot be counted: {unreadable}")),
        }
        for usage in call_budget.iter().flat_map(|call_budget| call_budget.usage(overall, of_link, &link.name, now)) {
            self.line("budget", &format!("guard.{} {}: {} of {}", usage.key, usage.owner, usage.used, usage.limit));
        }
    }

    /// What the daemon would call on this link by itself.
    fn volume(&mut self, plan: &Plan, link: &Link) {
        if let Some(volume) = CallVolume::of_all(plan).get(&link.name) {
            self.line("volume", &volume.to_string());
        }
    }

    fn inbound_route(&mut self, plan: &Plan, link: &Link, caller: &str) {
        let server = plan.server_of(&link.name);
        match link.incoming_rules(server).apply(caller) {
            // No call is made here, so nothing is refused: a caller is asked about that never called.
            Err(rejected) => self.line("incoming", &rejected.to_string()),
            Ok(mapped) => {
                self.line("incoming", &what_became_of(caller, &mapped));
                let is_number = mapped.number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
                let international = server.dialplan.internationalise(&mapped.number).filter(|_| is_number);
                match international {
                    Some(same) if same == mapped.number => self.line("seen as", &same),
                    Some(other) => self.line("seen as", &format!("{}, in international format {other}", mapped.number)),
                    None => self.line("seen as", &format!("{}, which has no international format", mapped.number)),
                }
            }
        }
    }
}

fn what_became_of(number: &str, mapped: &Mapped) -> String {
    match &mapped.rule {
        Some(rule) if mapped.number == number => format!("{number} stays as it is by {rule}"),
        Some(rule) => format!("{number} becomes {} by {rule}", mapped.number),
        None => format!("{number} stays as it is: no rule fits"),
    }
}
