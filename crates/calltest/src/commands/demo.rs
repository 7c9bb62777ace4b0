//! `calltest demo`: private Asterisk servers, the example tests, and tests across a trunk, with nothing set up beforehand.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use asterisk_lab::{FetchOptions, Installation, Lab, Server, Trunk};
use calltest_config::Source;
use indicatif::MultiProgress;

use crate::call_loop::call_loop;
use crate::cli::{Cli, Demo, Format};
use crate::commands::run::{chosen, run_all};
use crate::display::{Display, Style};
use crate::exit::Exit;
use crate::{configuration, logging, output};

/// The example configuration, as it lies at the top of the source tree.
const EXAMPLE: &str = include_str!("../../../../example.cfg");

pub(crate) fn run(cli: &Cli, demo: &Demo) -> anyhow::Result<Exit> {
    let progress = MultiProgress::new();
    if let Err(exit) = logging::start(cli, None, &progress) {
        return Ok(exit);
    }
    let installation = installation(cli, demo).context("no Asterisk for the demo")?;
    let version = installation.version().split(['+', '~']).next().unwrap_or_default();
    say(cli, &format!("starting two private servers with Asterisk {version}, joined by a SIP trunk"));
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
    let tests = match chosen(&plan, &[]) {
        Ok(tests) => tests,
        Err(why) => {
            output::complain(&why);
            return Ok(Exit::Usage);
        }
    };
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
            let cache = cache_directory(demo).context("there is no cache directory; name one with --cache")?;
            let options = FetchOptions { mirror: demo.mirror.clone(), ..FetchOptions::default() };
            Installation::fetched(&cache, &options, |step| say(cli, &format!("{step} …")))?
        }
    })
}

fn cache_directory(demo: &Demo) -> Option<PathBuf> {
    // A relative path in these is to be ignored (XDG base directory specification).
    let directory = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = || directory("XDG_CACHE_HOME").or_else(|| directory("HOME").map(|home| home.join(".cache")));
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
        output::say(sentence);
    }
}
