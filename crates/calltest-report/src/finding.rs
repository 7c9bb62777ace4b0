//! Findings about a set-up: one line each for people, one JSON object each for programs.

use calltest_core::event::{Finding, Outcome};
use serde::Serialize;

use crate::json_text;
use crate::plain_text::shortened;

/// The most characters of a finding that its line for people has.
const LONGEST: usize = 4000;

/// The version of the wire form.
pub const VERSION: u32 = 1;

/// A finding on the wire.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingReport {
    /// Version of this form: [`VERSION`].
    pub version: u32,
    /// The server's name.
    pub server: String,
    /// The link's name, where only that is concerned.
    pub link: Option<String>,
    /// What was looked at, in one word.
    pub check: &'static str,
    /// `ok`, `warning`, `unknown` or `problem`.
    pub outcome: &'static str,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl From<&Finding> for FindingReport {
    fn from(finding: &Finding) -> Self {
        Self {
            version: VERSION,
            server: finding.server.to_string(),
            link: finding.link.as_ref().map(ToString::to_string),
            check: finding.check.word(),
            outcome: finding.outcome.word(),
            what: finding.what.clone(),
            fix: finding.fix.clone(),
        }
    }
}

/// A finding as one line of JSON.
///
/// # Errors
/// None that can happen: every field of the form has a JSON form. The error is passed on all the same.
pub fn json_line(finding: &Finding) -> serde_json::Result<String> {
    json_text::line(&FindingReport::from(finding))
}

/// A finding as one line for people, without its outcome: where it was made, what was seen, and what to do.
pub fn line(finding: &Finding) -> String {
    let Finding { server, link, check, what, fix, .. } = finding;
    let link = link.as_ref().map(|link| format!(", link {link}")).unwrap_or_default();
    let fix = fix.as_ref().map(|fix| format!("; fix: {fix}")).unwrap_or_default();
    shortened(&format!("{server}{link}: {}: {what}{fix}", check.word()), LONGEST).into_owned()
}

/// How many findings there were of each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All is well.
    pub ok: usize,
    /// Works, but not as well as it might.
    pub warnings: usize,
    /// Could not be found out.
    pub unknown: usize,
    /// Calls fail on it.
    pub problems: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Warning => &mut self.warnings,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Problem => &mut self.problems,
        } += 1;
    }

    /// All of it in one sentence.
    pub fn summary(&self) -> String {
        let Self { ok, warnings, unknown, problems } = self;
        format!("in order: {ok}, warnings: {warnings}, not found out: {unknown}, problems: {problems}")
    }
}

#[cfg(test)]
mod tests {
    use calltest_core::event::Check;

    use super::*;

    fn offline() -> Finding {
        Finding {
            server: "asterisk".into(),
            link: Some("carrier".into()),
            check: Check::Endpoint,
            outcome: Outcome::Problem,
            what: "PJSIP/carrier is offline".into(),
            fix: Some("see why the far end does not answer".into()),
        }
    }

    #[test]
    fn the_wire_form_of_a_finding() {
        insta::assert_snapshot!(json_line(&offline()).unwrap(), @r#"{"version":1,"server":"asterisk","link":"carrier","check":"endpoint","outcome":"problem","what":"PJSIP/carrier is offline","fix":"see why the far end does not answer"}"#);
        let fine = Finding { link: None, outcome: Outcome::Ok, fix: None, ..offline() };
        insta::assert_snapshot!(json_line(&fine).unwrap(), @r#"{"version":1,"server":"asterisk","link":null,"check":"endpoint","outcome":"ok","what":"PJSIP/carrier is offline","fix":null}"#);
    }

    #[test]
    fn a_line_says_where_what_and_what_to_do() {
        let line = line(&offline());
        let expected =
            "asterisk, link carrier: endpoint: PJSIP/carrier is offline; fix: see why the far end does not answer";
        assert_eq!(line, expected);
    }

    #[test]
    fn whatever_a_server_says_it_is_one_line() {
        let what = "it says\n\u{1b}[2Jok      asterisk: reach: all is well\u{202e}";
        let finding = Finding { what: what.into(), fix: None, ..offline() };
        let expected =
            "asterisk, link carrier: endpoint: it says\u{fffd}\u{fffd}[2Jok      asterisk: reach: all is well\u{fffd}";
        assert_eq!(line(&finding), expected);
        assert!(json_line(&finding).unwrap().is_ascii());
        let long = Finding { what: "x".repeat(1 << 20), ..finding };
        assert!(line(&long).len() < LONGEST + 100, "{}", line(&long).len());
    }

    #[test]
    fn every_outcome_is_counted() {
        let mut tally = Tally::default();
        for outcome in [Outcome::Ok, Outcome::Ok, Outcome::Warning, Outcome::Unknown, Outcome::Problem] {
            tally.add(outcome);
        }
        assert_eq!(tally.summary(), "in order: 2, warnings: 1, not found out: 1, problems: 1");
    }
}
