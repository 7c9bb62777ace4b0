//! Whether a server has loaded what calls need. What its absence means for everything else is asked there.

use std::collections::BTreeSet;

use calltest_ari::requests::asterisk;
use calltest_core::event::{Check, Outcome};

use super::{Examined, Findings, Problem};
use crate::advice::load;

/// A module, and what does not work without it.
struct Needed {
    module: &'static str,
    /// The others of this table without which Asterisk does not load it.
    needs: &'static [&'static str],
    without: &'static str,
    outcome: Outcome,
}

const fn needed(module: &'static str, without: &'static str) -> Needed {
    Needed { module, needs: &[], without, outcome: Outcome::Problem }
}

const fn useful(module: &'static str, without: &'static str) -> Needed {
    Needed { module, needs: &[], without, outcome: Outcome::Warning }
}

/// What every server needs beyond what ARI itself is made of, for without that it does not answer at all. Those that
/// others need come first.
const NEEDED: [Needed; 14] = [
    needed("app_stasis", "the dialplan cannot hand calls to calltest"),
    needed("res_stasis_answer", "calls cannot be answered"),
    needed("res_stasis_recording", "nothing can be recorded"),
    Needed { needs: &["res_stasis_recording"], ..needed("res_stasis_playback", "nothing can be played") },
    needed("res_stasis_snoop", "one direction of a call cannot be recorded"),
    Needed {
        needs: &["res_stasis_answer", "res_stasis_recording", "res_stasis_playback", "res_stasis_snoop"],
        ..needed("res_ari_channels", "calls can be neither made nor hung up")
    },
    needed("res_ari_events", "we do not hear what happens"),
    Needed {
        needs: &["res_stasis_recording"],
        ..needed("res_ari_recordings", "recordings can be neither fetched nor removed")
    },
    needed("format_wav", "recordings cannot be written"),
    useful("res_ari_endpoints", "an endpoint that is offline cannot be told from one that does not exist"),
    useful("res_ari_applications", "every event of a call is sent to us, wanted or not"),
    useful("func_callerid", "a number that is not to be shown passes for one that is"),
    useful("func_strings", "whether a number is withheld, and the packets and the Call-ID of SIP calls, are not told"),
    useful("func_timeout", "Asterisk does not end a call that calltest has lost hold of"),
];

/// What a server that speaks SIP needs besides.
const NEEDED_FOR_SIP: [Needed; 2] = [
    needed("res_rtp_asterisk", "SIP calls carry no voice and no digits"),
    needed("res_pjsip_sdp_rtp", "SIP calls carry no voice and no digits"),
];

/// The modules that run on a server.
pub(super) struct Modules(BTreeSet<String>);

impl Modules {
    /// Whether the module of this name (without `.so`) runs.
    pub(super) fn has(&self, module: &str) -> bool {
        self.0.contains(module)
    }

    /// Those of these that do not run.
    fn missing<'m>(&self, modules: &[&'m str]) -> Vec<&'m str> {
        modules.iter().copied().filter(|module| !self.has(module)).collect()
    }

    /// Why something that needs these could not be tried, if one of them does not run.
    pub(super) fn prevent(&self, modules: &[&str]) -> Option<Problem> {
        let missing = self.missing(modules);
        let what = || format!("could not be tried, since {} is not loaded", missing.join(" and "));
        (!missing.is_empty()).then(|| Problem::new(what(), load(&missing)))
    }
}

/// Asks which modules run. `None` if that cannot be asked.
pub(super) async fn look(examined: &Examined<'_>, findings: &mut Findings<'_>) -> Option<Modules> {
    let listed = match examined.client.request(asterisk::ListModules {}).await {
        Ok(listed) => listed,
        Err(error) => {
            let fix = if error.is_unknown_path() {
                load(&["res_ari_asterisk"])
            } else {
                "see what Asterisk's log says".to_owned()
            };
            let what = format!("its modules could not be asked for: {error}");
            findings.about_server(Check::Modules, Outcome::Unknown, Problem::new(what, fix));
            return None;
        }
    };
    let running = listed.into_iter().filter(|module| module.status == "Running");
    let modules = Modules(running.map(|module| module.name.trim_end_matches(".so").to_owned()).collect());
    let has_sip = examined
        .links()
        .filter_map(|link| link.address.as_ref())
        .any(|address| address.dial_string().technology() == "PJSIP");
    let for_sip: &[Needed] = if has_sip { &NEEDED_FOR_SIP } else { &[] };
    let mut is_complete = true;
    for Needed { module, needs, without, outcome } in NEEDED.iter().chain(for_sip) {
        if modules.has(module) {
            continue;
        }
        is_complete = false;
        let before = modules.missing(needs);
        let reason = if before.is_empty() { String::new() } else { format!(" (it needs {})", before.join(" and ")) };
        let what = format!("{module} is not loaded{reason}: without it {without}");
        let fix = load(&[before.as_slice(), &[module]].concat());
        findings.about_server(Check::Modules, *outcome, Problem::new(what, fix));
    }
    if is_complete {
        findings.ok(Check::Modules, None, "everything that calls need is loaded");
    }
    Some(modules)
}
