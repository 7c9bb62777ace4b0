//! Digits on their way from one end of a call to the other.

use std::time::Duration;

use crate::Pace;

/// How long anything takes from one end of a call to the other.
pub(super) const HOP: Duration = Duration::from_millis(20);

/// What becomes of digits on their way. Places are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DigitTwist {
    Lost(usize),
    Changed(usize, char),
    Doubled(usize),
    Added(char),
    Delayed(usize, Duration),
    HeldBack(usize),
}

/// A digit at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ComingDigit {
    pub(super) digit: char,
    /// How long after the first was sent it comes; once the sender is told to flush its digits if `None`.
    pub(super) after: Option<Duration>,
}

/// What arrives of digits that are sent.
pub(super) fn arriving(digits: &str, pace: Pace, twists: &[DigitTwist]) -> Vec<ComingDigit> {
    let time = |place: usize| HOP + pace.tone + (pace.tone + pace.gap) * (place - 1).try_into().unwrap_or(u32::MAX);
    let mut coming = Vec::new();
    let mut last = 0;
    for (place, digit) in (1..).zip(digits.chars()) {
        last = place;
        let mut one = ComingDigit { digit, after: Some(time(place)) };
        let mut times = 1;
        for twist in twists {
            match *twist {
                DigitTwist::Lost(lost) if lost == place => times = 0,
                DigitTwist::Changed(changed, digit) if changed == place => one.digit = digit,
                DigitTwist::Doubled(doubled) if doubled == place => times = 2,
                DigitTwist::Delayed(from, by) if from <= place => one.after = one.after.map(|after| after + by),
                DigitTwist::HeldBack(from) if from <= place => one.after = None,
                DigitTwist::Lost(_)
                | DigitTwist::Changed(..)
                | DigitTwist::Doubled(_)
                | DigitTwist::Added(_)
                | DigitTwist::Delayed(..)
                | DigitTwist::HeldBack(_) => {}
            }
        }
        coming.extend(std::iter::repeat_n(one, times));
    }
    let added = twists.iter().filter_map(|twist| match *twist {
        DigitTwist::Added(digit) => Some(ComingDigit { digit, after: Some(time(last + 1)) }),
        _ => None,
    });
    coming.extend(added);
    coming
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_one_by_one_at_the_pace_and_as_the_story_has_them() {
        let pace = Pace { tone: Duration::from_millis(100), gap: Duration::from_millis(50) };
        let coming = |twists: &[DigitTwist]| -> Vec<(char, Option<u128>)> {
            let coming = arriving("123", pace, twists);
            coming.iter().map(|one| (one.digit, one.after.map(|after| after.as_millis()))).collect()
        };
        let good = [('1', Some(120)), ('2', Some(270)), ('3', Some(420))];
        assert_eq!(coming(&[]), good);
        assert_eq!(coming(&[DigitTwist::Lost(2)]), [good[0], good[2]]);
        assert_eq!(coming(&[DigitTwist::Changed(2, '#')]), [good[0], ('#', Some(270)), good[2]]);
        assert_eq!(coming(&[DigitTwist::Doubled(3)]), [good[0], good[1], good[2], good[2]]);
        assert_eq!(coming(&[DigitTwist::Added('9')]), [good[0], good[1], good[2], ('9', Some(570))]);
        assert_eq!(coming(&[DigitTwist::HeldBack(2)]), [good[0], ('2', None), ('3', None)]);
        let second = Duration::from_secs(1);
        assert_eq!(coming(&[DigitTwist::Delayed(3, second)]), [good[0], good[1], ('3', Some(1420))]);
    }
}
