//! "Did you mean …?": the known name that is nearest to an unknown one.

/// Longer names than this are not worth comparing.
const MAX_LENGTH: usize = 64;

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(word, candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether `word` may be a misspelling of `candidate`, or the same.
pub(crate) fn is_near(word: &str, candidate: &str) -> bool {
    distance(word, candidate).is_some()
}

/// How far apart two names are, if they are near enough to be mistaken for each other: about a third of the characters.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    if word.len() > MAX_LENGTH || candidate.len() > MAX_LENGTH || word.len().abs_diff(candidate.len()) > MAX_LENGTH / 3
    {
        return None;
    }
    if word.eq_ignore_ascii_case(candidate) {
        return Some(0);
    }
    let limit = word.chars().count().max(candidate.chars().count()) / 3;
    let distance = strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase());
    (distance <= limit).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant() {
        let known = ["src", "dst", "timeout", "ringtime", "early_media_is_ringing", "trunk", "a"];
        let table = [
            ("scr", Some("src")),
            ("Timeout", Some("timeout")),
            ("time_out", Some("timeout")),
            ("trnk", Some("trunk")),
            ("ringtone", Some("ringtime")),
            ("early-media-is-ringing", Some("early_media_is_ringing")),
            ("password", None),
            ("x", None),
            ("d", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
