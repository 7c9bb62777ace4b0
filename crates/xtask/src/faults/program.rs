//! calltest as users run it: in a process of its own, on a real server. How far its call is shows at the server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::cell::Cell;
use super::plan;
use super::real_bed::{Pool, RealBed};
use super::stage::{Kind, chosen};
use super::test_bed::TestBed as _;
use super::trial::Finding;

/// How long the program may take to come to where something happens to it.
const STAGE_WITHIN: Duration = Duration::from_secs(20);
/// How long after the program has started somebody calls, where that is awaited.
const CALL_AFTER: Duration = Duration::from_millis(1500);

/// How long a call is up when digits or sounds are under way.
const A_WHILE: Duration = Duration::from_millis(400);

/// When something happens to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A channel of the run's own is there.
    Made,
    Ringing,
    /// It is answered.
    Up,
    /// It has been for that long.
    LongUp(Duration),
}

impl Moment {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Made => "dialled",
            Self::Ringing => "ringing",
            Self::Up => "answered",
            Self::LongUp(_) => "in-call",
        }
    }

    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Dtmf | Kind::Audio => &[Self::Made, Self::Ringing, Self::Up, Self::LongUp(A_WHILE)],
            Kind::Play => &[Self::Made, Self::Ringing, Self::Up],
            Kind::Call | Kind::Ring | Kind::Fail | Kind::Timeout => &[Self::Made, Self::Ringing],
            Kind::Wait => &[Self::Made],
            Kind::Answer | Kind::Record => &[Self::Made, Self::Up],
        }
    }

    /// Whether these channels, each with its state, show that it has come.
    fn has_come(self, channels: &[(String, String)]) -> bool {
        match self {
            Self::Made => !channels.is_empty(),
            Self::Ringing => channels.iter().any(|(_, state)| state == "Ringing" || state == "Ring"),
            Self::Up | Self::LongUp(_) => channels.iter().any(|(_, state)| state == "Up"),
        }
    }
}

/// The program, with the matrix's configuration for a server.
pub(crate) struct Program {
    path: PathBuf,
    directory: TempDir,
    pub(crate) bed: Arc<RealBed>,
}

impl Program {
    fn new(path: &Path, bed: &Arc<RealBed>) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("faults.cfg"), plan::text(&bed.ari()))?;
        Ok(Self { path: path.to_owned(), directory, bed: Arc::clone(bed) })
    }

    /// Starts a run of a test. The process ends with what this gives.
    pub(crate) fn start(&self, test: &str) -> anyhow::Result<Child> {
        let directory = self.directory.path();
        let mut command = Command::new(&self.path);
        command.arg("-c").arg(directory.join("faults.cfg")).args(["-C", &format!("state_dir={}", directory.display())]);
        command.args(["run", "--format", "json", test]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().context("could not start calltest")
    }

    /// Starts the test of a mode, with a caller where it waits for one, and returns once its call has come so far.
    pub(crate) async fn start_until(&self, kind: Kind, moment: Moment) -> anyhow::Result<(Child, Option<Caller>)> {
        let mut run = self.start(kind.word())?;
        let caller = kind.is_called().then(|| {
            let bed = Arc::clone(&self.bed);
            Caller(tokio::spawn(async move {
                sleep(CALL_AFTER).await;
                bed.call_in().await;
            }))
        });
        let give_up = Instant::now() + STAGE_WITHIN;
        while !moment.has_come(&self.bed.channels().await?) {
            if let Some(status) = run.try_wait()? {
                bail!("the run was over before it was {}: {status}", moment.word());
            }
            anyhow::ensure!(Instant::now() < give_up, "the call never was {}", moment.word());
        }
        if let Moment::LongUp(time) = moment {
            sleep(time).await;
        }
        Ok((run, caller))
    }
}

/// Somebody who calls after a while, unless this is dropped before.
pub(crate) struct Caller(JoinHandle<()>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A cell for each moment of each of these modes, or for one of them only, named and told apart by `group` and `row`.
pub(crate) fn cells<F, T>(
    pool: &Arc<Pool>,
    program: &Path,
    kinds: &[Kind],
    one_each: bool,
    (group, row): (&'static str, fn(Moment) -> String),
    attempt: F,
) -> Vec<Cell>
where
    F: Fn(Program, Kind, Moment) -> T + Copy + Send + Sync + 'static,
    T: Future<Output = anyhow::Result<Finding>> + Send + 'static,
{
    let mut cells = Vec::new();
    for (index, kind) in kinds.iter().copied().enumerate() {
        for moment in chosen(Moment::of(kind), index, one_each).iter().copied() {
            let (pool, program) = (Arc::clone(pool), program.to_owned());
            cells.push(Cell::new(&[group, kind.word(), moment.word()], row(moment), kind.word(), move || {
                let (pool, program) = (Arc::clone(&pool), program.clone());
                async move {
                    let borrowed = pool.borrow().await?;
                    attempt(Program::new(&program, &borrowed.bed)?, kind, moment).await
                }
            }));
        }
    }
    cells
}
