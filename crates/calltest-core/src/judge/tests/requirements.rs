//! What a call has to look like to its caller, beside how far it gets.

use super::*;
use crate::abilities::Abilities;

impl Story {
    fn ringing(mut self, presence: Presence) -> Self {
        self.expectation.ringing.presence = presence;
        self
    }

    fn early_media(mut self, presence: Presence) -> Self {
        self.expectation.early_media = presence;
        self
    }

    fn early_media_is_ringing(mut self) -> Self {
        self.expectation.ringing.early_media_counts = true;
        self
    }

    fn answered(self) -> Self {
        self.src(Observation::Answered)
    }
}

fn rejected_soon() -> Story {
    let mut story = story(Milestone::Rejection);
    story.expectation.rejection = Some(RejectionWindow::AfterDialling { within: Duration::from_secs(5) });
    story
}

#[test]
fn ringing_that_is_required_comes_before_the_answer_or_the_rejection() {
    let required = |story: Story| story.ringing(Presence::Required);
    required(story(Milestone::Answer)).src(Observation::Ringing).answered().is("pass", "");
    required(rejected_soon()).src(Observation::Ringing).rejected(17, 486).is("pass", "");
    required(story(Milestone::Answer)).answered().is("fail", "foo: expected ringing, was answered without");
    required(rejected_soon()).rejected(17, 486).is("fail", "foo: expected ringing, was rejected without");
    let early = |story: Story| required(story).src(Observation::EarlyMedia);
    early(story(Milestone::Answer)).answered().is("fail", "foo: expected ringing, was answered without");
    early(story(Milestone::Answer)).early_media_is_ringing().answered().is("pass", "");
    early(rejected_soon()).early_media_is_ringing().rejected(17, 486).is("pass", "");
    // Before either of them there is still time to ring.
    required(story(Milestone::Answer))
        .deadline(Awaiting::Answer(Side::Src))
        .is("fail", "foo: expected an answer, saw neither ringing, answer nor rejection within 30 s");
}

#[test]
fn events_may_be_told_in_any_order() {
    story(Milestone::Answer).ringing(Presence::Required).answered().src(Observation::Ringing).is("pass", "");
    rejected_soon().early_media(Presence::Required).rejected(17, 486).src(Observation::EarlyMedia).is("pass", "");
}

#[test]
fn early_media_is_looked_at_as_configured() {
    let required = |story: Story| story.early_media(Presence::Required);
    required(story(Milestone::Answer)).src(Observation::EarlyMedia).answered().is("pass", "");
    required(story(Milestone::Answer)).answered().is("fail", "foo: expected early media, was answered without");
    required(rejected_soon())
        .src(Observation::Ringing)
        .rejected(17, 486)
        .is("fail", "foo: expected early media, was rejected without");
    required(story(Milestone::Ringing))
        .src(Observation::Ringing)
        .deadline(Awaiting::EarlyMedia)
        .is("fail", "foo: expected early media, saw only ringing within 30 s");
    required(story(Milestone::Ringing)).src(Observation::EarlyMedia).deadline(Awaiting::EarlyMedia).is(
        "error",
        "early media came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
    let forbidden = |story: Story| story.early_media(Presence::Forbidden);
    forbidden(story(Milestone::Answer)).src(Observation::Ringing).answered().is("pass", "");
    forbidden(story(Milestone::Answer))
        .src(Observation::EarlyMedia)
        .answered()
        .is("fail", "foo: early media 0.10 s after the call went out, expected none");
}

#[test]
fn ringing_is_missed_before_early_media() {
    let both = story(Milestone::Answer).ringing(Presence::Required).early_media(Presence::Required);
    both.answered().is("fail", "foo: expected ringing, was answered without");
}

#[test]
fn early_media_that_counts_as_ringing_is_forbidden_with_it() {
    let early = || story(Milestone::Answer).ringing(Presence::Forbidden).src(Observation::EarlyMedia).answered();
    early().is("pass", "");
    early().early_media_is_ringing().is("fail", "foo: rang 0.10 s after the call went out, expected no ringing");
}

#[test]
fn an_answer_has_to_come_in_time() {
    let within_a_second = || {
        let mut story = story(Milestone::Answer);
        story.expectation.answer_within = Some(Duration::from_secs(1));
        story
    };
    within_a_second().after(1000).answered().is("pass", "");
    within_a_second().after(1010).answered().is("fail", "foo: answered after 1.01 s, expected within 1 s");
    let overdue = Stop::Overdue { awaiting: Awaiting::Answer(Side::Src), within: Duration::from_secs(1) };
    within_a_second()
        .src(Observation::Ringing)
        .stopped(overdue.clone())
        .is("fail", "foo: expected an answer, saw only ringing within 1 s");
    // It came after we had ceased to wait, and in time by the server's clock: nobody can tell.
    let mut late = within_a_second().after(1010).answered().stopped(overdue);
    late = late.stamp(0, 1_000).stamp(1, 1990);
    late.is(
        "error",
        "the answer came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
}

#[test]
fn what_a_link_cannot_show_is_neither_there_nor_missing() {
    let blind = |mut case: Story| {
        case.evidence.abilities = Abilities { sip_codes: false, early_media: false, ..Abilities::ALL };
        case
    };
    let early_media = |presence| {
        let mut case = story(Milestone::Answer).src(Observation::Ringing);
        case.expectation.early_media = presence;
        case
    };
    let unshown = "foo cannot show early media, so it cannot be told whether the call was as it should be";
    for presence in [Presence::Required, Presence::Forbidden] {
        blind(early_media(presence)).src(Observation::Answered).is("error", unshown);
    }
    blind(early_media(Presence::Allowed)).src(Observation::Answered).is("pass", "");
    blind(early_media(Presence::Required)).deadline(Awaiting::EarlyMedia).is("error", unshown);
    let mut counts = story(Milestone::Ringing).src(Observation::Ringing);
    counts.expectation.ringing.early_media_counts = true;
    blind(counts).is("error", unshown);
    // What the network did wrong it did wrong all the same.
    blind(early_media(Presence::Required))
        .rejected(17, 486)
        .leg_ended(Awaiting::EarlyMedia)
        .is("fail", "foo: rang, then rejected after 0.20 s with 17 user busy (SIP 486), expected early media");
    let mut rejected =
        story(Milestone::Rejection).src(Observation::HangupRequest { end: HangupCause(17).into(), is_soft: false });
    rejected.expectation.causes = vec![ExpectedCause::Sip(486)];
    blind(rejected).is("error", "foo cannot show SIP codes, so it cannot be told whether the call was as it should be");
}
