//! Servers: `asterisk`, and what is under `servers`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use calltest_core::number::Dialplan;
use calltest_core::number_rule::Direction;
use calltest_core::plan::{Asterisk, Secret, Server, ServerKind, ServerName, Tls};

use super::{guard, quiet};
use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::quoting::quoted;
use crate::readers;
use crate::report::{Report, Reported};
use crate::scalar;
use crate::table;
use crate::tree::{Key, Node, Value};
use crate::view::View;

/// Every server by name, broken ones included: a link may name them without being wrong itself.
pub(super) type Servers = BTreeMap<ServerName, Result<Arc<Server>, Reported>>;

pub(super) fn servers(configuration: Configuration<'_>, report: &mut Report<'_>) -> Servers {
    let mut servers = Servers::new();
    servers
        .insert(ServerName::default(), server(ServerName::default(), &configuration.top().section("asterisk"), report));
    for (name, node) in configuration.entries("servers") {
        let server = named_server(name, node, report);
        servers.entry(ServerName::from(&*name.text)).or_insert(server);
    }
    servers
}

fn named_server(name: &Key, node: &Node, report: &mut Report<'_>) -> Result<Arc<Server>, Reported> {
    if *name.text == *ServerName::default().as_str() {
        let message = format!("{} is the name of the server under the key `asterisk`", quoted(&name.text));
        return Err(report.add(Finding::error(name.place, message).hint("give this one another name")));
    }
    server(ServerName::from(&*name.text), &View::new(&table::SERVER, Some(node), None), report)
}

fn server(name: ServerName, view: &View<'_>, report: &mut Report<'_>) -> Result<Arc<Server>, Reported> {
    check_base(view, "play", report);
    check_base(view, "record", report);
    let tls = tls(view, report);
    let audio = view.section("audio");
    let dialplan = view.section("dialplan");
    let report = &*report;
    let asterisk = Asterisk {
        host: view.read("host", readers::host, report)?.value,
        port: view.read("port", readers::port, report)?.value,
        tls: tls?,
        path: view.read_optional("path", readers::uri_path, report)?.map(|at| at.value).unwrap_or_default(),
        timeout: view.read("init_timeout", readers::some_seconds, report)?.value,
        username: view.read("username", readers::word, report)?.value,
        password: Secret::new(view.read("password", readers::text, report)?.value),
        app: view.read("app", readers::word, report)?.value,
        play_base: audio.read("play", readers::text, report)?.value,
        record_base: audio.read("record", readers::text, report)?.value,
    };
    Ok(Arc::new(Server {
        kind: ServerKind::Asterisk(asterisk),
        dialplan: Dialplan {
            country: dialplan.read("country", readers::country_code, report)?.value,
            city: dialplan
                .read_optional("city", readers::digits, report)?
                .map(|at| at.value)
                .filter(|city| !city.is_empty()),
            intl: dialplan.read("intl", readers::digits, report)?.value,
            natl: dialplan.read("natl", readers::digits, report)?.value,
        },
        max_calls: view.read_optional("max_calls", readers::count, report)?.map(|at| at.value),
        outgoing: guard::number_rules(view, Direction::Outgoing, report)?,
        incoming: guard::number_rules(view, Direction::Incoming, report)?,
        quiet: quiet::quiet_times(view, report)?,
        name,
    }))
}

/// Names are put right behind their base, which is easily forgotten.
fn check_base(view: &View<'_>, key: &str, report: &mut Report<'_>) {
    let Ok(base) = view.section("audio").read(key, readers::text, report) else { return };
    if !base.value.is_empty() && !base.value.ends_with(['/', ':']) {
        let message =
            format!("`audio.{key}` does not end with `/` or `:`: `NAME` becomes {}", quoted(&(base.value + "NAME")));
        report.add(Finding::note(base.place, message));
    }
}

fn tls(view: &View<'_>, report: &mut Report<'_>) -> Result<Option<Tls>, Reported> {
    let Some(ssl) = view.node("ssl") else { return Ok(None) };
    if let Value::Text(_) = ssl.value.value {
        return Ok(view.read("ssl", scalar::flag, report)?.value.then(Tls::default));
    }
    let files = view.section("ssl");
    let path = |key| {
        let path = files.read_optional(key, readers::some_text, report)?;
        Ok(path.map(|path| PathBuf::from(path.value)))
    };
    let (ca, cert, key) = (path("ca"), path("cert"), path("key"));
    if let (Ok(cert), Ok(key)) = (&cert, &key)
        && cert.is_some() != key.is_some()
    {
        let (given, missing) = if cert.is_some() { ("cert", "key") } else { ("key", "cert") };
        let message = format!("`ssl.{given}` is of no use without `ssl.{missing}`");
        return Err(report.add(Finding::error(ssl.place, message)));
    }
    Ok(Some(Tls { ca: ca?, cert: cert?, key: key? }))
}
