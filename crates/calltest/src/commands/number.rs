//! `calltest number LINK NUMBER`: what becomes of a number that is dialled over a link, whether it may be, and how a caller
//! with this number would be seen.

use std::time::{SystemTime, UNIX_EPOCH};

use calltest_core::guard::{Guards, Ledger};
use calltest_core::number::PhoneNumber;
use calltest_core::number_rule::{Mapped, RuleLists};
use calltest_core::plan::{Link, Plan};
use calltest_core::way_out::WayOut;
use calltest_runner::GuardBook;

use crate::cli::{Cli, Number};
use crate::exit::Exit;
use crate::{configuration, output};

pub(crate) fn run(cli: &Cli, asked: &Number) -> anyhow::Result<Exit> {
    let loaded = match configuration::load_for(&cli.common) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let plan = &loaded.plan;
    let Some(link) = plan.links.get(asked.link.as_str()) else {
        output::complain(&no_such_link(plan, &asked.link));
        return Ok(Exit::Usage);
    };
    let number = match PhoneNumber::parse(&asked.number) {
        Ok(number) => number,
        Err(bad) => {
            output::complain(&bad.to_string());
            return Ok(Exit::Usage);
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let ledger = if plan.has_budgets() {
        let book = configuration::state_directory(plan).join(GuardBook::FILE_NAME);
        GuardBook::look_at(&book, now).map_err(|error| error.to_string())
    } else {
        Ok(Ledger::default())
    };
    let answer = Answer::of(plan, link, number.as_str(), &ledger, now);
    let told = output::print_all(&output::printable(&answer.text))?;
    Ok(if answer.is_refused { Exit::TestFailed } else { told })
}

fn no_such_link(plan: &Plan, name: &str) -> String {
    let known = plan.links.keys().map(|link| link.as_str());
    let close = known.map(|known| (strsim::jaro_winkler(known, name), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match close {
        Some((likeness, known)) if likeness > 0.8 => format!("did you mean {known}?"),
        Some(_) => "`calltest dumpcfg` shows them all under `links`".into(),
        None => format!("there are no links at all; configurations are looked for in {}", configuration::places()),
    };
    format!("there is no link {name}\nhint: {hint}")
}

/// What there is to say about a number.
struct Answer {
    text: String,
    /// Whether a call would not go out.
    is_refused: bool,
}

impl Answer {
    fn of(plan: &Plan, link: &Link, number: &str, ledger: &Result<Ledger, String>, now: u64) -> Self {
        let mut answer = Self { text: String::new(), is_refused: false };
        answer.line("link", &format!("{} on server {}", link.name, link.server));
        answer.way_out(plan, link, number, ledger, now);
        answer.way_in(plan, link, number);
        answer
    }

    fn line(&mut self, what: &str, text: &str) {
        self.text.push_str(&format!("{what:<9} {text}\n"));
    }

    fn refuse(&mut self, what: &str, why: &str) {
        self.is_refused = true;
        self.line(what, &format!("REFUSED: {why}"));
    }

    fn way_out(&mut self, plan: &Plan, link: &Link, number: &str, ledger: &Result<Ledger, String>, now: u64) {
        let server = plan.server_of(&link.name);
        let Some(channel) = &link.channel else {
            return self.line("dials", "nothing: the link has no `channel`, so it can only be called");
        };
        let way_out =
            WayOut { rules: RuleLists::outgoing(link, server), guards: Guards::of(plan, link, server), channel };
        let mapped = match way_out.map(number) {
            Ok(mapped) => mapped,
            Err(rejected) => return self.refuse("outgoing", &rejected.to_string()),
        };
        match &mapped {
            Some(mapped) => self.line("outgoing", &what_became_of(number, mapped)),
            None => self.line("outgoing", &format!("`{channel}` has no place for a number")),
        }
        self.line("dials", &channel.dial(mapped.as_ref().map(|mapped| mapped.number.as_str())));
        if let Err(forbidden) = way_out.permit(mapped.as_ref().map(|mapped| (number, mapped))) {
            self.refuse("guard", &forbidden.to_string());
            return self.line("hint", &forbidden.hint());
        }
        let (overall, of_link) = (&plan.guard.budget, &link.guard.budget);
        match ledger.as_ref().map(|ledger| (ledger, ledger.check(overall, of_link, &link.name, now))) {
            Ok((_, Ok(()))) => self.line("guard", "lets it out"),
            Ok((_, Err(exhausted))) => self.refuse("guard", &exhausted.to_string()),
            Err(unreadable) => self.refuse("guard", &format!("calls cannot be counted: {unreadable}")),
        }
        for usage in ledger.iter().flat_map(|ledger| ledger.usage(overall, of_link, &link.name, now)) {
            self.line("budget", &format!("guard.{} {}: {} of {}", usage.key, usage.owner, usage.used, usage.limit));
        }
    }

    fn way_in(&mut self, plan: &Plan, link: &Link, caller: &str) {
        let server = plan.server_of(&link.name);
        match RuleLists::incoming(link, server).apply(caller) {
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
