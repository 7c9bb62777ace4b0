//! What to do where a server cannot be reached, in the words of calltest's own configuration. What is wrong, the error says
//! by itself.

use calltest_ari::ConnectError;
use calltest_core::plan::Asterisk;

/// The port of AMI, which some take for that of ARI.
const AMI: &str = "AMI";

/// What to do about an error; `None` if its sentence says that already.
pub(crate) fn advice(error: &ConnectError, asterisk: &Asterisk) -> Option<String> {
    let ari = format!("{}/ari", asterisk.path);
    let advice = match error {
        ConnectError::NoAuthorities { .. } => "install ca-certificates or set ssl.ca".to_owned(),
        ConnectError::HungUp { with_tls: false, .. } => {
            format!("{MORE_SESSIONS}; if the port is one for TLS, set `ssl: yes`")
        }
        ConnectError::HungUp { with_tls: true, .. } | ConnectError::EventsHungUp { .. } => MORE_SESSIONS.to_owned(),
        ConnectError::NotHttp { protocol: Some(AMI), .. } => {
            "set `port` to bindport of Asterisk's http.conf, usually 8088: ARI has another port than AMI".to_owned()
        }
        ConnectError::NotHttp { .. } => {
            "correct `host` and `port`: the port is bindport of Asterisk's http.conf".to_owned()
        }
        ConnectError::Malformed { .. } => "see with `curl -v` what answers at that port".to_owned(),
        ConnectError::TlsThere { .. } => {
            "set `ssl: yes`, or `port` to one without TLS: bindport of http.conf".to_owned()
        }
        ConnectError::OtherName { .. } => {
            format!("set `host` to a name of the certificate, or give the server a certificate for `{}`", asterisk.host)
        }
        ConnectError::OutOfDate { .. } => "renew the certificate, or correct the clock of this machine".to_owned(),
        ConnectError::Redirected { target, .. } => redirected(target.as_deref(), asterisk),
        ConnectError::Page { .. } => format!(
            "correct `host`, `port` and `path`, or have the proxy pass {ari} on to Asterisk; a captive portal wants a login in \
             a browser first"
        ),
        ConnectError::NothingBehindProxy { .. } => {
            "start Asterisk, or correct the address that the proxy passes requests on to; the proxy's log says why"
                .to_owned()
        }
        ConnectError::NoUpgrade { .. } => UPGRADE.to_owned(),
        ConnectError::DeniedByAcl { file: "ari.conf", .. } => format!(
            "permit the address of this machine in `permit`, `deny` and `acl` of [{}] in ari.conf, and run `asterisk -rx \
             \"module reload res_ari.so\"`",
            asterisk.username
        ),
        ConnectError::DeniedByAcl { .. } => format!(
            "permit the address of this machine in the section of http.conf with `type = restriction` for {ari}, and run \
             `asterisk -rx \"module reload http\"`"
        ),
        ConnectError::ForeignLogin { .. } => {
            format!("have the proxy pass {ari} on without a login of its own: ARI asks for user and password itself")
        }
        ConnectError::ForeignRefusal { .. } => {
            format!("have the proxy pass GET, POST, PUT and DELETE below {ari} on from the address of this machine")
        }
        ConnectError::NotBooted { .. } => "wait until `asterisk -rx \"core waitfullybooted\"` returns".to_owned(),
        ConnectError::NoAri { .. } => format!(
            "run `asterisk -rx \"http show status\"`: if it lists `/PREFIX/ari/...`, set `path: /PREFIX`; if it lists no \
             ari, {SWITCH_ON}"
        ),
        ConnectError::MissingModule { module, .. } => load(&[module]),
        ConnectError::NotAri { .. } => {
            format!(
                "correct `host` and `port`, set `path` to what stands before `/ari`, or have the proxy pass {ari} on to Asterisk"
            )
        }
        _ => return None,
    };
    Some(advice)
}

/// What to do if all sessions of the HTTP server are taken.
const MORE_SESSIONS: &str = "if Asterisk's log says `HTTP session count exceeded`, raise sessionlimit in http.conf, or stop \
                             what holds the connections";

/// What makes ARI answer.
pub(crate) const SWITCH_ON: &str = "set enabled = yes in ari.conf, and see with `asterisk -rx \"module show like res_ari\"` \
                                    whether res_ari is loaded, which needs res_stasis and res_http_websocket";

/// How proxies pass on WebSockets.
const UPGRADE: &str = "in nginx add `proxy_http_version 1.1;`, `proxy_set_header Upgrade $http_upgrade;` and \
                       `proxy_set_header Connection \"upgrade\";`, in Apache load mod_proxy_wstunnel and add \
                       `upgrade=websocket` to ProxyPass";

/// How proxies pass on names with a slash in them.
pub(crate) const KEEP_SLASHES: &str = "have the proxy pass `%2F` in a path on as it is: in nginx write `proxy_pass` without a \
                                       slash after the port, in Apache add `AllowEncodedSlashes NoDecode` and `nocanon` in \
                                       ProxyPass; or set `audio.record` to a text without a slash";

/// How modules are loaded.
pub(crate) fn load(modules: &[&str]) -> String {
    let commands: Vec<_> = modules.iter().map(|module| format!("`asterisk -rx \"module load {module}.so\"`")).collect();
    format!("run {}, and see that modules.conf has that loaded the next time too", commands.join(" and "))
}

/// What makes a redirect needless: the settings in which its target differs from ours.
fn redirected(target: Option<&str>, asterisk: &Asterisk) -> String {
    let keys = target.map(|target| keys_of(target, asterisk)).unwrap_or_default();
    match &keys[..] {
        [] => format!("have the proxy pass {}/ari on to Asterisk without a redirect", asterisk.path),
        [one] => format!("set {one}"),
        [most @ .., last] => format!("set {} and {last}", most.join(", ")),
    }
}

fn keys_of(target: &str, asterisk: &Asterisk) -> Vec<String> {
    let mut keys = Vec::new();
    let (origin, path) = match target.split_once("//") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some((scheme, authority)), path)
        }
        None => (None, target),
    };
    if let Some((scheme, authority)) = origin {
        let is_tls = if scheme.is_empty() { asterisk.tls.is_some() } else { scheme.eq_ignore_ascii_case("https:") };
        if is_tls != asterisk.tls.is_some() {
            keys.push(if is_tls { "`ssl: yes`" } else { "`ssl: no`" }.to_owned());
        }
        // The last colon of an IPv6 address belongs to the address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !host.is_empty() && !host.eq_ignore_ascii_case(&asterisk.host) {
            keys.push(format!("`host: {host}`"));
        }
        let port = port.unwrap_or(if is_tls { 443 } else { 80 });
        if port != asterisk.port {
            keys.push(format!("`port: {port}`"));
        }
    }
    if let Some((before, _)) = format!("{path}/").split_once("/ari/")
        && before != asterisk.path
        && (before.is_empty() || before.starts_with('/'))
    {
        keys.push(format!("`path: {}`", if before.is_empty() { "/" } else { before }));
    }
    keys
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use calltest_core::plan::{Secret, Tls};

    use super::*;

    /// A server at a usual place.
    pub(crate) fn asterisk(tls: bool, path: &str) -> Asterisk {
        Asterisk {
            host: "pbx.example.org".into(),
            port: if tls { 443 } else { 8088 },
            tls: tls.then(Tls::default),
            path: path.into(),
            timeout: Duration::from_secs(5),
            username: "example".into(),
            password: Secret::new("secret"),
            app: "calltest".into(),
            play_base: String::new(),
            record_base: String::new(),
        }
    }

    // field real-lines-2 set-up 3
    #[test]
    fn a_redirect_names_the_keys_that_make_it_needless() {
        let plain = asterisk(false, "");
        let path = "/ari/asterisk/info";
        for (target, advice) in [
            (format!("https://pbx.example.org{path}"), "set `ssl: yes` and `port: 443`"),
            (format!("https://PBX.example.org:8089{path}"), "set `ssl: yes` and `port: 8089`"),
            (
                format!("https://www.example.org/pbx{path}"),
                "set `ssl: yes`, `host: www.example.org`, `port: 443` and `path: /pbx`",
            ),
            (format!("http://[2001:db8::1]:8088{path}"), "set `host: 2001:db8::1`"),
            (format!("http://[2001:db8::1]{path}"), "set `host: 2001:db8::1` and `port: 80`"),
            (format!("//pbx.example.org:9{path}"), "set `port: 9`"),
            (format!("/pbx/a{path}"), "set `path: /pbx/a`"),
            (format!("{path}/"), "have the proxy pass /ari on to Asterisk without a redirect"),
            ("/login".into(), "have the proxy pass /ari on to Asterisk without a redirect"),
            ("https://".into(), "set `ssl: yes` and `port: 443`"),
            ("http://pbx.example.org:8088".into(), "have the proxy pass /ari on to Asterisk without a redirect"),
        ] {
            assert_eq!(redirected(Some(&target), &plain), advice, "{target}");
        }
        let secure = asterisk(true, "/pbx");
        assert_eq!(
            redirected(Some("http://pbx.example.org/ari/a"), &secure),
            "set `ssl: no`, `port: 80` and `path: /`"
        );
        assert_eq!(redirected(None, &secure), "have the proxy pass /pbx/ari on to Asterisk without a redirect");
    }
}
