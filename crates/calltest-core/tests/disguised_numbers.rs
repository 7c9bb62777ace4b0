//! Refused numbers in every disguise, on links with every shape of dial string; and that ordinary subscribers stay free.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use calltest_core::guard::{Forbidden, Guard, Guards};
use calltest_core::number::Dialplan;
use calltest_core::number_rule::{Direction, Mapped, NumberRules, Pattern, RuleLists};
use calltest_core::outbound_route::OutboundRoute;
use calltest_core::plan::{Address, DialString};
use proptest::prelude::*;
use proptest::sample::select;

/// Where a link lies: the country of its server, what precedes an area code there, and what goes before a country code.
#[derive(Debug, Clone, Copy)]
struct Home {
    country: &'static str,
    natl: &'static str,
    intl: &'static str,
}

const fn home(country: &'static str, natl: &'static str, intl: &'static str) -> Home {
    Home { country, natl, intl }
}

const GERMANY: Home = home("49", "0", "00");

/// What becomes of a number that is given for a call over such a link.
fn permit(home: Home, channel: &str, number: &str, allow: Option<&[&str]>) -> Result<(), Forbidden> {
    let allow = allow.map(|list| list.iter().map(|text| Pattern::parse(text).unwrap()).collect());
    let countries = [home.country.to_owned()].into();
    let (overall, of_link) = (Guard { countries, ..Guard::default() }, Guard { allow, ..Guard::default() });
    let (link, server, none) = ("trunk".into(), "pbx".into(), NumberRules::default());
    let dialplan =
        Dialplan { country: home.country.into(), city: None, intl: home.intl.into(), natl: home.natl.into() };
    let address = Address::Asterisk(DialString::new(channel).unwrap());
    let lists = RuleLists { direction: Direction::Outgoing, link: (&link, &none), server: (&server, &none) };
    let guards = Guards { overall: &overall, link: &link, of_link: &of_link, leads_outside: true, dialplan: &dialplan };
    let route = OutboundRoute { rules: lists, guards, address: &address };
    let mapped = Mapped { number: number.into(), rule: None };
    route.permit(Some((number, &mapped)))
}

/// Ten shapes of dial strings.
const CHANNELS: [&str; 10] = [
    "PJSIP/{number}@trunk",
    "PJSIP/0{number}@trunk",
    "PJSIP/trunk/sip:{number}@example.org",
    "PJSIP/trunk/sip:{number};user=phone@example.org:5070",
    "PJSIP/trunk/\"Test\" <sip:{number}@example.org>",
    "SIP/trunk/{number}",
    "DAHDI/g1/{number}",
    "DAHDI/g1/9w{number}",
    "IAX2/user:secret@peer/{number}@context",
    "Local/{number}@mangle",
];

/// What is refused on a German link, whatever it is wrapped in.
const REFUSED: [&str; 17] = [
    "112",
    "911",
    "999",
    "000",
    "110",
    "+49112",
    "0049110",
    "+44999",
    "+3318",
    "09001234567",
    "+499001234567",
    "11833",
    "+449012345678",
    "+19005550123",
    "+979123456789",
    "+870771234567",
    "+881612345678",
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn digits_from(zero: u32, text: &str) -> String {
    let other = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(zero + digit)).unwrap_or(c);
    text.chars().map(other).collect()
}

fn separated(text: &str, by: char) -> String {
    let mut separated: String = text.chars().flat_map(|c| [c, by]).collect();
    separated.pop();
    separated
}

/// One way to write a number so that somebody on the way still reads it.
fn disguise(kind: usize, number: &str) -> String {
    match kind {
        0 => number.to_owned(),
        1 => percent(number),
        2 => percent(&percent(number)),
        3 => percent(&percent(&percent(number))),
        4 => format!("<sip:{number}@example.org>"),
        5 => format!("\"0911 123\" <sip:{number}@example.org>"),
        6 => format!("sip:{number}"),
        7 => format!("tel:{number};phone-context=x"),
        8 => format!("{number};user=phone"),
        9 => format!("{number}%3buser=phone"),
        10 => format!("{number}%40example.org"),
        11 => digits_from(0xFF10, number),
        12 => digits_from(0x660, number),
        13 => digits_from(0x6F0, number),
        14 => separated(number, '-'),
        15 => separated(number, '.'),
        16 => separated(number, '\u{200b}'),
        17 => format!("({number})"),
        18 => format!("*31#{number}"),
        19 => format!("#31#{number}"),
        20 => format!("*67{number}"),
        21 => format!("{number}*"),
        22 => format!("{number}#"),
        23 => format!("p{number}"),
        24 => format!("w{number}"),
        25 => format!("0{number}"),
        26 => format!("{number}w1"),
        27 => format!("{number},1"),
        _ => format!("*31*{number}"),
    }
}
const DISGUISES: usize = 29;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    // field telephony 40 | Emergency numbers in odd clothes: `tel:112`, `1-1-2`, `*31#112`, `112w` | refused | percent-encoded; other scripts; in brackets
#[test]
    fn a_refused_number_is_refused_in_every_disguise(
        number in select(&REFUSED[..]), channel in select(&CHANNELS[..]), one in 0..DISGUISES, other in 0..11_usize,
    ) {
        // 999 and 000 behind a digit for an outside line are extensions where nobody dials them.
        prop_assume!(!(one == 25 && ["999", "000"].contains(&number)));
        // Two of them at once, if the second one is of those that wrap whatever is in it.
        for given in [disguise(one, number), disguise(other, &disguise(one, number))] {
            let patterns = Some(&["_.", "_+!", "_X!", "_[0-9]."][..]);
            for allow in [None, patterns] {
                let refused = permit(GERMANY, channel, &given, allow);
                prop_assert!(
                    matches!(refused, Err(Forbidden::Emergency { .. } | Forbidden::Premium { .. })),
                    "{given} as {channel} with {allow:?}: {refused:?}"
                );
            }
        }
    }
}

// field attack 26 | An emergency number in disguise, or no country in the file; a clock that goes back | refused; nothing is freed | 29 disguises on ten dial strings; premium and satellite numbers; ordinary numbers of 26 countries stay free; days ahead, 1970
#[test]
fn every_number_is_refused_in_each_disguise_on_each_channel() {
    for number in REFUSED {
        for channel in CHANNELS {
            for kind in (0..DISGUISES).filter(|kind| *kind != 25 || !["999", "000"].contains(&number)) {
                let given = disguise(kind, number);
                assert!(permit(GERMANY, channel, &given, None).is_err(), "{given} as {channel}");
            }
        }
    }
}

#[test]
fn only_the_very_number_that_is_dialled_lets_one_out() {
    let table = [
        ("PJSIP/{number}@trunk", "112", "112", true),
        ("PJSIP/{number}@trunk", "%31%31%32", "112", true),
        ("PJSIP/trunk/sip:{number};user=phone@example.org", "112", "112", true),
        ("PJSIP/0{number}@trunk", "112", "112", false),
        ("PJSIP/0{number}@trunk", "112", "0112", true),
        ("PJSIP/{number}@trunk", "112", "_112", false),
        ("PJSIP/{number}@trunk", "*31#112", "112", false),
        ("PJSIP/{number}@trunk", "09001234567", "09001234567", true),
        ("PJSIP/{number}@trunk", "09001234567", "+499001234567", false),
        ("PJSIP/{number}@trunk", "09001234567", "_0900!", false),
        ("PJSIP/{number}@trunk", "+881612345678", "+881612345678", true),
    ];
    for (channel, number, allow, is_let_out) in table {
        assert_eq!(permit(GERMANY, channel, number, Some(&[allow])).is_ok(), is_let_out, "{channel} {number} {allow}");
    }
}

/// Subscribers of twenty countries and more in the national form, most of them from ranges that are kept for films and
/// examples, with what is dialled before the country code there.
const SUBSCRIBERS: &[(Home, &[&str])] = &[
    (home("1", "1", "011"), &["12125550123", "2125550123", "5550123", "18005550199", "13105550176", "19795550123"]),
    (home("7", "8", "810"), &["84950000123", "89161234567", "4950000123"]),
    (home("27", "0", "00"), &["0115550123", "0825550123", "0861123456"]),
    (home("30", "", "00"), &["2101234567", "6912345678"]),
    (home("31", "0", "00"), &["0201234567", "0612345678", "0851234567", "0880123456"]),
    (home("32", "0", "00"), &["022345678", "092345678", "0470123456", "093001234"]),
    (home("33", "0", "00"), &["0199001234", "0261910123", "0639980123", "0800123456", "0970123456"]),
    (home("34", "", "00"), &["912345678", "612345678", "980612345", "810123456"]),
    (home("351", "", "00"), &["212345678", "912345678", "760"]),
    (home("353", "0", "00"), &["012345678", "0851234567", "0911234567"]),
    (home("358", "0", "00"), &["0912345678", "0401234567", "061234567"]),
    (home("36", "06", "00"), &["0612345678", "06201234567"]),
    (home("39", "", "00"), &["0612345678", "3123456789", "0899123456", "0892123456", "0811234567"]),
    (home("41", "0", "00"), &["0443123456", "0791234567", "0912345678", "0800123456"]),
    (home("420", "", "00"), &["212345678", "601123456", "910123456"]),
    (home("43", "0", "00"), &["015551234", "06641234567", "0810123456", "0720123456"]),
    (
        home("44", "0", "00"),
        &["02079460123", "01184960123", "01414960123", "07700900123", "03069990123", "08081570123", "01632960123"],
    ),
    (home("45", "", "00"), &["32123456", "20123456", "98123456"]),
    (home("46", "0", "00"), &["0390012345", "084650012", "0701740612", "090123456", "0933123456"]),
    (home("47", "", "00"), &["21234567", "40612345", "81234567", "99123456"]),
    (home("48", "", "00"), &["123456789", "512345678", "712345678"]),
    (
        GERMANY,
        &[
            "03023125000",
            "08923125000",
            "09112345678",
            "09001",
            "0815123",
            "01712392000",
            "08001234567",
            "118",
            "087112345",
            "088112345678",
            "00881123456",
            "0871123456",
            "0370012345",
            "0913712345",
            "09131123456",
            "1120",
            "9000",
            "8999",
        ],
    ),
    (home("61", "0", "0011"), &["0255501234", "0491570156", "1800975701", "1300975707", "0299001234"]),
    (home("64", "0", "00"), &["033456789", "0211234567", "099001234"]),
    (home("81", "0", "010"), &["0312345678", "09012345678", "0184241234"]),
    (home("852", "", "001"), &["21234567", "91234567", "90012345"]),
];

// field attack 26
#[test]
fn ordinary_subscribers_stay_free() {
    assert!(SUBSCRIBERS.len() >= 20);
    for (home, numbers) in SUBSCRIBERS {
        for national in *numbers {
            let mut forms = vec![(*national).to_owned()];
            let bare = national.strip_prefix(home.natl).unwrap_or(national);
            if bare.len() >= 7 {
                let international = format!("{}{bare}", home.country);
                forms.extend(["+".to_owned(), home.intl.to_owned()].map(|prefix| prefix + &international));
                forms.extend(["0", "9"].map(|line| format!("{line}{national}")));
                forms.push(international);
            }
            for number in forms {
                for channel in ["PJSIP/{number}@trunk", "PJSIP/trunk/sip:{number};user=phone@example.org"] {
                    assert_eq!(permit(*home, channel, &number, None), Ok(()), "{number} in {}", home.country);
                }
            }
        }
    }
}
