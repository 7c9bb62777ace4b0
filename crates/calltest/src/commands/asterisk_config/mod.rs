//! `calltest asterisk-config`: what to put into the files of an Asterisk, made to measure for a configuration. The texts
//! themselves are those of `asterisk-setup`.

mod dialplan;
mod trunks;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use asterisk_setup::{
    AriConf, AriUser, AsteriskOptions, ConfFile, DialplanLanguage, DtmfMode, HttpConf, HttpsConf, NeededModules,
};
use calltest_core::plan::{Asterisk, Plan, Server, ServerName};

use crate::cli::{AsteriskConfig, Cli, DialplanChoice, DtmfChoice};
use crate::exit::{Exit, Stop};
use crate::output::Refusal;
use crate::{configuration, output};

/// Where Asterisk's own script puts a certificate and its key.
const CERTIFICATE: [&str; 2] = ["/etc/asterisk/keys/asterisk.pem", "/etc/asterisk/keys/asterisk.key"];

pub(crate) fn run(cli: &Cli, wanted: &AsteriskConfig) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let chosen = server(&loaded.plan, wanted.server.as_deref()).and_then(|server| Ok((server, files(wanted)?)));
    let (server, files) = chosen.map_err(output::refuse)?;
    let texts = Texts { plan: &loaded.plan, server, wanted };
    let printed: Vec<_> = files.iter().map(|file| format!("{}{}", file.head(), texts.of(*file))).collect();
    let done = output::print_all(&printed.join("\n"))?;
    if files.contains(&ConfFile::Ari) && !wanted.show_secrets && !cli.common.quiet {
        output::say("calltest: the password in ari.conf is left out; --show-secrets prints it");
    }
    Ok(done)
}

/// The server of this name, or the only one that links lie on.
fn server<'p>(plan: &'p Plan, name: Option<&str>) -> Result<&'p Arc<Server>, Refusal> {
    let names =
        |servers: &[&Arc<Server>]| servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ");
    let all: Vec<_> = plan.servers.values().collect();
    if let Some(name) = name {
        let hint = || format!("there are {}", names(&all));
        let unknown = || Refusal::with_hint(format!("there is no server {name}"), hint());
        return plan.servers.get(name).ok_or_else(unknown);
    }
    let used: Vec<_> =
        all.iter().copied().filter(|server| plan.links.values().any(|link| link.server == server.name)).collect();
    match used[..] {
        [server] => Ok(server),
        [] => Ok(plan.servers.get(&ServerName::default()).expect("the server under `asterisk` is always there")),
        _ => {
            let hint = format!("choose one with --server: {}", names(&used));
            Err(Refusal::with_hint("there are several servers", hint))
        }
    }
}

/// The files to print.
fn files(wanted: &AsteriskConfig) -> Result<Vec<ConfFile>, String> {
    let of_language = |language: DialplanChoice| match language {
        DialplanChoice::Ael => ConfFile::ExtensionsAel,
        DialplanChoice::Conf => ConfFile::ExtensionsConf,
    };
    let dialplan = of_language(wanted.dialplan.unwrap_or_default());
    let is_other =
        |file: ConfFile| matches!(file, ConfFile::ExtensionsAel | ConfFile::ExtensionsConf) && file != dialplan;
    match wanted.file.as_deref().and_then(ConfFile::named) {
        Some(file) if is_other(file) && wanted.dialplan.is_some() => {
            Err(format!("{} is not in the language that --dialplan names", file.name()))
        }
        Some(file) => Ok(vec![file]),
        None => Ok(ConfFile::ALL.into_iter().filter(|file| !is_other(*file)).collect()),
    }
}

/// The texts for one server.
struct Texts<'p> {
    plan: &'p Plan,
    server: &'p Server,
    wanted: &'p AsteriskConfig,
}

impl Texts<'_> {
    fn of(&self, file: ConfFile) -> String {
        let dialplan = || dialplan::dialplan(self.plan, self.server);
        match file {
            ConfFile::Http => self.http_conf(),
            ConfFile::Ari => self.ari_conf().to_string(),
            ConfFile::Asterisk => {
                AsteriskOptions { transmits_silence: self.dtmf_mode() == DtmfMode::Inband }.to_string()
            }
            ConfFile::Modules => {
                let dialplan_language = match self.wanted.dialplan.unwrap_or_default() {
                    DialplanChoice::Ael => DialplanLanguage::Ael,
                    DialplanChoice::Conf => DialplanLanguage::ExtensionsConf,
                };
                NeededModules { dialplan_language, has_sip: trunks::has_sip(self.plan, self.server) }.to_string()
            }
            ConfFile::ExtensionsAel => dialplan().to_ael(),
            ConfFile::ExtensionsConf => dialplan().to_extensions_conf(),
            ConfFile::Pjsip => trunks::pjsip_conf(self.plan, self.server, self.dtmf_mode()),
        }
    }

    fn dtmf_mode(&self) -> DtmfMode {
        match self.wanted.dtmf {
            DtmfChoice::Rfc4733 => DtmfMode::Rfc4733,
            DtmfChoice::Inband => DtmfMode::Inband,
            DtmfChoice::Info => DtmfMode::Info,
        }
    }

    fn ari_conf(&self) -> AriConf {
        let password = self.server.asterisk().password.reveal();
        let user = AriUser::new(&self.server.asterisk().username, password);
        let password = user.password.clone().filter(|_| self.wanted.show_secrets);
        AriConf { users: vec![AriUser { password, ..user }], ..AriConf::default() }
    }

    /// Listens where the configuration looks for the server, as far as its host is an address.
    fn http_conf(&self) -> String {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let Asterisk { host, port, tls, path, .. } = self.server.asterisk();
        let address = if host == "localhost" { Some(loopback) } else { host.parse().ok() };
        let bind = SocketAddr::new(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), *port);
        let prefix = path.strip_prefix('/').map(str::to_owned);
        let mut conf = HttpConf { bind, prefix, ..HttpConf::default() };
        if tls.is_some() {
            // Plain HTTP cannot be switched off, but it need not be seen from elsewhere.
            let usual = HttpConf::default().bind;
            let port = if usual.port() == *port { usual.port() + 1 } else { usual.port() };
            let [certificate_file, private_key_file] = CERTIFICATE.map(Into::into);
            let https = Some(HttpsConf { bind, certificate_file, private_key_file });
            conf = HttpConf { bind: SocketAddr::new(loopback, port), https, ..conf };
        }
        let is_open = !bind.ip().is_loopback() && tls.is_none();
        let warning = "; Passwords and calls pass the network in clear text: use `ssl`, or let nobody else through.\n";
        let of_proxy =
            "; The prefix is `path` of calltest's configuration. Remove it if a reverse proxy takes the path away.\n";
        let notes = [(is_open, warning), (conf.prefix.is_some(), of_proxy)];
        let notes: String = notes.into_iter().filter_map(|(is_due, note)| is_due.then_some(note)).collect();
        format!("{notes}{conf}")
    }
}
