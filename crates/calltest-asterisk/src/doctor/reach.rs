//! Whether a server can be reached, and whether it lets us in.

use std::error::Error;

use calltest_ari::ConnectError;
use calltest_ari::requests::{asterisk, channels};
use calltest_core::event::{Check, Outcome};
use calltest_core::plan::Asterisk;

use super::{Examined, Findings, Problem};
use crate::advice::{SWITCH_ON, advice, load};

/// Asks for the server's version; without an answer there is nothing more to look at.
pub(super) async fn look(examined: &Examined<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let (address, user) = (examined.address(), &examined.server.asterisk().username);
    let request = asterisk::GetInfo { only: vec![asterisk::InfoSection::System] };
    let version = match examined.client.request(request).await {
        Ok(info) => info.system.map(|system| system.version).unwrap_or_default(),
        Err(error) if error.is_unknown_path() => {
            findings.ok(Check::Reach, None, format!("ARI answers at {address}"));
            let what = "res_ari_asterisk or res_ari_model is not loaded: nothing can be asked about the server";
            findings.about_server(Check::Modules, Outcome::Problem, Problem::new(what, load(&["res_ari_asterisk"])));
            return None;
        }
        Err(error) => {
            let error = examined.client.diagnose(error);
            match look_around(examined, &error).await {
                Some(problem) => findings.about_server(Check::Reach, Outcome::Problem, problem),
                None => explain(error, examined.server.asterisk(), findings),
            }
            return None;
        }
    };
    findings.ok(Check::Reach, None, format!("Asterisk {version} answers at {address}"));
    findings.ok(Check::Credentials, None, format!("it takes user `{user}` and the password"));
    Some(version.into())
}

/// Whether the user may act: asks to hang up a channel that there is not.
pub(super) async fn look_at_rights(examined: &Examined<'_>, findings: &mut Findings<'_>) -> bool {
    let hangup = channels::Hangup { channel_id: "calltest-doctor".into(), ..Default::default() };
    match examined.client.request(hangup).await {
        Err(error) if !error.is_not_found() => {
            // That the server can be reached, has been said.
            let (check, problem) = problem(examined.client.diagnose(error), examined.server.asterisk());
            let check = if check == Check::Reach { Check::Rights } else { check };
            findings.about_server(check, Outcome::Problem, problem);
            false
        }
        _ => {
            findings.ok(Check::Rights, None, format!("user `{}` may act", examined.server.asterisk().username));
            true
        }
    }
}

/// Where ARI is below in most places: nowhere, in what Asterisk's sample of http.conf has, and in what proxies are given.
const USUAL_PATHS: [&str; 3] = ["", "/asterisk", "/pbx"];

/// What a look around shows where the error alone leaves it open: four requests without credentials at most.
async fn look_around(examined: &Examined<'_>, error: &ConnectError) -> Option<Problem> {
    let (client, asterisk) = (&examined.client, examined.server.asterisk());
    let has_no_ari = match error {
        ConnectError::HungUp { server, with_tls: false } if client.speaks_tls().await => {
            let error = ConnectError::TlsThere { server: server.clone() };
            return Some(Problem::new(error.to_string(), advice(&error, asterisk)?));
        }
        ConnectError::NoAri { .. } | ConnectError::NotAri { .. } | ConnectError::Page { .. } => true,
        _ => false,
    };
    if !has_no_ari {
        return None;
    }
    let address = examined.address();
    for path in USUAL_PATHS.into_iter().filter(|path| *path != asterisk.path) {
        if client.is_below(path).await {
            let what = format!("ARI is not at {address}{}/ari, but at {address}{path}/ari", asterisk.path);
            let fix = if path.is_empty() { "remove `path`".to_owned() } else { format!("set `path: {path}`") };
            return Some(Problem::new(what, fix));
        }
    }
    if matches!(error, ConnectError::NoAri { .. }) && client.shows_status().await {
        let prefix = if asterisk.path.is_empty() { "no prefix" } else { "the same prefix as `path`" };
        let what = format!("Asterisk answers at {address}, with {prefix}, but without ARI (status 404)");
        return Some(Problem::new(what, SWITCH_ON));
    }
    None
}

/// Says why there is no way in.
pub(super) fn explain(error: ConnectError, asterisk: &Asterisk, findings: &mut Findings<'_>) {
    let (check, problem) = problem(error, asterisk);
    findings.about_server(check, Outcome::Problem, problem);
}

fn problem(error: ConnectError, asterisk: &Asterisk) -> (Check, Problem) {
    let text = error.to_string();
    if let Some(fix) = advice(&error, asterisk) {
        return (Check::Reach, Problem::new(text, fix));
    }
    match error {
        ConnectError::Unreachable { server, source } => (
            Check::Reach,
            Problem::new(
                format!("nobody answers at {server}: {}", root(source.as_ref())),
                "start Asterisk there, correct host and port, or give its http.conf what \
                 `calltest asterisk-config http.conf` prints",
            ),
        ),
        ConnectError::TimedOut { server, after } => (
            Check::Reach,
            Problem::new(
                format!("{server} did not answer within {} s", after.as_secs_f64()),
                "see whether host and port are right, whether a firewall is in between, and whether Asterisk hangs",
            ),
        ),
        ConnectError::NoTlsThere { server } => (
            Check::Reach,
            Problem::new(
                format!("{server} does not speak TLS, which `ssl` asks for"),
                "set `port` to that of tlsbindaddr in Asterisk's http.conf, or `ssl: no`",
            ),
        ),
        ConnectError::UntrustedCertificate { server, source } => (
            Check::Reach,
            Problem::new(
                format!("nobody that we trust vouches for the certificate of {server}: {source}"),
                "name the file of its authority in `ssl.ca`",
            ),
        ),
        ConnectError::TlsRefused { server, source } => (
            Check::Reach,
            Problem::new(
                format!("{server} refuses TLS: {source}"),
                "name our certificate in `ssl.cert` and `ssl.key`, if it asks for one",
            ),
        ),
        ConnectError::TlsFile { .. } => (Check::Reach, Problem::new(text, "correct `ssl`")),
        ConnectError::WrongCredentials { username, .. } => (
            Check::Credentials,
            Problem::new(
                format!("it refuses user `{username}` with the password of the configuration"),
                "give ari.conf what `calltest asterisk-config ari.conf` prints, or correct `username` and `password`",
            ),
        ),
        ConnectError::Forbidden { username, .. } => (
            Check::Rights,
            Problem::new(
                format!("user `{username}` may look, but neither call nor hang up"),
                format!("remove `read_only = yes` from [{username}] in ari.conf"),
            ),
        ),
        _ => (Check::Reach, Problem::new(text, "see what Asterisk's log says")),
    }
}

/// The innermost cause, which says what happened.
fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}
