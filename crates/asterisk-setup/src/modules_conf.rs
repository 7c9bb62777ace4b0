//! `modules.conf` for a server that does nothing but calltest's calls: with so few modules Asterisk is up in less
//! than half a second. A server that does other work loads its modules by itself and does not need this file.

use std::fmt;

/// What a server for calltest loads, in groups, each with its purpose. Asterisk finds the order by itself.
///
/// Not every version has all of them: leave out those for which there is no file.
pub const MODULES: &[(&str, &[&str])] = &[
    (
        "timing and configuration",
        &["res_timing_timerfd", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"],
    ),
    ("both languages of the dialplan", &["pbx_config", "res_ael_share", "pbx_ael", "app_stack"]),
    (
        "what dialplans of tests use",
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
        "media of our own",
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
        "SIP and RTP",
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
    fn what_the_server_lacks_is_left_out() {
        let text = ModulesConf { has_module: |name: &str| name != "chan_websocket" }.to_string();
        assert!(text.starts_with("[modules]\nautoload = no\n"), "{text}");
        assert!(text.contains("\nload = chan_pjsip.so\n"), "{text}");
        assert!(!text.contains("chan_websocket"), "{text}");
    }
}
