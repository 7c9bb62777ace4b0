//! Whether a server can be reached, and whether it lets us in.

use std::error::Error;

use calltest_ari::ConnectError;
use calltest_ari::requests::{asterisk, channels};
use calltest_core::event::{Check, Outcome};

use super::{Examined, Findings, Problem};
use crate::connector::TRUST_SOMEBODY;

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
            explain(examined.client.diagnose(error), findings);
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
            explain(examined.client.diagnose(error), findings);
            false
        }
        _ => {
            findings.ok(Check::Rights, None, format!("user `{}` may act", examined.server.asterisk().username));
            true
        }
    }
}

pub(super) fn load(modules: &[&str]) -> String {
    let commands: Vec<_> = modules.iter().map(|module| format!("`asterisk -rx \"module load {module}.so\"`")).collect();
    format!("run {}, and see that modules.conf has that loaded the next time too", commands.join(" and "))
}

/// Says why there is no way in.
pub(super) fn explain(error: ConnectError, findings: &mut Findings<'_>) {
    let (check, problem) = problem(error);
    findings.about_server(check, Outcome::Problem, problem);
}

fn problem(error: ConnectError) -> (Check, Problem) {
    let text = error.to_string();
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
        ConnectError::NotHttp { server, .. } => (
            Check::Reach,
            Problem::new(
                format!("{server} takes connections but does not answer in HTTP"),
                "set `ssl: yes` if it expects TLS, else correct `port`: it is bindport in Asterisk's http.conf",
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
                "name the file of its authority in `ssl.ca`, and the host as the certificate does",
            ),
        ),
        ConnectError::TlsRefused { server, source } => (
            Check::Reach,
            Problem::new(
                format!("{server} refuses TLS: {source}"),
                "name our certificate in `ssl.cert` and `ssl.key`, if it asks for one",
            ),
        ),
        ConnectError::NoAuthorities { .. } => (Check::Reach, Problem::new(text, TRUST_SOMEBODY)),
        ConnectError::TlsFile { .. } => (Check::Reach, Problem::new(text, "correct `ssl`")),
        ConnectError::NotAri { server, status } => (
            Check::Reach,
            Problem::new(
                format!("{server} answers in HTTP, but has no ARI (status {})", status.as_u16()),
                "set enabled = yes in ari.conf, and see with `asterisk -rx \"module show like res_ari\"` whether res_ari \
                 is loaded, which needs res_stasis and res_http_websocket",
            ),
        ),
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
