//! `pjsip.conf`: the SIP transports and trunks over which calltest's calls go.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::conf_text::conf_value;

/// The whole `pjsip.conf`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PjsipConf {
    /// Where SIP is spoken.
    pub transports: Vec<Transport>,
    /// The trunks, each a section of its own.
    pub trunks: Vec<Trunk>,
}

/// A UDP address at which Asterisk sends and receives SIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// The name by which trunks refer to it.
    pub name: String,
    /// Address and port.
    pub bind: SocketAddr,
}

/// A SIP trunk. All of its objects (endpoint, address of record, and so on) have the trunk's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// The name: calls go out as `PJSIP/NUMBER@NAME`.
    pub name: String,
    /// The transport to use. Two trunks to the same address need one transport each: that is how the far end, which
    /// sees where a call comes from and nothing else, tells them apart.
    pub transport: String,
    /// The context of the dialplan where incoming calls go.
    pub context: String,
    /// Where the far end is, and how it is known.
    pub peer: Peer,
    /// How digits travel.
    pub dtmf_mode: DtmfMode,
    /// The codecs in order of preference, as Asterisk names them.
    pub codecs: Vec<String>,
    /// The address at which to receive RTP, where it matters.
    pub media_address: Option<IpAddr>,
    /// How often to ask whether the far end is there (whole seconds). With it, a call to a dead peer is refused at
    /// once; without it, after 32 s.
    pub qualify_every: Option<Duration>,
}

/// The far end of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// It has a fixed address, from which its calls come too.
    Address {
        /// Where it listens: `sip.example.com` or `192.0.2.1:5060`.
        address: String,
        /// What we answer when it asks who we are, and what we ask of it; `None` for a peer trusted by its address.
        credentials: Option<Credentials>,
    },
    /// It wants us to register, as a provider does, and calls us back at the address that we registered.
    Registrar {
        /// Where it listens: `sip.example.com` or `192.0.2.1:5060`.
        address: String,
        /// Who we are there.
        credentials: Credentials,
        /// How long to wait after a registration that failed (whole seconds).
        retry_after: Duration,
        /// Whether to register as soon as Asterisk runs, rather than at a random moment of the next ten seconds, as
        /// suits many registrations at one provider. Asterisk 18 knows this from 18.13 on.
        registers_at_once: bool,
    },
    /// It registers with us; the name of the trunk must be the user's name then, for that is all a call tells.
    Registering {
        /// The password it has to know; the user's name is the trunk's.
        password: String,
    },
}

/// A user and a password for SIP digest authentication (RFC 8760, RFC 3261 section 22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password in clear text.
    pub password: String,
}

/// How digits travel on a trunk: Asterisk's `dtmf_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtmfMode {
    /// As RTP events (RFC 4733): the usual way.
    #[default]
    Rfc4733,
    /// As audible tones. Needs G.711 and `transmit_silence = yes` in `asterisk.conf`.
    Inband,
    /// As SIP INFO requests.
    Info,
}

/// What to know about the trunks of a `pjsip.conf` before one fills in the far ends' addresses, as comments.
pub const PJSIP_ADVICE: &str = "\
; Put the far end's address where it says 192.0.2.: `contact` is where calls go, `match` where they come from.
; Codecs: alaw and ulaw carry everything. With dtmf_mode = inband allow no others, for g729, gsm, opus and their like
; compress, and spoil the tones.
; dtmf_mode: rfc4733, unless the far end knows only info or inband; inband needs transmit_silence = yes in asterisk.conf.
; qualify_frequency: without it a dead far end is noticed only by a call to it, after 32 s.
; A far end that wants a registration needs another form of trunk: the README shows it.
";

impl fmt::Display for DtmfMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rfc4733 => "rfc4733",
            Self::Inband => "inband",
            Self::Info => "info",
        })
    }
}

impl fmt::Display for PjsipConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, transport) in self.transports.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{transport}")?;
        }
        self.trunks.iter().try_for_each(|trunk| write!(f, "\n{trunk}"))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}]", self.name)?;
        writeln!(f, "type = transport")?;
        writeln!(f, "protocol = udp")?;
        writeln!(f, "bind = {}", self.bind)
    }
}

impl fmt::Display for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_endpoint(f)?;
        self.write_aor(f)?;
        match &self.peer {
            Peer::Address { address, credentials } => {
                self.write_identify(f, address)?;
                credentials.iter().try_for_each(|credentials| self.write_auth(f, credentials))
            }
            Peer::Registrar { address, credentials, retry_after, registers_at_once } => {
                self.write_registration(f, address, credentials)?;
                writeln!(f, "retry_interval = {}", retry_after.as_secs())?;
                if *registers_at_once {
                    writeln!(f, "max_random_initial_delay = 0")?;
                }
                self.write_auth(f, credentials)
            }
            Peer::Registering { password } => {
                self.write_auth(f, &Credentials { username: self.name.clone(), password: password.clone() })
            }
        }
    }
}

impl Trunk {
    fn write_endpoint(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        self.write_section(f, "endpoint")?;
        writeln!(f, "transport = {}", self.transport)?;
        writeln!(f, "context = {}", self.context)?;
        writeln!(f, "disallow = all")?;
        writeln!(f, "allow = {}", self.codecs.join(","))?;
        writeln!(f, "direct_media = no")?;
        writeln!(f, "dtmf_mode = {}", self.dtmf_mode)?;
        writeln!(f, "; The caller ID of a carrier comes, and goes, as P-Asserted-Identity (RFC 3325).")?;
        writeln!(f, "trust_id_inbound = yes")?;
        writeln!(f, "send_pai = yes")?;
        writeln!(f, "; A telephone always sends, and border controllers, NAT and time-outs count on that.")?;
        writeln!(f, "rtp_keepalive = 1")?;
        writeln!(
            f,
            "; A call that the carrier diverts goes by the dialplan, where calltest stops it unless a test allows it."
        )?;
        writeln!(f, "redirect_method = user")?;
        if let Some(address) = self.media_address {
            writeln!(f, "media_address = {address}")?;
            writeln!(f, "bind_rtp_to_media_address = yes")?;
        }
        writeln!(f, "aors = {name}")?;
        match &self.peer {
            Peer::Address { credentials: None, .. } => Ok(()),
            Peer::Address { credentials: Some(_), .. } => writeln!(f, "auth = {name}\noutbound_auth = {name}"),
            Peer::Registrar { credentials, .. } => {
                writeln!(f, "outbound_auth = {name}\nfrom_user = {}", credentials.username)
            }
            Peer::Registering { .. } => writeln!(f, "auth = {name}"),
        }
    }

    fn write_aor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        self.write_section(f, "aor")?;
        match &self.peer {
            Peer::Address { address, .. } | Peer::Registrar { address, .. } => writeln!(f, "contact = sip:{address}")?,
            Peer::Registering { .. } => writeln!(f, "max_contacts = 1\nremove_existing = yes")?,
        }
        match self.qualify_every {
            None => Ok(()),
            Some(interval) => {
                writeln!(f, "; A dead peer is known at once, instead of after 32 s.")?;
                writeln!(f, "qualify_frequency = {}", interval.as_secs())
            }
        }
    }

    fn write_identify(&self, f: &mut fmt::Formatter<'_>, address: &str) -> fmt::Result {
        writeln!(f)?;
        self.write_section(f, "identify")?;
        writeln!(f, "endpoint = {}", self.name)?;
        writeln!(f, "; With the port, so that several trunks may share one address.")?;
        writeln!(f, "match = {address}")
    }

    fn write_registration(&self, f: &mut fmt::Formatter<'_>, address: &str, credentials: &Credentials) -> fmt::Result {
        writeln!(f)?;
        self.write_section(f, "registration")?;
        writeln!(f, "transport = {}", self.transport)?;
        writeln!(f, "server_uri = sip:{address}")?;
        writeln!(f, "client_uri = sip:{}@{address}", credentials.username)?;
        writeln!(f, "contact_user = {}", credentials.username)?;
        writeln!(f, "outbound_auth = {}", self.name)?;
        writeln!(f, "; Calls to the registered contact are known by a token in it as this trunk's.")?;
        writeln!(f, "line = yes")?;
        writeln!(f, "endpoint = {}", self.name)
    }

    fn write_auth(&self, f: &mut fmt::Formatter<'_>, credentials: &Credentials) -> fmt::Result {
        writeln!(f)?;
        self.write_section(f, "auth")?;
        writeln!(f, "auth_type = userpass")?;
        writeln!(f, "username = {}", conf_value(&credentials.username))?;
        writeln!(f, "password = {}", conf_value(&credentials.password))
    }

    fn write_section(&self, f: &mut fmt::Formatter<'_>, kind: &str) -> fmt::Result {
        writeln!(f, "[{}]\ntype = {kind}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> String {
        "192.0.2.1:5060".to_owned()
    }

    fn trunk(peer: Peer) -> Trunk {
        Trunk {
            name: "carrier".into(),
            transport: "transport-udp".into(),
            context: "from-carrier".into(),
            peer,
            dtmf_mode: DtmfMode::Rfc4733,
            codecs: vec!["alaw".into(), "ulaw".into()],
            media_address: None,
            qualify_every: None,
        }
    }

    fn credentials() -> Credentials {
        Credentials { username: "4912345".into(), password: "se;cret".into() }
    }

    /// The sections of a text, each as its `type` and its lines without comments.
    fn sections(text: &str) -> Vec<(String, Vec<String>)> {
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(';')) {
            match line.strip_prefix("type = ") {
                Some(kind) => sections.push((kind.to_owned(), Vec::new())),
                None if line.starts_with('[') => assert_eq!(line, "[carrier]"),
                None => sections.last_mut().unwrap().1.push(line.to_owned()),
            }
        }
        sections
    }

    fn check(peer: Peer, expected: &[(&str, &[&str])]) {
        let text = trunk(peer).to_string();
        let sections = sections(&text);
        let kinds: Vec<_> = sections.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, expected.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), "{text}");
        for ((_, lines), (kind, expected)) in sections.iter().zip(expected) {
            for line in *expected {
                assert!(lines.iter().any(|have| have == line), "no line {line:?} in section {kind} of\n{text}");
            }
        }
    }

    #[test]
    fn a_peer_trusted_by_its_address() {
        check(
            Peer::Address { address: peer(), credentials: None },
            &[
                ("endpoint", &["context = from-carrier", "allow = alaw,ulaw", "dtmf_mode = rfc4733", "aors = carrier"]),
                ("aor", &["contact = sip:192.0.2.1:5060"]),
                ("identify", &["endpoint = carrier", "match = 192.0.2.1:5060"]),
            ],
        );
    }

    #[test]
    fn digest_authentication_both_ways() {
        check(
            Peer::Address { address: peer(), credentials: Some(credentials()) },
            &[
                ("endpoint", &["auth = carrier", "outbound_auth = carrier"]),
                ("aor", &[]),
                ("identify", &[]),
                ("auth", &["username = 4912345", "password = se\\;cret"]),
            ],
        );
    }

    #[test]
    fn a_provider_that_wants_a_registration() {
        check(
            Peer::Registrar {
                address: peer(),
                credentials: credentials(),
                retry_after: Duration::from_secs(30),
                registers_at_once: false,
            },
            &[
                ("endpoint", &["outbound_auth = carrier", "from_user = 4912345"]),
                ("aor", &["contact = sip:192.0.2.1:5060"]),
                ("registration", &["client_uri = sip:4912345@192.0.2.1:5060", "line = yes", "retry_interval = 30"]),
                ("auth", &["username = 4912345"]),
            ],
        );
    }

    #[test]
    fn a_peer_that_registers_here() {
        check(
            Peer::Registering { password: "secret".into() },
            &[
                ("endpoint", &["auth = carrier"]),
                ("aor", &["max_contacts = 1"]),
                ("auth", &["username = carrier", "password = secret"]),
            ],
        );
    }

    #[test]
    fn media_and_qualify_only_on_request() {
        let plain = trunk(Peer::Address { address: peer(), credentials: None });
        assert!(!plain.to_string().contains("media_address") && !plain.to_string().contains("qualify"));
        let bound = Trunk {
            media_address: Some("192.0.2.2".parse().unwrap()),
            qualify_every: Some(Duration::from_secs(30)),
            dtmf_mode: DtmfMode::Inband,
            ..plain
        };
        let text = bound.to_string();
        assert!(text.contains("\nmedia_address = 192.0.2.2\nbind_rtp_to_media_address = yes\n"), "{text}");
        assert!(text.contains("\nqualify_frequency = 30\n") && text.contains("\ndtmf_mode = inband\n"), "{text}");
    }

    #[test]
    fn advice_is_comments_and_nothing_else() {
        assert!(PJSIP_ADVICE.lines().all(|line| line.starts_with("; ")), "{PJSIP_ADVICE}");
    }

    #[test]
    fn a_file_is_its_transports_and_then_its_trunks() {
        let transport = Transport { name: "transport-udp".into(), bind: SocketAddr::from(([192, 0, 2, 1], 5060)) };
        let conf = PjsipConf {
            transports: vec![transport],
            trunks: vec![trunk(Peer::Address { address: peer(), credentials: None })],
        };
        let text = conf.to_string();
        assert!(text.starts_with("[transport-udp]\ntype = transport\nprotocol = udp\nbind = 192.0.2.1:5060\n\n"));
        assert!(text.contains("\n\n[carrier]\ntype = endpoint\n"), "{text}");
    }
}
