//! Quiet times as tables, and against a calendar that is gone through minute by minute.

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

fn quiet(texts: &[&str]) -> QuietTimes {
    QuietTimes(texts.iter().map(|text| text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"))).collect())
}

fn local(text: &str) -> DateTime {
    text.parse().unwrap()
}

/// What covers each of the local times, as the end of the quiet; `-` for none.
#[track_caller]
fn check(texts: &[&str], table: &[(&str, &str)]) {
    let quiet = quiet(texts);
    for (time, end) in table {
        let expected = (*end != "-").then(|| local(end));
        assert_eq!(quiet.covers(local(time)), expected, "{texts:?} at {time}");
    }
}

#[test]
fn a_window_begins_with_its_first_minute_and_ends_before_its_last() {
    check(
        &["10:00-12:00"],
        &[
            ("2026-03-10 09:59:59.999999999", "-"),
            ("2026-03-10 10:00", "2026-03-10 12:00"),
            ("2026-03-10 11:59:59.999999999", "2026-03-10 12:00"),
            ("2026-03-10 12:00", "-"),
        ],
    );
    check(
        &["0 10 * * * for 1m"],
        &[
            ("2026-03-10 10:00:59", "2026-03-10 10:01"),
            ("2026-03-10 10:01", "-"),
            ("2026-03-10 09:59", "-"),
            ("2026-03-10 10:00", "2026-03-10 10:01"),
        ],
    );
    check(&["00:00-12:00"], &[("2026-03-10 00:00", "2026-03-10 12:00"), ("2026-03-10 23:59", "-")]);
}

#[test]
fn a_window_goes_on_past_midnight() {
    // The 13th of March 2026 is a Friday.
    let table = [
        ("2026-03-13 21:59", "-"),
        ("2026-03-13 22:00", "2026-03-14 06:00"),
        ("2026-03-14 00:00", "2026-03-14 06:00"),
        ("2026-03-14 05:59", "2026-03-14 06:00"),
        ("2026-03-14 06:00", "-"),
        ("2026-03-14 22:00", "-"),
        ("2026-03-16 05:59", "-"),
        ("2026-03-16 22:00", "2026-03-17 06:00"),
    ];
    check(&["mon-fri 22:00-06:00"], &table);
    check(&["0 22 * * mon-fri for 8h"], &table);
    check(&["0 22 * * 1-5 for 480m"], &table);
}

#[test]
fn a_window_may_last_for_days() {
    check(
        &["30 12 13 3 * for 7d"],
        &[
            ("2026-03-13 12:29", "-"),
            ("2026-03-13 12:30", "2026-03-20 12:30"),
            ("2026-03-20 12:29:59", "2026-03-20 12:30"),
            ("2026-03-20 12:30", "-"),
        ],
    );
    check(
        &["0 18 * * fri for 2d14h"],
        &[("2026-03-16 07:59", "2026-03-16 08:00"), ("2026-03-16 08:00", "-"), ("2026-03-13 17:59", "-")],
    );
}

#[test]
fn months_end_when_they_do() {
    check(
        &["0 23 31 * * for 2h"],
        &[
            ("2026-01-31 23:00", "2026-02-01 01:00"),
            ("2026-02-28 23:00", "-"),
            ("2026-03-01 00:30", "-"),
            ("2026-04-30 23:00", "-"),
            ("2026-12-31 23:59", "2027-01-01 01:00"),
            ("2027-01-01 00:59", "2027-01-01 01:00"),
        ],
    );
    check(
        &["0 22 29 2 * for 6h"],
        &[
            ("2024-02-29 22:00", "2024-03-01 04:00"),
            ("2024-03-01 03:59", "2024-03-01 04:00"),
            ("2023-03-01 03:00", "-"),
            ("2023-02-28 23:00", "-"),
            // Not every fourth year has that day.
            ("2100-03-01 00:00", "-"),
            ("2000-03-01 00:00", "2000-03-01 04:00"),
        ],
    );
    check(&["0 3 1 jan-mar,DEC * for 1h"], &[("2026-12-01 03:00", "2026-12-01 04:00"), ("2026-04-01 03:00", "-")]);
}

#[test]
fn weekdays_have_names_and_numbers() {
    // From Sunday, the 8th of March 2026, to Saturday.
    let days = |text: &str| {
        let quiet = quiet(&[text]);
        let covered = (8..15).filter(|day| quiet.covers(date(2026, 3, *day).at(12, 0, 0, 0)).is_some());
        covered.map(|day| day - 8).collect::<Vec<i8>>()
    };
    let table: &[(&str, &[i8])] = &[
        ("sun", &[0]),
        ("0", &[0]),
        ("7", &[0]),
        ("SAT,Sun", &[0, 6]),
        ("mon-fri", &[1, 2, 3, 4, 5]),
        ("fri-sun", &[0, 5, 6]),
        ("5-7", &[0, 5, 6]),
        ("fri-mon", &[0, 1, 5, 6]),
        ("fri-mon/2", &[0, 5]),
        ("7-2", &[0, 1, 2]),
        ("0-7", &[0, 1, 2, 3, 4, 5, 6]),
        ("mon-sun", &[0, 1, 2, 3, 4, 5, 6]),
        ("*/2", &[0, 2, 4, 6]),
        ("1,3-4", &[1, 3, 4]),
    ];
    for (weekdays, expected) in table {
        assert_eq!(days(&format!("{weekdays} 12:00-12:01")), *expected, "{weekdays}");
        assert_eq!(days(&format!("0 12 * * {weekdays} for 1m")), *expected, "{weekdays}");
    }
}

#[test]
fn either_day_fits_where_both_are_restricted() {
    let table = [
        ("0 3 13 * fri for 1h", ["2026-03-12 -", "2026-03-13 +", "2026-03-20 +", "2026-04-13 +", "2026-04-14 -"]),
        // A field that begins with `*` leaves the other one its say.
        ("0 3 */2 * fri for 1h", ["2026-03-11 -", "2026-03-13 +", "2026-03-20 -", "2026-03-27 +", "2026-03-31 -"]),
        ("0 3 13 * */5 for 1h", ["2026-03-13 +", "2026-04-13 -", "2026-03-20 -", "2026-09-13 +", "2026-03-15 -"]),
        ("0 3 * * fri for 1h", ["2026-03-13 +", "2026-03-14 -", "2026-03-20 +", "2026-03-01 -", "2026-03-27 +"]),
        ("0 3 1 * * for 1h", ["2026-03-01 +", "2026-03-02 -", "2026-04-01 +", "2026-03-06 -", "2026-03-31 -"]),
        ("0 3 1-31 * fri for 1h", ["2026-03-01 +", "2026-03-02 +", "2026-04-01 +", "2026-03-06 +", "2026-03-31 +"]),
        ("0 3 31 feb mon for 1h", ["2026-02-02 +", "2026-02-28 -", "2026-03-02 -", "2026-03-31 -", "2026-02-23 +"]),
    ];
    for (text, days) in table {
        for day in days {
            let (day, sign) = day.split_at(10);
            let covered = quiet(&[text]).covers(local(&format!("{day} 03:30"))).is_some();
            assert_eq!(covered, sign == " +", "{text} on {day}");
        }
    }
}

#[test]
fn steps_count_from_the_beginning_of_their_range() {
    check(
        &["*/30 * * * * for 5m"],
        &[
            ("2026-03-10 00:00", "2026-03-10 00:05"),
            ("2026-03-10 00:05", "-"),
            ("2026-03-10 00:29", "-"),
            ("2026-03-10 23:34:59", "2026-03-10 23:35"),
        ],
    );
    check(
        &["0 9-17/4 * * * for 10m"],
        &[
            ("2026-03-10 09:09", "2026-03-10 09:10"),
            ("2026-03-10 13:00", "2026-03-10 13:10"),
            ("2026-03-10 17:00", "2026-03-10 17:10"),
            ("2026-03-10 21:00", "-"),
            ("2026-03-10 12:00", "-"),
        ],
    );
    check(&["5-20/7,58 1 * * * for 1m"], &[("2026-03-10 01:19", "2026-03-10 01:20"), ("2026-03-10 01:20", "-")]);
    check(&["5-20/7,58 1 * * * for 1m"], &[("2026-03-10 01:58", "2026-03-10 01:59"), ("2026-03-10 02:05", "-")]);
}

#[test]
fn quiet_goes_on_from_window_to_window() {
    let night_and_morning = ["mon-fri 22:00-06:00", "06:00-07:30", "07:00-08:00", "12:00-13:00"];
    check(
        &night_and_morning,
        &[
            ("2026-03-10 23:00", "2026-03-11 08:00"),
            ("2026-03-11 07:59", "2026-03-11 08:00"),
            ("2026-03-11 08:00", "-"),
            ("2026-03-11 12:30", "2026-03-11 13:00"),
            ("2026-03-08 23:00", "-"),
        ],
    );
    // The longest one counts, whichever is asked first.
    check(&["01:00-02:00", "00:30-05:00", "01:30-01:40"], &[("2026-03-10 01:35", "2026-03-10 05:00")]);
    check(&["*/15 * * * sat,sun for 15m"], &[("2026-03-14 00:00", "2026-03-16 00:00")]);
    check(&["sat,sun 00:00-24:00"], &[("2026-03-14 09:00", "2026-03-16 00:00"), ("2026-03-16 00:00", "-")]);
}

#[test]
fn what_never_ends_is_followed_so_far() {
    let always = quiet(&["* * * * * for 1m"]);
    let end = always.covers(local("2026-03-10 12:00:30")).unwrap();
    assert_eq!(end, local("2026-03-10 15:21"));
    assert!(always.covers(end).is_some());
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let always = quiet(&["00:00-24:00", "* * * * * for 7d"]);
    assert_eq!(always.covers(DateTime::MAX), None);
    assert!(always.covers(DateTime::MIN).is_some());
    assert_eq!(quiet(&["31 12 * * mon for 1m"]).covers(DateTime::MIN), None);
    assert_eq!(QuietTimes::default().covers(local("2026-03-10 12:00")), None);
}

#[test]
fn each_has_one_canonical_text() {
    let table = [
        ("0 22 * * mon-fri for 8h", "mon-fri 22:00-06:00"),
        ("mon-fri  22:00-6:00", "mon-fri 22:00-06:00"),
        ("0 22 * * * for 2h", "22:00-24:00"),
        ("22:00-0:00", "22:00-24:00"),
        ("sat,sun 00:00-24:00", "sat,sun 00:00-24:00"),
        ("0 0 * * * for 1d", "00:00-24:00"),
        ("0 22 * * * for 24h", "0 22 * * * for 1d"),
        ("sun,MON,2 1:05-1:06", "mon,tue,sun 01:05-01:06"),
        ("*/30 * * * * for 5m", "*/30 * * * * for 5m"),
        ("0,15,30,45 */2 * * * FOR 5m", "*/15 */2 * * * for 5m"),
        ("0,59 0-4,6 * 1,12,2 * for 90m", "0,59 0-4,6 * jan,feb,dec * for 1h30m"),
        ("0 3 1 * * for 2h30m", "0 3 1 * * for 2h30m"),
        ("0 2 * * sun for 90m", "sun 02:00-03:30"),
        ("0 3 13 * fri for 1h", "0 3 13 * fri for 1h"),
        ("0 3 1-31 * fri for 1h", "03:00-04:00"),
        ("0 3 13 * 0-6 for 1h", "03:00-04:00"),
        ("0 3 */2 * fri for 1h", "0 3 */2 * fri for 1h"),
        ("0 3 */10,5 * 5 for 1h", "0 3 */10,5 * fri for 1h"),
        ("0 3 13 * */5 for 1h", "0 3 13 * */5 for 1h"),
        ("0 3 */2 * * for 1h", "0 3 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * * for 1h"),
        ("* * * * */2 for 10080m", "* * * * tue,thu,sat,sun for 7d"),
    ];
    for (text, canonical) in table {
        let time: QuietTime = text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"));
        assert_eq!(time.to_string(), canonical, "{text}");
        assert_eq!(canonical.parse(), Ok(time), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_is_expected() {
    const NO_FORM: &str = "expected a time of day or five cron fields with a duration";
    let five = |found: usize| {
        format!("expected five fields before `for` (minute, hour, day of the month, month, weekday), found {found}")
    };
    let duration = |text: &str| {
        format!("`{text}` is no duration: expected days, hours and minutes, such as `8h`, `90m` or `1d12h`")
    };
    let range = |text: &str| format!("it cannot last `{text}`: expected 1 minute at least and 7 days at most");
    let table = [
        ("", "a quiet time cannot be empty".to_owned()),
        ("  ", "a quiet time cannot be empty".into()),
        ("weekends", NO_FORM.into()),
        ("22:00", NO_FORM.into()),
        ("mon-fri 22-6", NO_FORM.into()),
        ("mon tue 22:00-06:00", NO_FORM.into()),
        ("22:00-06:00 mon", NO_FORM.into()),
        ("0 22 * * *", "expected how long it lasts behind the five fields, as in `for 8h`".into()),
        ("for 8h", five(0)),
        ("22 * * * for 8h", five(4)),
        ("0 0 22 * * * for 8h", five(6)),
        ("60 * * * * for 8h", "`60` is no minute: expected 0 to 59".into()),
        ("0 24 * * * for 8h", "`24` is no hour: expected 0 to 23".into()),
        ("0 0 0 * * for 8h", "`0` is no day of the month: expected 1 to 31".into()),
        ("0 0 * 13 * for 8h", "`13` is no month: expected 1 to 12, or `jan` to `dec`".into()),
        ("0 0 * mon * for 8h", "`mon` is no month: expected 1 to 12, or `jan` to `dec`".into()),
        ("0 0 * * 8 for 8h", "`8` is no weekday: expected `mon` to `sun`, or 0 to 7".into()),
        ("monday 22:00-06:00", "`monday` is no weekday: expected `mon` to `sun`, or 0 to 7".into()),
        ("1,,2 0 * * * for 8h", "`` is no minute: expected 0 to 59".into()),
        ("+1 0 * * * for 8h", "`+1` is no minute: expected 0 to 59".into()),
        ("1-2-3 0 * * * for 8h", "`2-3` is no minute: expected 0 to 59".into()),
        ("\u{1b}[2J 0 * * * for 8h", "`\\u{1b}[2J` is no minute: expected 0 to 59".into()),
        ("300 0 * * * for 8h", "`300` is no minute: expected 0 to 59".into()),
        (
            "0 22-6 * * * for 8h",
            "the range `22-6` of the field hour runs backwards: expected the lower number first, or two ranges".into(),
        ),
        ("0 8/2 * * * for 8h", "`8/2` has a step, but no range for it: expected one such as `8-18/2` or `*/2`".into()),
        ("*/0 * * * * for 8h", "`0` is no step of the field minute: expected 1 to 59".into()),
        ("*/60 * * * * for 8h", "`60` is no step of the field minute: expected 1 to 59".into()),
        ("0 0 * * */7 for 8h", "`7` is no step of the field weekday: expected 1 to 6".into()),
        ("*/ 0 * * * for 8h", "`` is no step of the field minute: expected 1 to 59".into()),
        ("0 0 30 2 * for 8h", "that day never comes: no month `2` has a day `30`".into()),
        ("0 0 31 apr,jun * for 8h", "that day never comes: no month `apr,jun` has a day `31`".into()),
        ("0 22 * * * for", duration("")),
        ("0 22 * * * for 8", duration("8")),
        ("0 22 * * * for 8x", duration("8x")),
        ("0 22 * * * for h", duration("h")),
        ("0 22 * * * for 1.5h", duration("1.5h")),
        ("0 22 * * * for -8h", duration("-8h")),
        ("0 22 * * * for 30m8h", duration("30m8h")),
        ("0 22 * * * for 1h1h", duration("1h1h")),
        ("0 22 * * * for 2h 30m", duration("2h 30m")),
        ("0 22 * * * for 0m", range("0m")),
        ("0 22 * * * for 8d", range("8d")),
        ("0 22 * * * for 7d1m", range("7d1m")),
        ("0 22 * * * for 99999999999999999999d", range("99999999999999999999d")),
        ("24:00-06:00", "`24:00` is no time of day: expected 00:00 to 23:59".into()),
        ("22:00-24:01", "`24:01` is no time of day: expected 00:00 to 24:00".into()),
        ("22:0-06:00", "`22:0` is no time of day: expected 00:00 to 23:59".into()),
        ("22:60-06:00", "`22:60` is no time of day: expected 00:00 to 23:59".into()),
        ("22:00-", "`` is no time of day: expected 00:00 to 24:00".into()),
        (
            "22:00-22:00",
            "`22:00-22:00` ends when it begins: expected another time, or `00:00-24:00` for a whole day".into(),
        ),
    ];
    for (text, sentence) in table {
        let bad = text.parse::<QuietTime>().expect_err(text);
        assert_eq!(bad.to_string(), sentence, "{text}");
    }
    let long = format!("{}:00-06:00", "2".repeat(1000)).parse::<QuietTime>().expect_err("too many hours");
    let shown = format!("`{}…` is no time of day: expected 00:00 to 23:59", "2".repeat(40));
    assert_eq!(long.to_string(), shown);
}

/// A field as it may be written, with the numbers that are meant by it.
fn field(first: u8, last: u8) -> impl Strategy<Value = (String, Vec<u8>)> {
    let number = (first..=last).prop_map(|number| (number.to_string(), vec![number]));
    let range = (first..=last, first..=last).prop_map(|(a, b)| {
        let (low, high) = (a.min(b), a.max(b));
        (format!("{low}-{high}"), (low..=high).collect())
    });
    let stepped = (first..=last, 1..=last - first)
        .prop_map(move |(low, step)| (format!("{low}-{last}/{step}"), (low..=last).step_by(step.into()).collect()));
    let starred =
        (1..=last - first).prop_map(move |step| (format!("*/{step}"), (first..=last).step_by(step.into()).collect()));
    let all = Just(("*".to_owned(), (first..=last).collect::<Vec<u8>>()));
    let one = prop_oneof![2 => number, 1 => range, 1 => stepped, 1 => starred];
    let list = prop::collection::vec(one, 1..4).prop_map(|items| {
        let (texts, numbers): (Vec<String>, Vec<Vec<u8>>) = items.into_iter().unzip();
        (texts.join(","), numbers.concat())
    });
    prop_oneof![2 => list, 2 => all]
}

/// A quiet time as it is written, and what is meant by it.
#[derive(Debug, Clone)]
struct Sample {
    text: String,
    fields: [Vec<u8>; 5],
    either: bool,
    lasts: usize,
}

impl Sample {
    fn begins_on(&self, day: Date) -> bool {
        let has = |field: usize, number: u8| self.fields[field].contains(&number);
        let of_month = has(2, day.day() as u8);
        let weekday = has(4, day.weekday().to_sunday_zero_offset() as u8);
        let on_that_day = if self.either { of_month || weekday } else { of_month && weekday };
        has(3, day.month() as u8) && on_that_day
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let fields = (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
    let lasts = prop_oneof![1..120_usize, 1..=10_080_usize];
    (fields, lasts).prop_map(|((minutes, hours, of_month, months, weekdays), lasts)| Sample {
        text: format!("{} {} {} {} {} for {lasts}m", minutes.0, hours.0, of_month.0, months.0, weekdays.0),
        either: !of_month.0.starts_with('*') && !weekdays.0.starts_with('*'),
        fields: [minutes.1, hours.1, of_month.1, months.1, weekdays.1],
        lasts,
    })
}

fn daily_sample() -> impl Strategy<Value = Sample> {
    let times = (0..1440_usize, 1..1440_usize);
    (field(0, 6), times).prop_map(|(weekdays, (begins, lasts))| {
        let time = |minutes: usize| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
        let (hour, minute) = ((begins / 60) as u8, (begins % 60) as u8);
        let every = |last: u8| (0..=last).collect();
        Sample {
            text: format!("{} {}-{}", weekdays.0, time(begins), time(begins + lasts)),
            either: false,
            fields: [vec![minute], vec![hour], every(31), every(12), weekdays.1],
            lasts,
        }
    })
}

/// How many days before and after are gone through.
const BEFORE: i64 = 8;
const AFTER: i64 = 10;

#[derive(Debug, Clone, Copy)]
struct Minute {
    is_covered: bool,
    is_beginning: bool,
}

/// Each minute from eight days before that day to ten days after it.
fn minute_by_minute(samples: &[Sample], day: Date) -> Vec<Minute> {
    // How long the longest window lasts that begins with that minute.
    let mut beginnings = vec![0; ((BEFORE + AFTER) * 1440) as usize];
    for (index, offset) in (-BEFORE..AFTER).enumerate() {
        let day = day.saturating_add(SignedDuration::from_hours(24 * offset));
        for sample in samples.iter().filter(|sample| sample.begins_on(day)) {
            for hour in &sample.fields[1] {
                for minute in &sample.fields[0] {
                    let lasts = &mut beginnings[index * 1440 + usize::from(*hour) * 60 + usize::from(*minute)];
                    *lasts = sample.lasts.max(*lasts);
                }
            }
        }
    }
    let windows = beginnings.into_iter().scan(0_usize, |left, lasts| {
        *left = lasts.max(left.saturating_sub(1));
        Some(Minute { is_covered: *left > 0, is_beginning: lasts > 0 })
    });
    windows.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_are_those_of_a_calendar_gone_through_by_minutes(
        samples in prop::collection::vec(prop_oneof![3 => sample(), 1 => daily_sample()], 1..4),
        (year, month, day) in (2020..2030_i16, 1..=12_i8, 1..=28_i8),
        minutes in prop::collection::vec(0..2880_usize, 20),
        seconds in 0..60_i8,
    ) {
        let texts: Vec<&str> = samples.iter().map(|sample| &*sample.text).collect();
        prop_assume!(texts.iter().all(|text| text.parse::<QuietTime>().is_ok()));
        let quiet = quiet(&texts);
        let today = date(year, month, day);
        let calendar = minute_by_minute(&samples, today);
        let midnight = BEFORE as usize * 1440;
        for minute in minutes {
            let offset = SignedDuration::from_mins(minute as i64) + SignedDuration::from_secs(seconds.into());
            let local = today.at(0, 0, 0, 0).saturating_add(offset);
            let rest = &calendar[midnight + minute..];
            let found = quiet.covers(local);
            prop_assert_eq!(found.is_some(), rest[0].is_covered, "{:?} at {}", texts, local);
            let Some(end) = found else { continue };
            let lasts = end.duration_since(today.at(0, 0, 0, 0)).as_mins() as usize - minute;
            let expected = rest.iter().position(|minute| !minute.is_covered).unwrap_or(rest.len());
            // A quiet that goes on and on is not followed to its end, and may go on past that of the calendar.
            let begun = rest.iter().take(lasts).filter(|minute| minute.is_beginning).count();
            let is_given_up = lasts < expected && begun >= FOLLOWED;
            let is_past_the_calendar = lasts > expected && expected == rest.len();
            prop_assert!(
                lasts == expected || is_given_up || is_past_the_calendar,
                "{:?} at {}: {} minutes, not {}", texts, local, lasts, expected
            );
        }
    }

    #[test]
    fn the_canonical_text_says_the_same(sample in prop_oneof![3 => sample(), 1 => daily_sample()]) {
        if let Ok(time) = sample.text.parse::<QuietTime>() {
            let canonical = time.to_string();
            prop_assert_eq!(canonical.parse(), Ok(time), "{} as {}", sample.text, canonical);
            let again: QuietTime = canonical.parse().unwrap();
            prop_assert_eq!(again.to_string(), canonical);
        }
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[-0-9*/,: ]{0,12}( ?for ?)?[0-9dhm]{0,8}|[a-zä0-9:\\-]{0,8} [0-9:\\-]{0,12}") {
        if let Ok(time) = text.parse::<QuietTime>() {
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
