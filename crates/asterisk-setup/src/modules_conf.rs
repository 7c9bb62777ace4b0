//! `modules.conf` for a server that does nothing but calltest's calls: with so few modules Asterisk is up in less
//! than half a second. A server that does other work loads its modules by itself and does not need this file.

use std::fmt;

use crate::DialplanLanguage;

const DIALPLAN: &str = "both languages of the dialplan";
const FOR_TESTS: &str = "what dialplans of tests use";
const OUR_MEDIA: &str = "media of our own";
const SIP: &str = "SIP and RTP";

/// What a server for calltest loads, in groups, each with its purpose. Asterisk finds the order by itself.
///
/// Not every version has all of them: leave out those for which there is no file.
pub const MODULES: &[(&str, &[&str])] = &[
    (
        "timing and configuration",
        &["res_timing_timerfd", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"],
    ),
    (DIALPLAN, &["pbx_config", "res_ael_share", "pbx_ael", "app_stack"]),
    (
        FOR_TESTS,
        &[
            "res_clioriginate",
            "app_dial",
            "app_echo",
            "app_exec",
            "app_milliwatt",
            "app_playback",
            "app_playtones",
            "app_read",
            "app_record",
            "app_senddtmf",
            "app_softhangup",
            "app_userevent",
            "app_verbose",
            "app_waitforsilence",
            "app_while",
            "func_callerid",
            "func_channel",
            "func_dialplan",
            "func_global",
            "func_hangupcause",
            "func_jitterbuffer",
            "func_logic",
            "func_math",
            "func_rand",
            "func_strings",
            "func_talkdetect",
            "func_timeout",
            "func_uri",
            "func_volume",
        ],
    ),
    ("bridges", &["bridge_simple", "bridge_native_rtp", "bridge_softmix", "bridge_holding", "bridge_builtin_features"]),
    (
        "codecs and file formats",
        &[
            "codec_alaw",
            "codec_ulaw",
            "codec_a_mu",
            "codec_g722",
            "codec_resample",
            "format_pcm",
            "format_sln",
            "format_wav",
        ],
    ),
    (
        "ARI",
        &[
            "res_http_websocket",
            "res_websocket_client",
            "res_stasis",
            "res_stasis_answer",
            "res_stasis_device_state",
            "res_stasis_playback",
            "res_stasis_recording",
            "res_stasis_snoop",
            "res_ari",
            "res_ari_model",
            "res_ari_applications",
            "res_ari_asterisk",
            "res_ari_bridges",
            "res_ari_channels",
            "res_ari_device_states",
            "res_ari_endpoints",
            "res_ari_events",
            "res_ari_playbacks",
            "res_ari_recordings",
            "res_ari_sounds",
            "app_stasis",
        ],
    ),
    (
        OUR_MEDIA,
        &[
            "chan_bridge_media",
            "res_rtp_multicast",
            "chan_rtp",
            "chan_websocket",
            "res_audiosocket",
            "chan_audiosocket",
        ],
    ),
    (
        SIP,
        &[
            "res_crypto",
            "res_rtp_asterisk",
            "res_pjproject",
            "res_pjsip",
            "res_pjsip_acl",
            "res_pjsip_authenticator_digest",
            "res_pjsip_caller_id",
            "res_pjsip_diversion",
            "res_pjsip_dlg_options",
            "res_pjsip_dtmf_info",
            "res_pjsip_endpoint_identifier_anonymous",
            "res_pjsip_endpoint_identifier_ip",
            "res_pjsip_endpoint_identifier_user",
            "res_pjsip_header_funcs",
            "res_pjsip_logger",
            "res_pjsip_nat",
            "res_pjsip_outbound_authenticator_digest",
            "res_pjsip_outbound_registration",
            "res_pjsip_path",
            "res_pjsip_pubsub",
            "res_pjsip_registrar",
            "res_pjsip_rfc3326",
            "res_pjsip_sdp_rtp",
            "res_pjsip_session",
            "func_pjsip_aor",
            "func_pjsip_contact",
            "func_pjsip_endpoint",
            "chan_pjsip",
        ],
    ),
];

/// The whole `modules.conf`: the given modules of [`MODULES`] and nothing else.
pub struct ModulesConf<F> {
    /// Whether the server has the module of this name (without `.so`).
    pub has_module: F,
}

impl<F: Fn(&str) -> bool> fmt::Display for ModulesConf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[modules]")?;
        writeln!(f, "autoload = no")?;
        for (purpose, modules) in MODULES {
            writeln!(f, "\n; {purpose}")?;
            for module in modules.iter().filter(|module| (self.has_module)(module)) {
                writeln!(f, "load = {module}.so")?;
            }
        }
        Ok(())
    }
}

/// What calltest cannot do without, wherever it is loaded: the lines to add to a `modules.conf` of one's own.
///
/// A server with `autoload = yes` has all of it, unless one of these is named by a `noload`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeededModules {
    /// The language in which the dialplan leads into calltest.
    pub dialplan_language: DialplanLanguage,
    /// Whether there are SIP trunks.
    pub has_sip: bool,
}

impl NeededModules {
    /// Whether the module of a group of [`MODULES`] is needed.
    fn includes(self, purpose: &str, module: &str) -> bool {
        let is_ael = self.dialplan_language == DialplanLanguage::Ael;
        match module {
            "res_ael_share" | "pbx_ael" => is_ael,
            "pbx_config" | "app_exec" => !is_ael,
            // They limit how long a channel may last, and keep the doctor's test calls inside the server.
            "func_timeout" | "func_channel" => true,
            // They tell in one answer who calls, and of a SIP leg its packets and Call-ID.
            "func_callerid" | "func_strings" => true,
            // It plays to bridges and records them, as the doctor does.
            "chan_bridge_media" => true,
            _ => match purpose {
                SIP => self.has_sip,
                FOR_TESTS | OUR_MEDIA => false,
                _ => true,
            },
        }
    }
}

impl fmt::Display for NeededModules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[modules]")?;
        for (purpose, modules) in MODULES {
            let needed: Vec<_> = modules.iter().filter(|module| self.includes(purpose, module)).collect();
            if !needed.is_empty() {
                let purpose = match *purpose {
                    DIALPLAN => "the dialplan",
                    FOR_TESTS => "limits on what calls may do",
                    OUR_MEDIA => "sounds and recordings on bridges",
                    purpose => purpose,
                };
                writeln!(f, "\n; {purpose}")?;
            }
            needed.iter().try_for_each(|module| writeln!(f, "load = {module}.so"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_loaded_twice() {
        let names: Vec<_> = MODULES.iter().flat_map(|(_, modules)| *modules).collect();
        assert_eq!(names.len(), names.iter().collect::<HashSet<_>>().len());
    }

    #[test]
    fn what_is_needed_depends_on_the_dialplan_and_on_trunks() {
        let needed = |dialplan_language, has_sip| NeededModules { dialplan_language, has_sip }.to_string();
        let ael = needed(DialplanLanguage::Ael, false);
        assert!(ael.starts_with("[modules]\n\n; ") && !ael.contains("autoload"), "{ael}");
        for (text, has, lacks) in [
            (ael, ["pbx_ael", "app_stasis", "func_channel"], ["app_echo", "chan_pjsip", "pbx_config"]),
            (
                needed(DialplanLanguage::ExtensionsConf, true),
                ["pbx_config", "chan_pjsip", "app_exec"],
                ["pbx_ael", "chan_websocket", "app_dial"],
            ),
        ] {
            let names = |module: &&str| text.contains(&format!("\nload = {module}.so\n"));
            assert!(has.iter().all(names) && !lacks.iter().any(names), "{text}");
        }
    }

    #[test]
    fn what_the_server_lacks_is_left_out() {
        let text = ModulesConf { has_module: |name: &str| name != "chan_websocket" }.to_string();
        assert!(text.starts_with("[modules]\nautoload = no\n"), "{text}");
        assert!(text.contains("\nload = chan_pjsip.so\n"), "{text}");
        assert!(!text.contains("chan_websocket"), "{text}");
    }
}
