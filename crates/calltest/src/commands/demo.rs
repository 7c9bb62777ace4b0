//! `calltest demo`: private Asterisk servers, the example tests, and tests across a trunk, with nothing set up beforehand.

use std::env;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use asterisk_lab::{FetchOptions, Installation, Lab, Server, Trunk};
use calltest_config::Source;
use indicatif::MultiProgress;

use crate::call_loop::call_loop;
use crate::cli::{Cli, Demo, Format};
use crate::commands::run::{chosen, run_all};
use crate::display::{Display, Style};
use crate::exit::{Exit, Stop};
use crate::{configuration, directories, logging, output};

/// The example configuration, as it lies at the top of the source tree.
const EXAMPLE: &str = include_str!("../../../../example.cfg");

pub(crate) fn run(cli: &Cli, demo: &Demo) -> Result<Exit, Stop> {
    let progress = MultiProgress::new();
    logging::start(cli, None, &progress)?;
    let installation = installation(cli, demo).context("no Asterisk for the demo").map_err(explained)?;
    let version = installation.version().split(['+', '~']).next().unwrap_or_default();
    say(cli, &format!("starting two private servers with Asterisk {version}, joined by a SIP trunk"));
    let lab = Lab::builder(&installation)
        .server("a")
        .server("b")
        .trunk(Trunk::between("a", "b").links("berlin", "paris"))
        .start()
        .context("could not start the private Asterisk servers")
        .map_err(explained)?;
    let (a, b) = (lab.server("a"), lab.server("b"));
    say(cli, &format!("server a: {}   server b: {}", a.ari().base_url(), b.ari().base_url()));
    let source = Source::File { path: "example.cfg".into(), text: EXAMPLE.into() };
    let loaded = configuration::load_source(source, &cli.common, overrides(a, b))?;
    let plan = Arc::new(loaded.plan);
    let tests = chosen(&plan, &[]).map_err(output::refuse)?;
    let style = Style { format: Format::Text, is_quiet: cli.common.quiet, shows_timeline: cli.common.verbose > 0 };
    let display = Display::new(style, progress);
    let runtime = call_loop()?;
    let exit = runtime.block_on(run_all(plan, tests, false, display))?;
    runtime.shutdown_background();
    if exit == Exit::Success {
        say(cli, "all of these were real calls; now write a configuration of your own: the README shows how");
    }
    Ok(exit)
}

fn installation(cli: &Cli, demo: &Demo) -> anyhow::Result<Installation> {
    Ok(match &demo.asterisk {
        Some(program) if program == Path::new("installed") => {
            Installation::find_installed(&env::var_os("PATH").unwrap_or_default())?
        }
        Some(program) => Installation::installed(program)?,
        None => {
            let cache = demo
                .cache
                .clone()
                .or_else(directories::cache)
                .context("there is no cache directory; name one with --cache")?;
            let options = FetchOptions { mirror: demo.mirror.clone(), ..FetchOptions::default() };
            Installation::fetched(&cache, &options, |step| say(cli, &format!("{step} …")))?
        }
    })
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

/// Says why there is no demo. What a private server or the system's tools wrote last has lines of its own.
fn explained(error: anyhow::Error) -> Stop {
    let text = format!("{error:#}");
    let mut lines = text.lines();
    output::complain(lines.next().unwrap_or_default());
    lines.for_each(output::say);
    Stop::Told(Exit::CouldNotFindOut)
}

fn say(cli: &Cli, sentence: &str) {
    if !cli.common.quiet {
        output::say(sentence);
    }
}
