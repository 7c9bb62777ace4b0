//! Can the source of a call show what the call demands? A demand that nobody could see kept or broken is refused.

use calltest_core::abilities::Abilities;
use calltest_core::cause::ExpectedCause;
use calltest_core::plan::{Presence, Requirements};

use super::call::{Call, Named};
use crate::diagnostic::Finding;
use crate::quoting::quoted;

/// A demand that needs an ability which is missing.
#[derive(Debug, PartialEq, Eq)]
struct Unshown {
    /// The key that demands it.
    key: &'static str,
    /// What cannot be shown.
    what: &'static str,
    /// What the key says.
    demand: String,
    /// What to do about it.
    hint: &'static str,
}

impl<'c> Call<'c, '_, '_> {
    /// Reports the demands that the server of the source cannot show.
    pub(super) fn check_abilities(&mut self, src: &Named<'c>, requirements: &Requirements) {
        // If the server is broken, that was reported there.
        let Ok(server) = &src.value.at else { return };
        for Unshown { key, what, demand, hint } in unshown(requirements, server.kind.abilities()) {
            let place = self.view.node(key).map_or(self.name.place, |given| self.place_of(&given));
            let link = quoted(src.value.name.as_str());
            let message = format!("link {link} cannot show {what}: {demand}");
            self.report.add(Finding::error(place, message).hint(hint));
        }
    }
}

/// The demands that cannot be shown with these abilities.
fn unshown(requirements: &Requirements, abilities: Abilities) -> Vec<Unshown> {
    let mut unshown = Vec::new();
    let sip = requirements.causes.iter().find(|cause| is_sip(cause)).filter(|_| !abilities.sip_codes);
    if let Some(sip) = sip {
        unshown.push(Unshown {
            key: "causes",
            what: "SIP codes",
            demand: format!("`causes` names {}", quoted(&sip.to_string())),
            hint: "name causes of Q.850 only, or call out over another link",
        });
    }
    let early_media = |key, demand: &str, hint| Unshown { key, what: "early media", demand: demand.into(), hint };
    let hint = "leave it out, or call out over another link";
    match requirements.early_media {
        Presence::Required if !abilities.early_media => {
            unshown.push(early_media("early_media", "`early_media` is required", hint));
        }
        Presence::Forbidden if !abilities.early_media => {
            unshown.push(early_media("early_media", "`early_media` is forbidden", hint));
        }
        Presence::Required | Presence::Forbidden | Presence::Allowed => {}
    }
    if requirements.ringing.early_media_counts && !abilities.early_media {
        unshown.push(early_media("early_media_is_ringing", "`early_media_is_ringing` is on", hint));
    }
    unshown
}

/// Whether a cause is told by a SIP status.
fn is_sip(cause: &ExpectedCause) -> bool {
    match cause {
        ExpectedCause::Sip(_) => true,
        ExpectedCause::Q850(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use calltest_core::plan::Ringing;

    use super::*;

    fn requirements() -> Requirements {
        Requirements {
            ringing: Ringing { presence: Presence::Required, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: vec![ExpectedCause::parse("17").unwrap()],
            forwarding: calltest_core::plan::Forwarding::FORBIDDEN,
        }
    }

    /// What is said of demands with each of these abilities.
    fn said(requirements: &Requirements, abilities: Abilities) -> Vec<String> {
        let said = |unshown: Unshown| format!("{}: {}: {}", unshown.key, unshown.what, unshown.demand);
        unshown(requirements, abilities).into_iter().map(said).collect()
    }

    #[test]
    fn a_sip_status_needs_an_engine_that_tells_it() {
        let blind = Abilities { sip_codes: false, ..Abilities::ALL };
        let mut requirements = requirements();
        assert!(said(&requirements, blind).is_empty());
        requirements.causes.push(ExpectedCause::parse("SIP 486").unwrap());
        assert_eq!(said(&requirements, blind), ["causes: SIP codes: `causes` names `SIP 486`"]);
        assert!(said(&requirements, Abilities::ALL).is_empty());
    }

    #[test]
    fn early_media_needs_an_engine_that_tells_it_from_ringing() {
        let blind = Abilities { early_media: false, ..Abilities::ALL };
        let required = Requirements { early_media: Presence::Required, ..requirements() };
        assert_eq!(said(&required, blind), ["early_media: early media: `early_media` is required"]);
        let forbidden = Requirements { early_media: Presence::Forbidden, ..requirements() };
        assert_eq!(said(&forbidden, blind), ["early_media: early media: `early_media` is forbidden"]);
        let mut counts = requirements();
        assert!(said(&counts, blind).is_empty());
        counts.ringing.early_media_counts = true;
        let sentence = "early_media_is_ringing: early media: `early_media_is_ringing` is on";
        assert_eq!(said(&counts, blind), [sentence]);
        assert!([required, forbidden, counts].iter().all(|requirements| said(requirements, Abilities::ALL).is_empty()));
    }
}
