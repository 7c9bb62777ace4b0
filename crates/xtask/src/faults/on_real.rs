//! The faults that a real server and the way to it can have: killed, stopped, restarted, cut off, and a hand that hangs up
//! everything.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::broken::{BROKEN, Broken};
use super::cell::{Cell, cell_name};
use super::field::ms;
use super::proxy::{Proxy, Weather};
use super::real_field::{Pool, RealField};
use super::stage::{Kind, Stage};
use super::trial::{Right, Trial};
use super::witness::{Blow, When};

/// A fault of a real server.
pub(crate) struct RealFault {
    pub(crate) name: &'static str,
    strikes: fn(&Arc<RealField>, &Arc<watch::Sender<Weather>>),
    right: fn(Kind, Stage) -> Right,
    pub(crate) why: &'static str,
    back_within: Duration,
    goes_unnoticed: bool,
    spares_stranger: bool,
}

fn unseen(kind: Kind, stage: Stage) -> Right {
    if stage.leaves_to_see(kind) { Right::Error } else { Right::PassOrError }
}

/// Requests may get through, or be answered late, but nothing is told in time.
fn untold(kind: Kind, stage: Stage) -> Right {
    if stage.leaves_to_hear(kind) { Right::Error } else { Right::PassOrError }
}

/// Does something that blocks, after a while.
fn later(field: &Arc<RealField>, after: Duration, act: fn(&RealField)) {
    let field = Arc::clone(field);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        let done = tokio::task::spawn_blocking(move || act(&field)).await;
        done.expect("what is done to a server does not panic");
    });
}

fn stop(field: &Arc<RealField>, time: Duration) {
    // A server that is gone already is stopped enough.
    let _ = field.server().freeze();
    later(field, time, |field| drop(field.server().thaw()));
}

fn storm(weather: &Arc<watch::Sender<Weather>>, now: Weather, time: Duration) {
    let weather = Arc::clone(weather);
    weather.send_replace(now);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        weather.send_replace(Weather::Fair);
    });
}

/// All of them.
pub(crate) const REAL_FAULTS: &[RealFault] = &[
    RealFault {
        name: "killed",
        strikes: |field, _| {
            let _ = field.server().kill();
            later(field, ms(500), |field| drop(field.server().restart()));
        },
        right: unseen,
        why: "SIGKILL; started again half a second later, and knows nothing of the call",
        back_within: Duration::from_secs(25),
        goes_unnoticed: false,
        spares_stranger: false,
    },
    RealFault {
        name: "restarted",
        strikes: |field, _| later(field, Duration::ZERO, |field| drop(field.server().restart())),
        right: unseen,
        why: "SIGTERM: the server hangs up all calls itself, and says so",
        back_within: Duration::from_secs(25),
        goes_unnoticed: true,
        spares_stranger: false,
    },
    RealFault {
        name: "stopped-1s",
        strikes: |field, _| stop(field, ms(1000)),
        right: |_, _| Right::Pass,
        why: "SIGSTOP and SIGCONT: within every limit",
        back_within: Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: true,
    },
    RealFault {
        name: "stopped-7s",
        strikes: |field, _| stop(field, ms(7000)),
        right: |_, _| Right::PassOrError,
        why: "longer than a request may take, shorter than the silence that ends a connection",
        back_within: Duration::from_secs(30),
        goes_unnoticed: true,
        spares_stranger: true,
    },
    RealFault {
        name: "stopped-13s",
        strikes: |field, _| stop(field, ms(13_000)),
        right: untold,
        why: "longer than the silence that ends a connection",
        back_within: Duration::from_secs(35),
        goes_unnoticed: true,
        spares_stranger: true,
    },
    RealFault {
        name: "network-cut-1s",
        strikes: |_, weather| storm(weather, Weather::Cut, ms(1000)),
        right: unseen,
        why: "events between two connections are lost for good",
        back_within: Duration::from_secs(15),
        goes_unnoticed: false,
        spares_stranger: true,
    },
    RealFault {
        name: "half-open-13s",
        strikes: |_, weather| storm(weather, Weather::Swallowing, ms(13_000)),
        right: untold,
        why: "both ends are well, and nothing gets through",
        back_within: Duration::from_secs(40),
        goes_unnoticed: true,
        spares_stranger: true,
    },
    RealFault {
        name: "slow-network",
        strikes: |_, weather| {
            weather.send_replace(Weather::Slow(ms(150)));
        },
        right: |_, _| Right::Pass,
        why: "a third of a second for each request is within every limit",
        back_within: Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: true,
    },
    RealFault {
        name: "all-hung-up",
        strikes: |field, _| {
            later(field, Duration::ZERO, |field| drop(field.server().cli("channel request hangup all")));
        },
        right: |kind, stage| match stage {
            Stage::Start | Stage::Waiting | Stage::Dialled | Stage::HangUp => Right::Any,
            _ if !stage.leaves_to_see(kind) => Right::Any,
            // These calls are to be ended by the far end, and nobody can tell the one from the other.
            _ if matches!(kind, Kind::Fail | Kind::Timeout | Kind::Record) => Right::Any,
            _ => Right::FailOrError,
        },
        why: "somebody at the server hangs up every channel: to calltest, that looks like the far end's doing",
        back_within: Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: false,
    },
];

impl RealFault {
    /// Which verdicts are right in the midst of a call.
    pub(crate) fn right_words(&self) -> &'static str {
        (self.right)(Kind::Dtmf, Stage::Answered).words()
    }
}

/// The cells of these modes.
pub(crate) fn cells(pool: &Arc<Pool>, kinds: &[Kind], one_stage_each: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (row, fault) in REAL_FAULTS.iter().enumerate() {
        for (column, kind) in kinds.iter().enumerate() {
            let stages = kind.stages();
            // What hangs up everything comes from a program of its own, too late for a call that ends just then: it would meet
            // the next one.
            let stages = if fault.name == "all-hung-up" {
                &stages[..stages.len() - usize::from(stages.ends_with(&[Stage::HangUp]))]
            } else {
                stages
            };
            let chosen = if one_stage_each { &stages[(row + 3 * column) % stages.len()..][..1] } else { stages };
            for stage in chosen {
                let (pool, kind, stage) = (Arc::clone(pool), *kind, *stage);
                cells.push(Cell {
                    name: cell_name("real", &[fault.name, kind.word(), stage.word()]),
                    row: fault.name.into(),
                    column: kind.word().into(),
                    make: Box::new(move || {
                        let pool = Arc::clone(&pool);
                        Box::pin(async move {
                            let borrowed = pool.borrow().await?;
                            let proxy = Proxy::to(borrowed.field.socket()).await?;
                            trial(fault, kind, stage, &borrowed.field, &proxy).run().await
                        })
                    }),
                });
            }
        }
    }
    cells
}

fn trial(fault: &'static RealFault, kind: Kind, stage: Stage, field: &Arc<RealField>, proxy: &Proxy) -> Trial {
    let (struck, weather, healed) = (Arc::clone(field), proxy.weather(), proxy.weather());
    let act = move || (fault.strikes)(&struck, &weather);
    Trial {
        field: Arc::clone(field) as Arc<_>,
        test: kind.word().into(),
        overrides: Vec::new(),
        by_way_of: Some(proxy.port),
        blows: vec![Blow {
            when: When::At(stage),
            act: Box::new(act),
            what: format!("{} at {}", fault.name, stage.word()),
        }],
        needs_all_blows: true,
        heal: Box::new(move || {
            // Other weather than this ends by itself.
            healed.send_if_modified(|weather| {
                let is_slow = matches!(weather, Weather::Slow(_));
                *weather = if is_slow { Weather::Fair } else { *weather };
                is_slow
            });
        }),
        right: (fault.right)(kind, stage),
        reason: "",
        back_within: fault.back_within,
        goes_unnoticed: fault.goes_unnoticed,
        spares_stranger: fault.spares_stranger,
        passes_afterwards: true,
        state: None,
    }
}

/// Networks that are broken, alone, over a slow way, and with a server that is stopped for a moment.
pub(crate) fn broken_cells(pool: &Arc<Pool>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for broken in BROKEN.iter().filter(|broken| broken.on_real.is_some()) {
        for column in ["alone", "slow-network", "stopped-300ms"] {
            let pool = Arc::clone(pool);
            cells.push(Cell {
                name: cell_name("real-broken", &[broken.name, column]),
                row: broken.name.into(),
                column: column.into(),
                make: Box::new(move || {
                    let pool = Arc::clone(&pool);
                    Box::pin(async move {
                        let borrowed = pool.borrow().await?;
                        let proxy = Proxy::to(borrowed.field.socket()).await?;
                        broken_trial(broken, column, &borrowed.field, &proxy).run().await
                    })
                }),
            });
        }
    }
    cells
}

fn broken_trial(broken: &Broken, column: &'static str, field: &Arc<RealField>, proxy: &Proxy) -> Trial {
    let (struck, weather) = (Arc::clone(field), proxy.weather());
    let act = move || match column {
        "slow-network" => {
            weather.send_replace(Weather::Slow(ms(150)));
        }
        "stopped-300ms" => stop(&struck, ms(300)),
        _ => {}
    };
    let more = broken.on_real.filter(|more| !more.is_empty());
    Trial {
        field: Arc::clone(field) as Arc<_>,
        test: broken.name.into(),
        overrides: more.into_iter().map(str::to_owned).collect(),
        by_way_of: Some(proxy.port),
        blows: vec![Blow { when: When::At(Stage::Start), act: Box::new(act), what: column.into() }],
        needs_all_blows: true,
        heal: Box::new(|| {}),
        right: Right::Fail,
        reason: broken.reason,
        back_within: Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: true,
        passes_afterwards: false,
        state: None,
    }
}
