//! The faults that a real server and the way to it can have: killed, stopped, restarted, cut off, and a hand that hangs up
//! everything.

use std::sync::Arc;
use std::time::Duration;

use super::allowed::{Allowed, either, harmless, unseen, untold};
use super::broken::{BROKEN, Broken};
use super::cell::Cell;
use super::fault::Fault;
use super::real_bed::{Pool, RealBed};
use super::stage::{Kind, Stage, chosen};
use super::trial::{Finding, Trial};
use super::witness::{Injection, When};
use crate::network::ms;
use crate::proxy::{Condition, Proxy, Way};

/// A real server, and the way to it.
#[derive(Clone)]
pub(crate) struct RealSide {
    bed: Arc<RealBed>,
    way: Way,
}

/// Does something that blocks, after a while.
fn later(bed: &Arc<RealBed>, after: Duration, act: fn(&RealBed)) {
    let bed = Arc::clone(bed);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        let done = tokio::task::spawn_blocking(move || act(&bed)).await;
        done.expect("what is done to a server does not panic");
    });
}

fn stop(bed: &Arc<RealBed>, time: Duration) {
    // A server that is gone already is stopped enough.
    let _ = bed.server().freeze();
    later(bed, time, |bed| drop(bed.server().thaw()));
}

fn degrade_for(way: &Way, condition: Condition, time: Duration) {
    let way = way.clone();
    way.set(condition);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        way.set(Condition::Normal);
    });
}

pub(crate) const REAL_FAULTS: &[Fault<RealSide>] = &[
    Fault::new(
        "killed",
        |on: &RealSide| {
            let _ = on.bed.server().kill();
            later(&on.bed, ms(500), |bed| drop(bed.server().restart()));
        },
        unseen,
        "SIGKILL; started again half a second later, and knows nothing of the call",
    )
    .back_within(25)
    .ends_every_call(),
    Fault::new(
        "restarted",
        |on: &RealSide| later(&on.bed, Duration::ZERO, |bed| drop(bed.server().restart())),
        unseen,
        "SIGTERM: the server hangs up all calls itself, and says so",
    )
    .unnoticed_within(25)
    .ends_every_call(),
    Fault::new("stopped-1s", |on| stop(&on.bed, ms(1000)), harmless, "SIGSTOP and SIGCONT: within every limit"),
    Fault::new(
        "stopped-7s",
        |on: &RealSide| stop(&on.bed, ms(7000)),
        either,
        "longer than a request may take, shorter than the silence that ends a connection",
    )
    .unnoticed_within(30),
    Fault::new(
        "stopped-13s",
        |on: &RealSide| stop(&on.bed, ms(13_000)),
        untold,
        "longer than the silence that ends a connection",
    )
    .unnoticed_within(35),
    Fault::new(
        "network-cut-1s",
        |on: &RealSide| degrade_for(&on.way, Condition::Cut, ms(1000)),
        unseen,
        "events between two connections are lost for good",
    )
    .back_within(15),
    Fault::new(
        "half-open-13s",
        |on: &RealSide| degrade_for(&on.way, Condition::BlackHole, ms(13_000)),
        untold,
        "both ends are well, and nothing gets through",
    )
    .unnoticed_within(40),
    Fault::new(
        "slow-network",
        |on: &RealSide| on.way.set(Condition::Slow(ms(150))),
        harmless,
        "a third of a second for each request is within every limit",
    ),
    Fault::new(
        "all-hung-up",
        |on: &RealSide| {
            later(&on.bed, Duration::ZERO, |bed| drop(bed.server().cli("channel request hangup all")));
        },
        |_, stage| if stage <= Stage::Dialled { Allowed::Any } else { Allowed::PassOrError },
        "somebody at the server hangs up every channel, ours when it is far enough to say so: no far end does that",
    )
    .ends_every_call(),
    Fault::new(
        "continued",
        |on: &RealSide| {
            let bed = Arc::clone(&on.bed);
            tokio::spawn(async move { bed.continue_all().await });
        },
        |kind, stage| if stage.leaves_to_see(kind) { Allowed::PassOrError } else { Allowed::Any },
        "somebody sends every channel back into the dialplan, where it may live on: no far end does that",
    ),
    Fault::new(
        "foreign-filter",
        |on: &RealSide| {
            let bed = Arc::clone(&on.bed);
            tokio::spawn(async move { bed.keep_back_events().await });
        },
        either,
        "somebody has the server keep back digits, ends and messages: what was not told may have happened",
    ),
];

/// The cells of these modes.
pub(crate) fn cells(pool: &Arc<Pool>, kinds: &[Kind], one_stage_each: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (row, fault) in REAL_FAULTS.iter().enumerate() {
        for (column, kind) in kinds.iter().copied().enumerate() {
            let stages = kind.stages();
            // What comes from elsewhere at the end of a call is too late for it, and would meet the next one.
            let stages = if ["all-hung-up", "continued", "foreign-filter"].contains(&fault.name) {
                &stages[..stages.len() - usize::from(stages.ends_with(&[Stage::HangUp]))]
            } else {
                stages
            };
            for stage in chosen(stages, row + 3 * column, one_stage_each).iter().copied() {
                let name = ["real", fault.name, kind.word(), stage.word()];
                let pool = Arc::clone(pool);
                cells.push(Cell::new(&name, fault.name, kind.word(), move || {
                    on_borrowed(Arc::clone(&pool), move |on| trial(fault, kind, stage, on))
                }));
            }
        }
    }
    cells
}

/// Makes a trial on a server of the pool, by way of a proxy.
async fn on_borrowed(pool: Arc<Pool>, trial: impl FnOnce(&RealSide) -> Trial) -> anyhow::Result<Finding> {
    let borrowed = pool.borrow().await?;
    let proxy = Proxy::to(borrowed.bed.socket())?;
    let trial = trial(&RealSide { bed: Arc::clone(&borrowed.bed), way: proxy.way() });
    Trial { by_way_of: Some(proxy.address().port()), ..trial }.run().await
}

fn trial(fault: &'static Fault<RealSide>, kind: Kind, stage: Stage, on: &RealSide) -> Trial {
    let way = on.way.clone();
    Trial {
        injections: vec![fault.injection(When::At(stage), on, |_| {})],
        // Whatever else becomes of the way ends by itself.
        heal: Box::new(move || way.end_slowness()),
        back_within: fault.back_within,
        goes_unnoticed: fault.goes_unnoticed,
        spares_bystander: fault.spares_bystander,
        ..Trial::new(Arc::clone(&on.bed) as Arc<_>, kind.word(), (fault.allowed)(kind, stage))
    }
}

/// How something on the real side begins.
type Begin = fn(&RealSide);

/// What is done on top of a broken network: nothing, a slow way, a server that is stopped for a moment.
const HARMLESS: [(&str, Begin); 3] = [
    ("alone", |_| {}),
    ("slow-network", |on| on.way.set(Condition::Slow(ms(150)))),
    ("stopped-300ms", |on| stop(&on.bed, ms(300))),
];

/// Networks that are broken, alone, over a slow way, and with a server that is stopped for a moment.
pub(crate) fn broken_cells(pool: &Arc<Pool>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for broken in BROKEN.iter().filter(|broken| broken.on_real.is_some()) {
        for (column, begin) in HARMLESS {
            let pool = Arc::clone(pool);
            cells.push(Cell::new(&["real-broken", broken.name, column], broken.name, column, move || {
                on_borrowed(Arc::clone(&pool), move |on| broken_trial(broken, column, begin, on))
            }));
        }
    }
    cells
}

fn broken_trial(broken: &Broken, column: &'static str, begin: Begin, on: &RealSide) -> Trial {
    let injected = on.clone();
    let inject = Box::new(move || begin(&injected));
    let more = broken.on_real.filter(|more| !more.is_empty());
    let trial = Trial {
        overrides: more.into_iter().map(str::to_owned).collect(),
        injections: vec![Injection { when: When::At(Stage::Start), inject, what: column.into() }],
        ..Trial::new(Arc::clone(&on.bed) as Arc<_>, broken.name, Allowed::Fail)
    };
    trial.of_broken_network(broken.reason)
}
