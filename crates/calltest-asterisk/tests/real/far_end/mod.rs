//! Calls to far ends of which we know each step: SIPp, which speaks SIP as a scenario says, and the dialplan behind
//! Local channels. A file for each mode; its table has a row for each way to pass and to fail, with the whole reason.
//!
//! The rows of a table run at once, each over a link and to a far end of its own.

mod answered;
mod local;
mod rejected;
mod ringing;
mod ringing_out;

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, for_tests, sipp_for_tests};
use calltest_core::cause::ExpectedCause;
use calltest_core::evidence::Evidence;
use calltest_core::plan::{CallTest, Presence, Route};
use calltest_core::run::FinishedRun;
use tokio::time::Instant;

use crate::intruders::Intruder;
use crate::scene::Scene;
use crate::{address, nothing_is_left};

/// Where a call goes.
enum FarEnd {
    /// To SIPp.
    Sip(Scenario),
    /// To this extension of the dialplan below.
    Local(&'static str),
}

/// The dialplan's far ends.
const DIALPLAN: &str = "\
[far]
exten => busy,1,Busy()
exten => congestion,1,Congestion()
exten => rings,1,Ringing()
 same => n,Wait(60)
exten => progress,1,Progress()
 same => n,Wait(60)
exten => proceeds,1,Proceeding()
 same => n,Wait(60)
exten => answers,1,Answer()
 same => n,Wait(60)
exten => rings-busy,1,Ringing()
 same => n,Wait(0.6)
 same => n,Busy()
exten => progress-congestion,1,Progress()
 same => n,Wait(0.6)
 same => n,Congestion()
exten => rings-hangup,1,Ringing()
 same => n,Wait(0.6)
 same => n,Hangup(21)
";

/// The causes with which extensions `hangup-N` reject.
const CAUSES: [u16; 6] = [1, 17, 21, 27, 34, 58];

/// One call, and what has to come of it.
struct Row {
    name: &'static str,
    far_end: FarEnd,
    test: CallTest,
    word: &'static str,
    /// The whole reason, in which `<0.5..2>` stands for any number of that range.
    reason: String,
    /// How long the run may take. A run that goes on after all is clear costs money.
    takes: Duration,
}

fn sip(name: &'static str, scenario: Scenario, test: CallTest) -> Row {
    Row::new(name, FarEnd::Sip(scenario), test)
}

fn local(name: &'static str, extension: &'static str, test: CallTest) -> Row {
    Row::new(name, FarEnd::Local(extension), test)
}

impl Row {
    /// A row that passes, unless more is said.
    fn new(name: &'static str, far_end: FarEnd, mut test: CallTest) -> Self {
        let Route::Out { to, .. } = &mut test.route else {
            panic!("mode {} does not only call", test.route.mode());
        };
        to.src = name.into();
        test.name = name.into();
        Self { name, far_end, test, word: "pass", reason: String::new(), takes: ms(5000) }
    }

    /// The test fails, with this reason after the link's name.
    fn fails(self, reason: &str) -> Self {
        Self { word: "fail", reason: format!("{}: {reason}", self.name), ..self }
    }

    /// The run ends in an error, with this reason.
    fn errs(self, reason: &str) -> Self {
        Self { word: "error", reason: reason.to_owned(), ..self }
    }

    fn takes(self, milliseconds: u64) -> Self {
        Self { takes: ms(milliseconds), ..self }
    }

    fn channel(&self) -> String {
        match &self.far_end {
            FarEnd::Sip(_) => format!("PJSIP/4711@{}", self.name),
            FarEnd::Local(extension) => format!("Local/{extension}@far"),
        }
    }

    /// What is wrong with how a run came out.
    fn complaint(&self, run: &FinishedRun) -> Option<String> {
        let reason = run.verdict.reason().unwrap_or_default();
        let is_right = run.verdict.word() == self.word && fits(&self.reason, &reason) && run.duration <= self.takes;
        let Self { name, word, reason: expected, takes, .. } = self;
        (!is_right).then(|| {
            let said = format!("{}: {reason}, in {:?}", run.verdict.word(), run.duration);
            let expected = format!("{word}: {expected}, in {takes:?}");
            format!("{name}\n  expected {expected}\n  came out {said}\n{}", story(&run.evidence))
        })
    }
}

/// Runs all rows at once. After each, none of its channels may be left.
async fn check_all(rows: Vec<Row>) {
    let far_ends = rows.iter().filter_map(|row| match &row.far_end {
        FarEnd::Sip(scenario) => Some((row.name, scenario.clone())),
        FarEnd::Local(_) => None,
    });
    let rejecting = CAUSES.map(|cause| format!("exten => hangup-{cause},1,Hangup({cause})\n"));
    let server = ServerOptions::named("a").dialplan(DIALPLAN.to_owned() + &rejecting.concat());
    let lab = Lab::builder(&for_tests()).server(server).far_ends(&sipp_for_tests(), far_ends).start().unwrap();
    let scene = Scene::new().server("a", address(lab.server("a")));
    let scene = rows.iter().fold(scene, |scene, row| scene.link(row.name, "a", &row.channel(), ""));
    let tests: Vec<CallTest> = rows.iter().map(|row| row.test.clone()).collect();
    let stage = scene.open(&tests).await;
    let onlooker = Intruder::enter(lab.server("a")).await;
    let checked = rows.iter().enumerate().map(|(index, row)| {
        let (run, onlooker) = (stage.start_nth(index), &onlooker);
        async move {
            let run = run.await.unwrap();
            let left = left_of(&run, onlooker).await;
            row.complaint(&run).or_else(|| left.map(|left| format!("{}: left {left:?}", row.name)))
        }
    });
    let complaints: Vec<String> = futures_util::future::join_all(checked).await.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{} of {} rows:\n{}", complaints.len(), rows.len(), complaints.join("\n"));
    nothing_is_left(&lab);
    stage.close().await;
}

/// The channels that a run has left. The far half of a Local channel may need a moment.
async fn left_of(run: &FinishedRun, onlooker: &Intruder) -> Option<Vec<String>> {
    let give_up = Instant::now() + Duration::from_secs(1);
    loop {
        let mut channels = onlooker.channels().await;
        channels.retain(|id| id.contains(&run.id.to_string()));
        if channels.is_empty() {
            return None;
        }
        if Instant::now() >= give_up {
            return Some(channels);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What was seen, a line for each fact.
fn story(evidence: &Evidence) -> String {
    let facts = evidence.facts.iter().map(|fact| format!("    {:?} {:?} {:?}\n", fact.at, fact.side, fact.what));
    format!("{}    {:?}, sight {:?}", facts.collect::<String>(), evidence.script_end, evidence.sight)
}

/// Whether a text is what a pattern says, in which `<0.5..2>` stands for any number of that range.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('<') else { return pattern == text };
    let (range, after) = rest.split_once('>').expect("a range has an end");
    let (low, high) = range.split_once("..").expect("a range has two bounds");
    let [low, high] = [low, high].map(|bound| bound.parse::<f64>().expect("a bound is a number"));
    let Some(text) = text.strip_prefix(before) else { return false };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, text) = text.split_at(end);
    number.parse().is_ok_and(|number: f64| low <= number && number <= high) && fits(after, text)
}

#[test]
fn patterns_fit_whole_texts_with_numbers_in_range() {
    let pattern = "far: rejected after <0.3..1> s with 17, expected within <1..1> s";
    assert!(fits(pattern, "far: rejected after 0.31 s with 17, expected within 1 s"));
    for text in [
        "far: rejected after 1.01 s with 17, expected within 1 s",
        "far: rejected after 0.31 s with 17, expected within 1 s.",
        "far: rejected after 0.31 s with 18, expected within 1 s",
        "far: rejected after  s with 17, expected within 1 s",
    ] {
        assert!(!fits(pattern, text), "{text}");
    }
}

/// What a row's test wants of its call, beyond what its mode does.
trait Demanding: Sized {
    fn deadline(self, milliseconds: u64) -> Self;
    /// How long the call goes on after ringing, or after the answer.
    fn stays(self, milliseconds: u64) -> Self;
    fn ringing(self, presence: Presence) -> Self;
    fn early_media_is_ringing(self) -> Self;
    fn early_media(self, presence: Presence) -> Self;
    fn answer_within(self, milliseconds: u64) -> Self;
    fn causes(self, causes: &[&str]) -> Self;
}

impl Demanding for CallTest {
    fn deadline(self, milliseconds: u64) -> Self {
        Self { timeout: ms(milliseconds), ..self }
    }

    fn stays(mut self, milliseconds: u64) -> Self {
        self.delay.ring = ms(milliseconds);
        self.delay.answer = ms(milliseconds);
        self
    }

    fn ringing(mut self, presence: Presence) -> Self {
        self.requirements.ringing.presence = presence;
        self
    }

    fn early_media_is_ringing(mut self) -> Self {
        self.requirements.ringing.early_media_counts = true;
        self
    }

    fn early_media(mut self, presence: Presence) -> Self {
        self.requirements.early_media = presence;
        self
    }

    fn answer_within(mut self, milliseconds: u64) -> Self {
        self.requirements.answer_within = Some(ms(milliseconds));
        self
    }

    fn causes(mut self, causes: &[&str]) -> Self {
        self.requirements.causes = causes.iter().map(|cause| ExpectedCause::parse(cause).expect("a cause")).collect();
        self
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A far end that says nothing, to which steps are added.
fn far() -> Scenario {
    Scenario::silent()
}
