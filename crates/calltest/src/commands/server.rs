//! `calltest server`: the daemon. Tests run on their schedule, and HTTP tells how they fare.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use calltest_core::event::{RunEvent, ServerEvent, ServerProgress};
use calltest_core::plan::Plan;
use calltest_daemon::{Daemon, Instance, InstanceLock, Load, LockError, Options};
use calltest_runner::{LocalLeases, Observer, Setup};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::call_loop::call_loop;
use crate::cli::{Cli, Server};
use crate::engines::{connector, instance};
use crate::exit::{Exit, Stop};
use crate::logging::DaemonLog;
use crate::signals::Hangup;
use crate::{configuration, directories, logging, output, server_events, signals};

pub(crate) fn run(cli: &Cli, server: &Server) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let plan = Arc::new(loaded.plan);
    if plan.tests.is_empty() {
        let why = format!("No tests known. Missing config file? {} has no `calls`", plan.origin);
        return Err(output::refuse(why));
    }
    let log = Arc::new(logging::start_for_daemon(cli, &plan)?);
    let runtime = call_loop()?;
    let reload = configuration::reloader(&cli.common);
    let done = runtime.block_on(serve(plan, reload, server.take_over, cli.common.quiet, &log));
    runtime.shutdown_background();
    Ok(done?)
}

async fn serve(
    plan: Arc<Plan>,
    load: Load,
    take_over: bool,
    is_quiet: bool,
    log: &Arc<DaemonLog>,
) -> anyhow::Result<Exit> {
    let shutdown = CancellationToken::new();
    let (reload, reloads) = mpsc::channel(1);
    let complain = {
        let log = Arc::clone(log);
        move |sentence: &str| log.say(sentence)
    };
    signals::watch(shutdown.clone(), Hangup::Reloads(reload), complain).context("could not watch for signals")?;
    let listener = listen(&plan).await?;
    let address = listener.local_addr().context("could not learn the address of the HTTP interface")?;
    if !address.ip().is_loopback() {
        log.say(&format!(
            "the HTTP interface at {address} is open to everybody who can reach it: whoever does can start and stop tests; \
             set server.host to 127.0.0.1 unless that is meant"
        ));
    }
    let instance = instance();
    let state_directory = directories::state(&plan);
    let mut conditions = Vec::new();
    let lock = match InstanceLock::take(&state_directory, &Instance { instance: instance.clone(), address }) {
        Ok(lock) => Some(lock),
        Err(error @ LockError::Taken { .. }) => return Err(error).context("the daemon does not start"),
        // Testing goes on; what is lost is the memory of it.
        Err(error @ LockError::Unusable { .. }) => {
            let sentence = format!("{error}; nothing outlives this process: no history, no streaks, no recordings");
            log.say(&sentence);
            conditions.push(sentence);
            None
        }
    };
    let server_log = Arc::new(ServerLog::default());
    let setup = Setup {
        connector: connector(instance.clone(), take_over),
        leases: Arc::new(LocalLeases::default()),
        observer: Arc::clone(&server_log) as Arc<dyn Observer>,
        state_directory,
        plan,
    };
    let opening = Daemon::open(Options {
        instance,
        setup,
        listener,
        load,
        reloads,
        zone: TimeZone::system(),
        conditions,
        may_keep: lock.is_some(),
    });
    let Some(daemon) = shutdown.run_until_cancelled(opening).await else { return Ok(Exit::Success) };
    let daemon = daemon.context("the daemon does not start")?;
    server_log.has_started.store(true, Ordering::Relaxed);
    if !is_quiet {
        log.say(&format!("listening on http://{address}/"));
    }
    let left = daemon.run(shutdown).await?;
    if left.is_empty() {
        return Ok(Exit::Success);
    }
    let names: Vec<String> = left.iter().map(ToString::to_string).collect();
    log.say(&format!("these tests did not end in time, and may have left calls: {}", names.join(", ")));
    Ok(Exit::CouldNotFindOut)
}

async fn listen(plan: &Plan) -> anyhow::Result<TcpListener> {
    let listen = &plan.listen;
    let bound = TcpListener::bind((listen.host.as_str(), listen.port)).await;
    bound.with_context(|| {
        format!(
            "could not listen on {}:{} (server.host and server.port of the configuration)",
            listen.host, listen.port
        )
    })
}

/// Writes what happens to the servers into the log.
#[derive(Default)]
struct ServerLog {
    /// What is owned by somebody else before that ends the program, with a sentence of its own.
    has_started: AtomicBool,
}

impl Observer for ServerLog {
    fn run_event(&self, _: RunEvent) {}

    fn server_event(&self, event: ServerEvent) {
        let is_owned = matches!(event.what, ServerProgress::OwnedByOther { .. });
        if !is_owned || self.has_started.load(Ordering::Relaxed) {
            server_events::log(event, true);
        }
    }
}
