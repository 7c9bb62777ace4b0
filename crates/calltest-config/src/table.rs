//! The table of keys: every key that a configuration may have, once.
//!
//! Names, types, defaults and documentation are taken from here by the check, by `dumpcfg` and by the JSON Schema alike.
//! What the rows mean is said in `keys`; what a value does is up to `check`.

use crate::keys::{Entries, Key, Kind, Section};
use crate::mode::ModeName;
use crate::mode::ModeName::{Answer, Audio, Call, Dtmf, Fail, Online, Play, Record, Ring, Timeout, Wait};

/// The whole file.
pub(crate) static TOP: Section = Section {
    what: "the configuration",
    shorthand: None,
    keys: &[
        Key::new("asterisk", Kind::Section(&SERVER), "The Asterisk server that links lie on unless they name another."),
        Key::new("servers", Kind::Entries(&SERVERS), "Further Asterisk servers by name, with the keys of `asterisk`."),
        Key::new("server", Kind::Section(&DAEMON), "The daemon: where it listens, how it ends, and what it keeps."),
        Key::new("max_calls", Kind::Count, "How many tests may run at once in all; no limit if not set."),
        Key::new(
            "guard",
            Kind::Section(&GUARD),
            "What may be dialled, and how many calls may go out, over all links together.",
        ),
        Key::new(
            "state_dir",
            Kind::Path,
            "Directory for what outlives the program, such as the count of calls for the guard.",
        ),
        Key::new("links", Kind::Entries(&LINKS), "The ways into the phone network, by name."),
        Key::new("calls", Kind::Entries(&CALLS), "The tests, by name."),
        Key::new("logging", Kind::Free, "Log levels: `loggers: {NAME: {level: LEVEL}}`; the rest of it has no effect."),
    ],
};

/// Keys of the user's own, at top level only.
pub(crate) const FREE_PREFIX: &str = "x-";

static SERVERS: Entries = Entries { section: &SERVER, has_default_entry: false };
static LINKS: Entries = Entries { section: &LINK, has_default_entry: true };
static CALLS: Entries = Entries { section: &CALL, has_default_entry: true };

/// Of a server, a link or a call.
const QUIET: Key = Key::new(
    "quiet",
    Kind::QuietTimes,
    "When the daemon starts no test here, and no failure counts: `mon-fri 22:00-06:00`, or a list of such times.",
);

/// `asterisk`, and each entry of `servers`.
pub(crate) static SERVER: Section = Section {
    what: "a server",
    shorthand: None,
    keys: &[
        Key::new("host", Kind::Host, "Host name or address of the server.").default("localhost"),
        Key::new("port", Kind::Port, "TCP port of Asterisk's HTTP server.").default("8088"),
        Key::new("ssl", Kind::FlagOr(&TLS), "Use TLS: no, yes, or yes with these files.").default("no"),
        Key::new(
            "path",
            Kind::UriPath,
            "Path that ARI lies below, from `prefix` in http.conf or a reverse proxy: `/pbx` for `/pbx/ari`.",
        )
        .shown_if_set(),
        Key::new("init_timeout", Kind::SomeSeconds, "How many seconds connecting may take.").default("5"),
        Key::new("username", Kind::Word, "User to log in to ARI as.").default("asterisk"),
        Key::new("password", Kind::Secret, "Password of that user.").default("asterisk"),
        Key::new("app", Kind::Word, "Stasis app that the dialplan hands calls to.").default("calltest"),
        Key::new("audio", Kind::Section(&SOUNDS), "Where Asterisk finds sounds and puts recordings."),
        Key::new("dialplan", Kind::Section(&DIALPLAN), "How this server writes phone numbers."),
        Key::new(
            "outgoing",
            Kind::NumberRules,
            "What becomes of a number that is dialled here, where its link has no rule that fits.",
        ),
        Key::new(
            "incoming",
            Kind::NumberRules,
            "What becomes of a caller's number, where the link called has no rule that fits.",
        ),
        Key::new("max_calls", Kind::Count, "How many tests may use this server at once; no limit if not set."),
        QUIET,
    ],
};

static TLS: Section = Section {
    what: "`ssl`",
    shorthand: None,
    keys: &[
        Key::new("cert", Kind::Path, "PEM file with our own certificate, where the server asks for one."),
        Key::new("key", Kind::Path, "PEM file with the key to `cert`."),
        Key::new("ca", Kind::Path, "PEM file with the authorities to trust instead of the usual ones."),
    ],
};

static SOUNDS: Section = Section {
    what: "`audio`",
    shorthand: Some("play"),
    keys: &[
        Key::new("play", Kind::Text, "What precedes the name of a sound to make its media URI.")
            .default("sound:calltest/"),
        Key::new("record", Kind::Text, "What precedes the name of a recording.").default("/tmp/"),
    ],
};

static DIALPLAN: Section = Section {
    what: "`dialplan`",
    shorthand: None,
    keys: &[
        Key::new("country", Kind::CountryCode, "Country code without `+`; 1 is the North American Numbering Plan.")
            .default("49"),
        Key::new(
            "city",
            Kind::Digits,
            "Area code without the national prefix, where local numbers are shown without it.",
        ),
        Key::new("intl", Kind::Digits, "What precedes the country code in international numbers.").default("00"),
        Key::new("natl", Kind::Digits, "What precedes the area code in national numbers.").default("0"),
    ],
};

const ALLOW: Key = Key::new("allow", Kind::Patterns, "Only numbers that fit one of these patterns may be dialled.");
const DENY: Key = Key::new("deny", Kind::Patterns, "Numbers that fit one of these patterns must not be dialled.");
const CALLS_PER_HOUR: Key =
    Key::new("calls_per_hour", Kind::Count, "How many calls may go out within an hour; no limit if not set.");
const CALLS_PER_DAY: Key =
    Key::new("calls_per_day", Kind::Count, "How many calls may go out within 24 hours; no limit if not set.");
const MINUTES_PER_HOUR: Key = Key::new(
    "minutes_per_hour",
    Kind::Count,
    "How many minutes calls may take within an hour, ringing included; no limit if not set.",
);
const MINUTES_PER_DAY: Key = Key::new(
    "minutes_per_day",
    Kind::Count,
    "How many minutes calls may take within 24 hours, ringing included; no limit if not set.",
);

/// `guard` at top level.
static GUARD: Section = Section {
    what: "`guard`",
    shorthand: None,
    keys: &[ALLOW, DENY, CALLS_PER_HOUR, CALLS_PER_DAY, MINUTES_PER_HOUR, MINUTES_PER_DAY],
};

/// `guard` of a link.
static LINK_GUARD: Section = Section {
    what: "a link's `guard`",
    shorthand: None,
    keys: &[
        ALLOW,
        DENY,
        Key::new("outside", Kind::Flag, "Whether the link leads outside, where emergency numbers get through.")
            .default("yes"),
        CALLS_PER_HOUR,
        CALLS_PER_DAY,
        MINUTES_PER_HOUR,
        MINUTES_PER_DAY,
    ],
};

/// `server`.
static DAEMON: Section = Section {
    what: "`server`",
    shorthand: None,
    keys: &[
        Key::new("host", Kind::Host, "Address that the daemon listens on.").default("127.0.0.1"),
        Key::new("port", Kind::ListenPort, "TCP port that the daemon listens on; 0 is any free one.").default("8080"),
        Key::new("grace", Kind::Seconds, "How many seconds runs may take to end once the daemon is told to.")
            .default("20"),
        Key::new("history", Kind::FlagOr(&HISTORY), "Keep finished runs: no, yes, or yes with these limits.")
            .default("yes"),
        Key::new("prio", Kind::Free, "Has no effect.").ignored(),
    ],
};

static HISTORY: Section = Section {
    what: "`history`",
    shorthand: None,
    keys: &[
        Key::new("days", Kind::Count, "For how many days runs are kept.").default("30"),
        Key::new("failure_days", Kind::Count, "For how many days failed runs are kept.").default("365"),
        Key::new("runs", Kind::Count, "How many runs are kept at most.").default("1000000"),
        Key::new("megabytes", Kind::Count, "How large the file may grow, in megabytes of 1024 times 1024 bytes.")
            .default("1024"),
    ],
};

/// Each entry of `links`.
pub(crate) static LINK: Section = Section {
    what: "a link",
    shorthand: None,
    keys: &[
        Key::new("server", Kind::Name, "The server it lies on: a name under `servers`, or `asterisk`.")
            .default("asterisk"),
        Key::new(
            "channel",
            Kind::DialString,
            "Dial string to call out with; `{number}` stands for the number to dial.",
        ),
        Key::new(
            "arrives_as",
            Kind::Name,
            "The first Stasis argument of its incoming calls, where that is not its own name: links that share a trunk are told apart by the number dialled.",
        ),
        Key::new("number", Kind::PhoneNumber, "The number under which it is called, and which it shows as caller ID."),
        Key::new(
            "callerid",
            Kind::CallerId,
            "What a callee sees of it as caller, where that is not its `number`: a number, a pattern, `anonymous`, or `any`.",
        )
        .shown_if_set(),
        Key::new("callerid_out", Kind::OneOf(CALLERID_OUT), "Whether it calls with its number or, as `anonymous`, with that withheld.")
            .default("number")
            .shown_if_set(),
        Key::new(
            "outgoing",
            Kind::NumberRules,
            "What becomes of a number that is dialled over it: the first rule that fits applies.",
        ),
        Key::new("incoming", Kind::NumberRules, "What becomes of the number of its caller before that is compared."),
        Key::new("guard", Kind::Section(&LINK_GUARD), "What may be dialled over it, and how many calls may go out."),
        Key::new("prio", Kind::Integer, "Links are acquired in this order, lower ones first.").default("0"),
        Key::new("max_calls", Kind::Count, "How many tests may use it at once.").default("1"),
        QUIET,
    ],
};

/// What a call shows of its caller.
const CALLERID_OUT: &[&str] = &["number", "anonymous"];
/// Whether something must, may or must not be seen.
const PRESENCE: &[&str] = &["allowed", "required", "forbidden", "prohibited"];
/// Asterisk's words for ways to reject a call.
const REJECTIONS: &[&str] = &["busy", "congestion", "no_answer", "rejected", "unallocated", "normal"];

const ANSWERING: &[ModeName] = &[Wait, Answer, Record];
/// Our end is called.
const CALLED: &[ModeName] = &[Dtmf, Call, Audio, Wait, Answer, Record];
/// Our end calls.
const CALLING: &[ModeName] = &[Dtmf, Call, Audio, Ring, Play, Fail, Timeout];

/// Both ends are ours.
const BOTH: &[ModeName] = &[Dtmf, Call, Audio];
/// There is a call.
const WITH_CALL: &[ModeName] = &[Dtmf, Call, Audio, Ring, Play, Fail, Timeout, Wait, Answer, Record];

/// Each entry of `calls`.
pub(crate) static CALL: Section = Section {
    what: "a call",
    shorthand: None,
    keys: &[
        Key::new("info", Kind::Text, "What the test is for.").default("-"),
        Key::new("mode", Kind::OneOf(ModeName::WORDS), "How the call goes.").default("dtmf"),
        Key::new("src", Kind::Name, "The link to call out on; where we only answer, the one the call comes from."),
        Key::new("dst", Kind::Name, "The link that is called; where we only call, its number is what is dialled.").modes(WITH_CALL),
        Key::new("number", Kind::NumberToDial, "The number to dial instead of that of `dst`; behind a `,` (half a second), digits to send once the call is answered.")
            .modes(WITH_CALL),
        Key::new("timeout", Kind::SomeSeconds, "After how many seconds the test has failed, counted from when its links are free.")
            .default("30"),
        Key::new("check_callerid", Kind::Flag, "Whether the callee has to see the number of `src`.").default("yes").modes(CALLED),
        Key::new("callerid", Kind::CallerId, "What the callee has to see instead of the number of `src`: a number, a pattern, `anonymous`, or `any`.")
            .shown_if_set()
            .modes(CALLED),
        Key::new("callerid_out", Kind::OneOf(CALLERID_OUT), "Whether the call shows its caller's number or, as `anonymous`, withholds it; by default as its `src` does.")
            .shown_if_set()
            .modes(CALLING),
        Key::new("arrive_within", Kind::SomeSeconds, "How many seconds after it went out the call may take to arrive; by default 5 while nothing has answered, and up to `timeout` from then on.")
            .shown_if_set()
            .modes(BOTH),
        Key::new("duplicates", Kind::OneOf(&["allowed", "forbidden"]), "Whether the call may be delivered more than once, as forks and ring groups do.")
            .default("allowed")
            .shown_if_set()
            .modes(CALLED),
        Key::new("diverted_from", Kind::PatternOrPatterns, "The numbers from one of which the call must have been diverted before it arrives.")
            .shown_if_set()
            .modes(CALLED),
        Key::new("ringing", Kind::OneOf(PRESENCE), "Whether the caller may, must or must not see ringing; `prohibited` is the same as `forbidden`.")
            .default_by_mode(|mode| if matches!(mode, Call | Timeout) { "required" } else { "allowed" })
            .modes(CALLING),
        Key::new("early_media_is_ringing", Kind::Flag, "Whether early media without ringing counts as ringing.")
            .default("no")
            .modes(CALLING),
        Key::new("early_media", Kind::OneOf(PRESENCE), "Whether the caller may, must or must not hear early media before the answer.")
            .default("allowed")
            .modes(CALLING),
        Key::new("answer_within", Kind::SomeSeconds, "How many seconds after it went out the call has to be answered; no limit of its own if not set.")
            .modes(&[Dtmf, Audio, Play]),
        Key::new("causes", Kind::Causes, "The causes with which the far end has to end the call (in modes `ring` and `play`: may end it).")
            .modes(&[Call, Ring, Play, Fail, Timeout]),
        Key::new("forwarding", Kind::OneOf(PRESENCE), "Whether the far end may, must or must not divert the call to another number.")
            .default("forbidden")
            .shown_if_set()
            .modes(CALLING),
        Key::new("forwarded_to", Kind::PatternOrPatterns, "The numbers to which the far end has to divert the call.")
            .shown_if_set()
            .modes(CALLING),
        Key::new("reject_with", Kind::OneOf(REJECTIONS), "How our end rejects the call.").default("busy").modes(&[Call, Wait]),
        Key::new("ringtime", Kind::Seconds, "Mode `fail`: rejected within so many seconds; mode `timeout`: not earlier than that after the first ringing.")
            .default_by_mode(|mode| if mode == Timeout { "0" } else { "10" })
            .modes(&[Fail, Timeout]),
        Key::new("seconds", Kind::Seconds, "How many seconds the endpoint has to stay online.").default("0").modes(&[Online]),
        Key::new("url", Kind::Section(&TRIGGER), "What to fetch so that the call comes.").modes(ANSWERING),
        Key::new("exec", Kind::Command, "What program to run so that the call comes; `{number}` is the number to call.")
            .modes(ANSWERING),
        Key::new("dtmf", Kind::Section(&DTMF), "Which digits are sent.").modes(&[Dtmf]),
        Key::new("dtmf_may_repeat", Kind::Flag, "The same as `dtmf.may_repeat`.").alias_of("dtmf", "may_repeat").modes(&[Dtmf]),
        Key::new("audio", Kind::Section(&AUDIO), "Which sounds are played and recorded.").modes(&[Audio, Play, Answer, Record]),
        Key::new("delay", Kind::Section(&DELAY), "Pauses on the way.").modes(&[Dtmf, Call, Audio, Ring, Play, Wait, Answer, Record]),
        Key::new("test", Kind::Section(&SCHEDULE), "When the daemon runs it, and when its failures count."),
        QUIET,
    ],
};

static TRIGGER: Section = Section {
    what: "`url`",
    shorthand: Some("url"),
    keys: &[
        Key::new("url", Kind::Url, "The URL; `{number}` is the number to call.").modes(ANSWERING),
        Key::new("method", Kind::OneOf(&["GET", "POST", "PUT"]), "The HTTP method.").default("GET").modes(ANSWERING),
        Key::new("query", Kind::Parameters, "The query: a text as it is, or a map to be encoded.").modes(ANSWERING),
        Key::new("body", Kind::Text, "The body of the request.").modes(ANSWERING),
        Key::new("type", Kind::MediaType, "The media type of the body, such as `application/json`.")
            .modes(ANSWERING)
            .shown_if_set(),
        Key::new("headers", Kind::Headers, "Headers of the request, such as `Authorization`; their values are secrets.")
            .modes(ANSWERING)
            .shown_if_set(),
        Key::new(
            "expect",
            Kind::Answer,
            "The answer that counts as done: a status such as 202, a class such as 2xx, a text in the body, or a list of these.",
        )
        .modes(ANSWERING)
        .shown_if_set(),
    ],
};

static DTMF: Section = Section {
    what: "`dtmf`",
    shorthand: None,
    keys: &[
        Key::new("len", Kind::DigitCount, "How many digits are sent in each direction.")
            .default("5")
            .modes(&[Dtmf])
            .yields_to("digits"),
        Key::new("digits", Kind::DtmfDigits, "The very digits to send, 0 to 9, `*`, `#` and A to D; where `len` is given as well, those among which they are drawn.")
            .shown_if_set()
            .modes(&[Dtmf]),
        Key::new("may_repeat", Kind::Flag, "Whether a digit may arrive more than once.").default("no").modes(&[Dtmf]),
        Key::new(
            "duration",
            Kind::Milliseconds,
            "Length of each tone in milliseconds; Asterisk makes at least 100 of it.",
        )
        .default("100")
        .modes(&[Dtmf]),
        Key::new("between", Kind::Milliseconds, "Pause between two tones in milliseconds.")
            .default("100")
            .modes(&[Dtmf]),
    ],
};

static AUDIO: Section = Section {
    what: "`audio`",
    shorthand: None,
    keys: &[
        Key::new("src_out", Kind::SomeText, "The sound that the source plays.").modes(&[Audio, Play]),
        Key::new("src_in", Kind::SomeText, "The name of what the source records.").modes(&[Audio, Play]),
        Key::new("dst_out", Kind::SomeText, "The sound that the destination plays.").modes(&[Audio, Answer, Record]),
        Key::new(
            "dst_in",
            Kind::SomeText,
            "The name of what the destination records; in mode `play` the same as `src_in`.",
        )
        .modes(&[Audio, Play, Answer, Record]),
    ],
};

static DELAY: Section = Section {
    what: "`delay`",
    shorthand: None,
    keys: &[
        Key::new("pre", Kind::Seconds, "How many seconds the callee waits before it rings.").default("0").modes(CALLED),
        Key::new("ring", Kind::Seconds, "How many seconds it rings.")
            .default("1")
            .modes(&[Dtmf, Call, Audio, Ring, Wait, Answer, Record]),
        Key::new("answer", Kind::Seconds, "How many seconds each side waits once the call is answered.")
            .default("1")
            .modes(&[Dtmf, Audio, Play, Answer, Record]),
    ],
};

static SCHEDULE: Section = Section {
    what: "`test`",
    shorthand: None,
    keys: &[
        Key::new("retry", Kind::Seconds, "Seconds to the next run after a failure.").default("300"),
        Key::new("repeat", Kind::Seconds, "Seconds to the next run after a success.").default("600"),
        Key::new("warn", Kind::Count, "Consecutive failures from which the test is in `warn`.").default("1"),
        Key::new("fail", Kind::Count, "Consecutive failures from which the test is in `fail`.").default("1"),
        Key::new("skip", Kind::Flag, "Whether it is only started by hand.").default("no"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Status;

    fn every_key(section: &'static Section, visit: &mut impl FnMut(&'static Section, &'static Key)) {
        for key in section.keys {
            visit(section, key);
            match key.kind {
                Kind::Section(section) | Kind::FlagOr(section) => every_key(section, visit),
                Kind::Entries(entries) => every_key(entries.section, visit),
                _ => {}
            }
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        every_key(&TOP, &mut |section, key| {
            let same = section.keys.iter().filter(|other| other.name == key.name).count();
            assert_eq!(same, 1, "{} in {}", key.name, section.what);
            assert!(key.doc.ends_with('.') && key.doc.len() > 10, "{}", key.name);
        });
    }

    #[test]
    fn every_default_fits_its_own_kind_in_every_mode() {
        every_key(&TOP, &mut |section, key| {
            for mode in ModeName::ALL {
                if let Some(text) = key.default_text(Some(*mode)) {
                    assert_eq!(key.kind.check(text), Ok(()), "{} in {}", key.name, section.what);
                }
            }
        });
    }

    #[test]
    fn shorthands_and_other_spellings_stand_for_keys_that_exist() {
        every_key(&TOP, &mut |section, key| {
            if let Some(shorthand) = section.shorthand {
                assert!(section.key(shorthand).is_some(), "{shorthand}");
            }
            if let Status::AliasOf { section: beside, key: meant } = key.status {
                let Some(Key { kind: Kind::Section(beside), .. }) = section.key(beside) else { panic!("{beside}") };
                assert!(beside.key(meant).is_some(), "{meant}");
            }
        });
    }

    #[test]
    fn a_section_counts_where_one_of_its_keys_does() {
        for key in CALL.keys {
            let Kind::Section(section) = key.kind else { continue };
            for mode in ModeName::ALL {
                let some_key_counts = section.keys.iter().any(|key| key.modes.contains(mode));
                assert_eq!(key.modes.contains(mode), some_key_counts, "{} in mode {mode:?}", key.name);
            }
        }
    }
}
