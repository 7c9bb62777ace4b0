//! From the SIP endpoints that links dial to sample trunks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use asterisk_setup::{DtmfMode, PJSIP_ADVICE, Peer, PjsipConf, Transport, Trunk};
use calltest_core::plan::{Plan, Server};

const TRANSPORT: &str = "transport-udp";
const SIP_PORT: u16 = 5060;
const QUALIFY_EVERY: Duration = Duration::from_secs(30);

/// The context in which a trunk delivers its calls.
pub(super) fn context(endpoint: &str) -> String {
    format!("from-{endpoint}")
}

/// Whether links of the server dial over SIP.
pub(super) fn has_sip(plan: &Plan, server: &Server) -> bool {
    !endpoints(plan, server).is_empty()
}

/// The endpoints that links of the server dial, each with whether that is by chan_sip's name.
fn endpoints<'p>(plan: &'p Plan, server: &Server) -> BTreeMap<&'p str, bool> {
    let links = plan.links.values().filter(|link| link.server == server.name);
    let endpoints = links.filter_map(|link| link.address.as_ref()?.dial_string().endpoint());
    let of_sip = endpoints.filter_map(|(tech, name)| match &*tech.to_uppercase() {
        "PJSIP" => Some((name, false)),
        "SIP" => Some((name, true)),
        _ => None,
    });
    let is_writable = |name: &str| !name.contains(|letter: char| letter.is_control() || "[];".contains(letter));
    of_sip.filter(|(name, _)| is_writable(name)).collect()
}

pub(super) fn pjsip_conf(plan: &Plan, server: &Server, dtmf_mode: DtmfMode) -> String {
    let endpoints = endpoints(plan, server);
    if endpoints.is_empty() {
        return "; No link dials PJSIP/{number}@NAME, so there is no trunk to write down.\n".to_owned();
    }
    let mut text = PJSIP_ADVICE.to_owned();
    for (name, _) in endpoints.iter().filter(|(_, is_of_chan_sip)| **is_of_chan_sip) {
        text.push_str(&format!(
            "; {name} is dialled as SIP/{name}: write `channel: PJSIP/{{number}}@{name}` in calltest's configuration.\n"
        ));
    }
    let bind = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SIP_PORT);
    let trunks = endpoints.keys().zip((10..=250).cycle()).map(|(name, host)| Trunk {
        name: (*name).to_owned(),
        transport: TRANSPORT.to_owned(),
        context: context(name),
        // Addresses for documentation (RFC 5737): nobody has them.
        peer: Peer::Address { address: format!("192.0.2.{host}:{SIP_PORT}"), credentials: None },
        dtmf_mode,
        codecs: vec!["alaw".into(), "ulaw".into()],
        media_address: None,
        qualify_every: Some(QUALIFY_EVERY),
    });
    let conf = PjsipConf { transports: vec![Transport { name: TRANSPORT.into(), bind }], trunks: trunks.collect() };
    format!("{text}\n{conf}")
}
