//! A story: what becomes of a call, and what goes wrong with it.

use std::collections::HashMap;
use std::time::Duration;

use calltest_core::evidence::{Observation, Side};

use crate::scripted::act::end;
use crate::scripted::digits::DigitTwist;
use crate::scripted::{Act, CommandKind, Incoming, Recorded, Sign, Whose};
use crate::{Refused, Undialled};

/// How long a call takes to arrive.
const WAY: Duration = Duration::from_millis(40);

/// What becomes of calls.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub(super) rules: Vec<Rule>,
    pub(super) twists: HashMap<(Side, Sign), Twist>,
    pub(super) digits: Vec<(Side, DigitTwist)>,
    pub(super) refusals: HashMap<(Side, CommandKind), Refused>,
    pub(super) answer_times: HashMap<(Side, CommandKind), Duration>,
    pub(super) dial: Dial,
    pub(super) arrival: Option<Arrival>,
    /// Legs that nothing ends but [`Engine::clean_up`](crate::Engine::clean_up).
    pub(super) staying: Vec<Side>,
    /// Legs that do not end just because the other one does.
    pub(super) unconcerned: Vec<Side>,
    pub(super) recorded: HashMap<Side, Recorded>,
    /// Legs whose recording is gone with them.
    pub(super) forgetful: Vec<Side>,
    pub(super) fetch_times: HashMap<Side, Duration>,
    /// What is told of how a leg was carried.
    pub(super) measured: HashMap<Side, Vec<Observation>>,
    /// What is told of who calls.
    pub(super) identified: Option<Result<Vec<Observation>, Refused>>,
}

/// What becomes of the wish to make a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Dial {
    pub(super) takes: Duration,
    pub(super) refused: Option<Undialled>,
}

/// Where and how a call that was dialled arrives, as far as that does not follow from what was dialled.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) after: Duration,
    pub(super) server: Option<String>,
    pub(super) link: Option<String>,
    pub(super) caller: Option<String>,
    pub(super) dialled: Option<String>,
    pub(super) whose: Whose,
    /// It arrives even if its caller has hung up on the way, and ends so long after that.
    pub(super) outruns_its_end_by: Option<Duration>,
}

/// When something happens, after so long something else does.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) when: When,
    /// Only the time with this number, counted from one in each call.
    pub(super) nth: Option<usize>,
    pub(super) after: Duration,
    pub(super) then: Act,
}

/// What becomes of something on its way to the run.
#[derive(Debug, Clone)]
pub(super) enum Twist {
    Lost,
    Twice,
    /// It happens later.
    Late(Duration),
    /// It happens in time, as its stamp says, and is told later.
    ToldLate(Duration),
    Unstamped,
    Instead(Observation),
}

/// Something on which a rule of a story waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// The first server is connected to.
    Beginning,
    /// A run listens for calls on the link of that name.
    Listening(String),
    /// A call goes out.
    Dialled,
    /// A call comes in that was dialled here.
    Arrived,
    /// A leg takes a command.
    Commanded(Side, CommandKind),
    /// Something happens to a leg, whether it is told or not.
    Happens(Side, Sign),
    /// We hang a leg up.
    HungUp(Side),
    /// Some server is asked for a sign of life: the run's script has ended.
    SightAsked,
}

/// A rule of a story in the making.
#[derive(Debug)]
#[must_use = "nothing happens until the story is told what"]
pub struct Moment {
    story: Story,
    when: When,
    nth: Option<usize>,
    after: Duration,
}

impl Moment {
    /// So long after it.
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// Only the time with this number, counted from one in each call.
    pub fn for_the(self, nth: usize) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// This happens.
    pub fn then(self, then: Act) -> Story {
        let Self { mut story, when, nth, after } = self;
        story.rules.push(Rule { when, nth, after, then });
        story
    }

    /// A leg is told this.
    pub fn tell(self, side: Side, what: Observation) -> Story {
        self.then(Act::Tell(side, what))
    }
}

/// How a story begins.
impl Story {
    /// A call that is dialled arrives on the link whose name is the number dialled, on the same server. Whatever one end does
    /// reaches the other.
    pub fn of_good_call() -> Self {
        let arrival = Arrival {
            after: WAY,
            server: None,
            link: None,
            caller: None,
            dialled: None,
            whose: Whose::TheRuns,
            outruns_its_end_by: None,
        };
        Self { arrival: Some(arrival), ..Self::default() }
    }

    /// A call that is dialled goes out to a far end, which does nothing until the story says what.
    pub fn of_call_out() -> Self {
        Self::default()
    }

    /// As soon as a run listens on the link, this call comes in.
    pub fn of_call_in(incoming: Incoming) -> Self {
        let listening = When::Listening(incoming.link.clone());
        Self::default().when(listening).after(WAY).then(Act::Arrive(incoming))
    }

    /// Nothing happens at all.
    pub fn of_nothing() -> Self {
        Self::default()
    }

    /// A rule: when this happens, then something else does.
    pub fn when(self, when: When) -> Moment {
        Moment { story: self, when, nth: None, after: Duration::ZERO }
    }
}

/// What a far end does, counted from when the call went out.
impl Story {
    /// The first sign of life from the network.
    pub fn proceeds(self, after: Duration) -> Self {
        self.when(When::Dialled).after(after).tell(Side::Src, Observation::Proceeding)
    }

    /// It rings.
    pub fn rings(self, after: Duration) -> Self {
        self.when(When::Dialled).after(after).tell(Side::Src, Observation::Ringing)
    }

    /// It sends a voice before it answers.
    pub fn sends_early_media(self, after: Duration) -> Self {
        self.when(When::Dialled).after(after).tell(Side::Src, Observation::EarlyMedia)
    }

    /// It answers.
    pub fn answers(self, after: Duration) -> Self {
        self.when(When::Dialled).after(after).tell(Side::Src, Observation::Answered)
    }

    /// It forwards the call to another number, which the engine has dialled or not.
    pub fn forwards(self, after: Duration, to: &str, is_dialled: bool) -> Self {
        self.when(When::Dialled).after(after).tell(Side::Src, Observation::Forwarded { to: to.into(), is_dialled })
    }

    /// It rejects the call, or hangs up if it has answered.
    pub fn rejects(self, after: Duration, cause: u16, sip: Option<u16>) -> Self {
        self.when(When::Dialled).after(after).then(Act::End(Side::Src, end(cause, sip)))
    }
}

/// What the caller does once we have answered its call.
impl Story {
    /// It hangs up so long after our answer.
    pub fn caller_hangs_up(self, after: Duration) -> Self {
        let answered = When::Commanded(Side::Dst, CommandKind::Answer);
        self.when(answered).after(after).then(Act::End(Side::Dst, end(16, None)))
    }

    /// It presses a key so long after our answer.
    pub fn caller_presses(self, after: Duration, digit: char) -> Self {
        let answered = When::Commanded(Side::Dst, CommandKind::Answer);
        self.when(answered).after(after).then(Act::digit(Side::Dst, digit))
    }
}

/// How the call arrives, in a story of a good call.
impl Story {
    /// On that link of that server.
    pub fn arrives_at(self, server: &str, link: &str) -> Self {
        self.arriving(|arrival| (arrival.server, arrival.link) = (Some(server.into()), Some(link.into())))
    }

    /// On that link.
    pub fn arrives_on(self, link: &str) -> Self {
        self.arriving(|arrival| arrival.link = Some(link.into()))
    }

    /// With this number as its caller's.
    pub fn shows_caller(self, caller: &str) -> Self {
        self.arriving(|arrival| arrival.caller = Some(caller.into()))
    }

    /// With this number as the one it dialled.
    pub fn shows_dialled(self, dialled: &str) -> Self {
        self.arriving(|arrival| arrival.dialled = Some(dialled.into()))
    }

    /// As a call of which the engine does not know whose it is.
    pub fn arrives_as_anybodys(self) -> Self {
        self.arriving(|arrival| arrival.whose = Whose::Unknown)
    }

    /// So long after it was dialled.
    pub fn arrives_after(self, after: Duration) -> Self {
        self.arriving(|arrival| arrival.after = after)
    }

    /// Even if its caller has hung up before: the network learns of that later, and ends the call so long after it has arrived.
    pub fn outruns_its_end_by(self, time: Duration) -> Self {
        self.arriving(|arrival| arrival.outruns_its_end_by = Some(time))
    }

    /// Nowhere: somebody else gets it.
    pub fn never_arrives(mut self) -> Self {
        self.arrival = None;
        self
    }

    fn arriving(mut self, change: impl FnOnce(&mut Arrival)) -> Self {
        change(self.arrival.as_mut().expect("only a call that arrives can arrive differently"));
        self
    }
}

/// What becomes of things on their way to the run.
impl Story {
    /// It is never told.
    pub fn without(self, side: Side, sign: Sign) -> Self {
        self.twisted(side, sign, Twist::Lost)
    }

    /// It is told twice.
    pub fn twice(self, side: Side, sign: Sign) -> Self {
        self.twisted(side, sign, Twist::Twice)
    }

    /// It happens so much later.
    pub fn later(self, side: Side, sign: Sign, by: Duration) -> Self {
        self.twisted(side, sign, Twist::Late(by))
    }

    /// It happens in time, as its stamp says, and is told so much later.
    pub fn told_later(self, side: Side, sign: Sign, by: Duration) -> Self {
        self.twisted(side, sign, Twist::ToldLate(by))
    }

    /// It is told without the moment by the server's clock.
    pub fn unstamped(self, side: Side, sign: Sign) -> Self {
        self.twisted(side, sign, Twist::Unstamped)
    }

    /// This is told in its place.
    pub fn instead(self, side: Side, sign: Sign, what: Observation) -> Self {
        self.twisted(side, sign, Twist::Instead(what))
    }

    fn twisted(mut self, side: Side, sign: Sign, twist: Twist) -> Self {
        self.twists.insert((side, sign), twist);
        self
    }

    /// The end of a leg is told without any cause.
    pub fn ends_without_cause(self, side: Side) -> Self {
        self.without(side, Sign::HangupRequest).instead(side, Sign::Gone, Observation::Gone { end: None })
    }

    /// The leg goes on when the other one ends, until it is ended itself.
    pub fn outlives_the_other(mut self, side: Side) -> Self {
        self.unconcerned.push(side);
        self
    }

    /// Nothing ends the leg, whatever we do.
    pub fn outlives_everything(mut self, side: Side) -> Self {
        self.staying.push(side);
        self
    }
}

/// What becomes of digits on their way to a side. Places are counted from one.
impl Story {
    /// The digit at that place never arrives.
    pub fn loses_digit(self, to: Side, place: usize) -> Self {
        self.with_digits(to, DigitTwist::Lost(place))
    }

    /// The digit at that place arrives as another one.
    pub fn changes_digit(self, to: Side, place: usize, digit: char) -> Self {
        self.with_digits(to, DigitTwist::Changed(place, digit))
    }

    /// The digit at that place arrives twice.
    pub fn doubles_digit(self, to: Side, place: usize) -> Self {
        self.with_digits(to, DigitTwist::Doubled(place))
    }

    /// One that nobody sent follows the last.
    pub fn adds_digit(self, to: Side, digit: char) -> Self {
        self.with_digits(to, DigitTwist::Added(digit))
    }

    /// The digit at that place and those behind it arrive so much later.
    pub fn delays_digits(self, to: Side, from: usize, by: Duration) -> Self {
        self.with_digits(to, DigitTwist::Delayed(from, by))
    }

    /// The digit at that place and those behind it arrive once the sender is told to
    /// [flush them](crate::Command::FlushDigits).
    pub fn holds_digits_back(self, to: Side, from: usize) -> Self {
        self.with_digits(to, DigitTwist::HeldBack(from))
    }

    fn with_digits(mut self, to: Side, twist: DigitTwist) -> Self {
        self.digits.push((to, twist));
        self
    }
}

/// What the engine makes of what it is told to do.
impl Story {
    /// Such a command is refused.
    pub fn refuses(mut self, side: Side, kind: CommandKind, refused: Refused) -> Self {
        self.refusals.insert((side, kind), refused);
        self
    }

    /// The engine takes so long to answer such a command.
    pub fn answers_command_after(mut self, side: Side, kind: CommandKind, time: Duration) -> Self {
        self.answer_times.insert((side, kind), time);
        self
    }

    /// The call is not made. If that is [unclear](Undialled::Unclear), it is made all the same.
    pub fn refuses_to_dial(mut self, why: Undialled) -> Self {
        self.dial.refused = Some(why);
        self
    }

    /// The engine takes so long to take a call.
    pub fn takes_to_dial(mut self, time: Duration) -> Self {
        self.dial.takes = time;
        self
    }

    /// What comes of the recording of what a side hears.
    pub fn records(mut self, side: Side, what: Recorded) -> Self {
        self.recorded.insert(side, what);
        self
    }

    /// The recording of what a side hears is gone with its leg, as no engine should have it.
    pub fn forgets_what_it_heard(mut self, side: Side) -> Self {
        self.forgetful.push(side);
        self
    }

    /// What the engine tells of how a leg was carried.
    pub fn measures(mut self, side: Side, told: impl IntoIterator<Item = Observation>) -> Self {
        self.measured.entry(side).or_default().extend(told);
        self
    }

    /// What the engine tells of who calls, once the call has arrived.
    pub fn identifies(mut self, told: Result<Vec<Observation>, Refused>) -> Self {
        self.identified = Some(told);
        self
    }

    /// The engine takes so long to hand over what a side has heard.
    pub fn takes_to_fetch(mut self, side: Side, time: Duration) -> Self {
        self.fetch_times.insert(side, time);
        self
    }
}
