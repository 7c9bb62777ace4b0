//! The ids of the channels that we originate, by which a later process can tell what an earlier one left behind.
//!
//! An id is `ct-APPHASH-RUN-LEG`, all of one length: Asterisk compares ids by prefix when it creates a channel, so that
//! `ct-1` cannot be created while `ct-10` lives. It compares without regard to case, so all letters are small.

use std::hash::Hasher as _;

use calltest_core::evidence::Side;
use calltest_core::run::RunId;

/// What Asterisk adds to the id of a Local channel for the half that we hold.
const NEAR_HALF: &str = ";1";
/// What it adds for the half that runs through the dialplan.
const FAR_HALF: &str = ";2";

/// The letter of a leg in its channel's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The outbound leg.
    Outbound,
    /// The snoop channel that hears what comes in on a leg.
    Snoop(Side),
    /// One that is made only to see whether the server makes any.
    Trial,
}

impl Part {
    const ALL: [Self; 4] = [Self::Outbound, Self::Snoop(Side::Src), Self::Snoop(Side::Dst), Self::Trial];

    fn letter(self) -> char {
        match self {
            Self::Outbound => 'a',
            Self::Snoop(Side::Src) => 's',
            Self::Snoop(Side::Dst) => 't',
            Self::Trial => 'u',
        }
    }
}

/// The beginning of every id that belongs to an app.
pub(crate) fn prefix(app: &str) -> String {
    let mut hasher = Fnv1a::default();
    hasher.write(app.as_bytes());
    format!("ct-{:08x}-", hasher.finish() as u32)
}

pub(crate) fn channel_id(app: &str, run: RunId, part: Part) -> String {
    format!("{}{run}-{}", prefix(app), part.letter())
}

/// Whether an id is one that a run of this app gave: a channel of ours, or a half of a Local channel of ours.
pub(crate) fn is_ours(app: &str, id: &str) -> bool {
    let Some((run, letter)) = near_half(id).strip_prefix(&prefix(app)).and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    run.len() == 16 && run.bytes().all(is_hex) && Part::ALL.iter().any(|part| letter == part.letter().to_string())
}

/// The run whose own call came back: a channel that arrives is the far half of a Local channel that we originated.
pub(crate) fn run_of_far_half(app: &str, id: &str) -> Option<RunId> {
    let near = id.strip_suffix(FAR_HALF)?;
    let run = near.strip_prefix(&prefix(app))?.strip_suffix(&format!("-{}", Part::Outbound.letter()))?;
    is_ours(app, near).then(|| u64::from_str_radix(run, 16).map(RunId).ok())?
}

/// The near half of a Local channel, whichever half or other channel this is.
pub(crate) fn near_half(id: &str) -> &str {
    id.strip_suffix(NEAR_HALF).or_else(|| id.strip_suffix(FAR_HALF)).unwrap_or(id)
}

/// Whether a name ends with an id of ours, as those of recordings do.
pub(crate) fn ends_like_ours(app: &str, name: &str) -> bool {
    let length = channel_id(app, RunId(0), Part::Outbound).len();
    let start = name.len().checked_sub(length).filter(|start| name.is_char_boundary(*start));
    start.is_some_and(|start| is_ours(app, &name[start..]))
}

/// The 64-bit FNV-1a hash (RFC 9923): the same in every build, unlike the standard library's.
struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl std::hash::Hasher for Fnv1a {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_length_and_are_recognised() {
        let first = channel_id("calltest", RunId(1), Part::Outbound);
        let last = channel_id("calltest", RunId(u64::MAX), Part::Snoop(Side::Dst));
        assert_eq!(first.len(), last.len());
        for id in [first.clone(), format!("{first};1"), format!("{first};2"), last] {
            assert!(is_ours("calltest", &id), "{id}");
        }
    }

    #[test]
    fn a_far_half_names_its_run() {
        let outbound = channel_id("calltest", RunId(0xc0ffee), Part::Outbound);
        assert_eq!(run_of_far_half("calltest", &format!("{outbound};2")), Some(RunId(0xc0ffee)));
        let snoop = channel_id("calltest", RunId(1), Part::Snoop(Side::Src));
        for other in [outbound.clone(), format!("{outbound};1"), format!("{snoop};2"), "1795341348.2155".into()] {
            assert_eq!(run_of_far_half("calltest", &other), None, "{other}");
        }
        assert_eq!(run_of_far_half("calltest2", &format!("{outbound};2")), None, "another app's");
    }

    #[test]
    fn foreign_ids_are_left_alone() {
        let ours = channel_id("calltest", RunId(1), Part::Outbound);
        let foreign = [
            "",
            "1795341348.2155",
            "ct-1",
            &ours[..ours.len() - 1],
            &format!("{ours}x"),
            &ours.to_uppercase(),
            &prefix("calltest"),
        ];
        for id in foreign {
            assert!(!is_ours("calltest", id), "{id}");
        }
        assert!(!is_ours("calltest2", &ours), "another app's");
        assert!(ends_like_ours("calltest", &format!("/tmp/bar-{ours}")));
        for foreign in ["", "bar", "/tmp/ä", &format!("{ours}.1")] {
            assert!(!ends_like_ours("calltest", foreign), "{foreign}");
        }
    }
}
