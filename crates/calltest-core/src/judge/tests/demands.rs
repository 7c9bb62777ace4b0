//! What a call has to look like to its caller, beside how far it gets.

use super::*;

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
        .is("fail", "foo: expected an answer, saw no sign of life within 30 s");
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
    late.evidence.facts[0].server_time = Some(ServerTime(1_000_000));
    late.evidence.facts[1].server_time = Some(ServerTime(1_990_000));
    late.is(
        "error",
        "the answer came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
}
