//! `calltest demo`: private Asterisk servers, the example tests, and tests across a trunk, with nothing set up beforehand.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use asterisk_lab::{FetchOptions, Installation, Lab, Server, Trunk};
use calltest_config::Source;
use calltest_core::plan::CallTest;
use indicatif::MultiProgress;

use crate::cli::{Cli, Demo, Format};
use crate::commands::run::run_all;
use crate::display::{Display, Style};
use crate::exit::Exit;
use crate::{configuration, logging};

/// The example configuration, as it lies at the top of the source tree.
const EXAMPLE: &str = include_str!("../../../../example.cfg");

pub(crate) fn run(cli: &Cli, demo: &Demo) -> anyhow::Result<Exit> {
    let progress = MultiProgress::new();
    if let Err(exit) = logging::start(cli, None, &progress) {
        return Ok(exit);
    }
    let installation = installation(demo)?;
    say(cli, &format!("starting two private servers with Asterisk {}, joined by a SIP trunk", installation.version()));
    let lab = Lab::builder(&installation)
        .server("a")
        .server("b")
        .trunk(Trunk::between("a", "b").links("berlin", "paris"))
        .start()
        .context("could not start the private Asterisk servers")?;
    let (a, b) = (lab.server("a"), lab.server("b"));
    say(cli, &format!("server a: {}   server b: {}", a.ari().base_url(), b.ari().base_url()));
    let source = Source::File { path: "example.cfg".into(), text: EXAMPLE.into() };
    let loaded = match configuration::load_source(source, &cli.common, overrides(a, b)) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let plan = Arc::new(loaded.plan);
    let tests: Vec<Arc<CallTest>> = plan.tests.iter().filter(|test| !test.schedule.is_manual).cloned().collect();
    let style = Style { format: Format::Text, is_quiet: cli.common.quiet, shows_timeline: cli.common.verbose > 0 };
    let display = Display::new(style, progress);
    let runtime = tokio::runtime::Runtime::new().context("could not start the asynchronous runtime")?;
    let exit = runtime.block_on(run_all(plan, tests, false, display))?;
    if exit == Exit::Success {
        say(cli, "all of these were real calls; now write a configuration of your own: the README shows how");
    }
    Ok(exit)
}

fn installation(demo: &Demo) -> anyhow::Result<Installation> {
    match &demo.asterisk {
        Some(program) if program == Path::new("installed") => {
            Installation::find_installed(&env::var_os("PATH").unwrap_or_default())
                .context("could not use an installed Asterisk")
        }
        Some(program) => Installation::installed(program).context("could not use the installed Asterisk"),
        None => {
            let cache = cache_directory(demo).context("there is no cache directory; name one with --cache")?;
            let options = FetchOptions { mirror: demo.mirror.clone(), ..FetchOptions::default() };
            Installation::fetched(&cache, &options, |step| anstream::eprintln!("{step} …"))
                .context("could not fetch Asterisk")
        }
    }
}

fn cache_directory(demo: &Demo) -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    demo.cache.clone().or_else(|| base().map(|base| base.join("calltest")))
}

/// What the example lacks: where the private servers are, and the tests across the trunk between them.
fn overrides(a: &Server, b: &Server) -> Vec<String> {
    let connection = |server: &Server| {
        let ari = server.ari();
        format!(
            "host: \"{}\", port: {}, username: \"{}\", password: \"{}\"",
            ari.host, ari.port, ari.username, ari.password
        )
    };
    let trunk = |server: &Server, link: &str, name: &str, number: &str| {
        format!("{{server: {name}, channel: \"{}\", number: \"{number}\"}}", server.dial_string(link))
    };
    let test = |src: &str, dst: &str, mode: &str, info: &str| {
        format!("{{src: {src}, dst: {dst}, mode: {mode}, info: \"{info}\"}}")
    };
    vec![
        format!("asterisk={{{}}}", connection(a)),
        format!("servers.b={{{}}}", connection(b)),
        format!("links.berlin={}", trunk(a, "berlin", "asterisk", "+493012345")),
        format!("links.paris={}", trunk(b, "paris", "b", "+33112345678")),
        format!("calls.berlin_paris_dtmf={}", test("berlin", "paris", "dtmf", "Digits both ways over the SIP trunk")),
        format!("calls.paris_berlin_dtmf={}", test("paris", "berlin", "dtmf", "The same in the other direction")),
        format!("calls.berlin_paris_call={}", test("berlin", "paris", "call", "Ringing over the SIP trunk")),
    ]
}

fn say(cli: &Cli, sentence: &str) {
    if !cli.common.quiet {
        anstream::eprintln!("{sentence}");
    }
}
