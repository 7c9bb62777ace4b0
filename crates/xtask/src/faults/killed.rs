//! calltest itself is killed (SIGKILL) in the midst of a call, and started again: what it left is hung up, a stranger's call
//! is not, and the next run passes.
//!
//! The program runs as users run it, in a process of its own on a real server. How far its call is shows at the server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::cell::{Cell, cell_name};
use super::field::Field as _;
use super::plan;
use super::real_field::{Pool, RealField};
use super::stage::Kind;
use super::trial::Finding;

/// How long the program may take to come to where it is killed.
const STAGE_WITHIN: Duration = Duration::from_secs(20);
/// How long the next run may take: the program waits until the heartbeat of the one that was killed stands still.
const NEXT_WITHIN: Duration = Duration::from_secs(60);
/// How long after the program has started somebody calls, where that is awaited.
const CALL_AFTER: Duration = Duration::from_millis(1500);

/// How long a call is up when digits or sounds are under way.
const A_WHILE: Duration = Duration::from_millis(400);

/// When the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// A channel of the run's own is there.
    Made,
    /// It rings.
    Ringing,
    /// It is answered.
    Up,
    /// It has been for that long.
    LongUp(Duration),
}

impl Moment {
    fn word(self) -> &'static str {
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

/// Builds the program as it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "calltest"])
        .current_dir(&root)
        .status()
        .context("could not run cargo")?;
    anyhow::ensure!(built.success(), "calltest does not build");
    Ok(root.join("target/debug/calltest"))
}

/// The cells of these modes.
pub(crate) fn cells(pool: &Arc<Pool>, program: &Path, kinds: &[Kind], one_each: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let moments = Moment::of(*kind);
        let chosen = if one_each { &moments[index % moments.len()..][..1] } else { moments };
        for moment in chosen {
            let (pool, program, kind, moment) = (Arc::clone(pool), program.to_owned(), *kind, *moment);
            cells.push(Cell {
                name: cell_name("killed", &[kind.word(), moment.word()]),
                row: moment.word().into(),
                column: kind.word().into(),
                make: Box::new(move || {
                    let (pool, program) = (Arc::clone(&pool), program.clone());
                    Box::pin(async move {
                        let borrowed = pool.borrow().await?;
                        try_it(&borrowed.field, &program, kind, moment).await
                    })
                }),
            });
        }
    }
    cells
}

async fn try_it(field: &Arc<RealField>, program: &Path, kind: Kind, moment: Moment) -> anyhow::Result<Finding> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("killed.cfg");
    std::fs::write(&file, plan::text(&field.address()))?;
    let start = |test: &str| -> anyhow::Result<Child> {
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).args(["-C", &format!("state_dir={}", directory.path().display())]);
        command.args(["run", "--format", "json", test]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().context("could not start calltest")
    };
    let mut first = start(kind.word())?;
    let caller = kind.is_called().then(|| {
        let field = Arc::clone(field);
        tokio::spawn(async move {
            sleep(CALL_AFTER).await;
            field.call_in().await
        })
    });
    let give_up = Instant::now() + STAGE_WITHIN;
    while !moment.has_come(&field.channels().await?) {
        if let Some(status) = first.try_wait()? {
            bail!("the run was over before it was {}: {status}", moment.word());
        }
        anyhow::ensure!(Instant::now() < give_up, "the call never was {}", moment.word());
    }
    if let Moment::LongUp(time) = moment {
        sleep(time).await;
    }
    first.kill().await?;
    if let Some(caller) = caller {
        caller.abort();
    }
    let left = field.channels_left().await?;
    let mut wrong = Vec::new();
    // A call that goes out and comes back shows both that the leavings are gone and that the program is well.
    let next = timeout(NEXT_WITHIN, start("dtmf")?.wait_with_output()).await.context("the next run did not end")??;
    let said = String::from_utf8_lossy(&next.stdout).into_owned();
    if !next.status.success() {
        wrong.push(format!("the next run ended with {}: {said}{}", next.status, String::from_utf8_lossy(&next.stderr)));
    }
    let ours: Vec<String> = field.channels_left().await?.into_iter().filter(|id| left.contains(id)).collect();
    if !ours.is_empty() {
        wrong.push(format!("of {} channels that were left, these still are: {}", left.len(), ours.join(", ")));
    }
    if !field.has_stranger().await? {
        wrong.push("the stranger's call was hung up".into());
    }
    let account = format!("  left by the one that was killed: {}\n", left.join(", "));
    Ok(Finding { wrong, verdict: "killed".into(), account, is_void: false })
}
