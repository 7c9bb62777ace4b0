//! The state of every link as the interface shows it: who uses it, and how the tests over it fare.

use std::collections::BTreeMap;
use std::sync::Arc;

use calltest_core::call_volume::{CallVolume, Volume};
use calltest_core::plan::{Link, LinkName};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatcher::Dispatcher;
use crate::entry::{Entry, Phase};
use crate::lists::Lists;

/// A link, and how the tests over it fare
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Link)]
pub(crate) struct LinkState {
    /// The server it lies on.
    server: String,
    /// The dial string to call out with.
    channel: Option<String>,
    /// The number under which it is called.
    number: Option<String>,
    /// How many runs may use it at once.
    max_calls: u32,
    /// How many do now.
    in_use: usize,
    /// What goes out over it within a day by itself while every test passes.
    planned: DailyVolume,
    /// The most that budgets let that become, as when everything fails.
    at_most: DailyVolume,
    /// The tests over it.
    tests: Vec<String>,
    #[serde(flatten)]
    lists: Lists,
}

/// Calls and minutes within a day
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DailyVolume {
    /// `null` where one call follows the other without a pause.
    calls: Option<u64>,
    /// Each call taken for as long as its test may last.
    minutes: u64,
}

impl From<Volume> for DailyVolume {
    fn from(volume: Volume) -> Self {
        let Volume { calls, minutes } = volume;
        Self { calls, minutes }
    }
}

impl LinkState {
    /// Every link of the plan in force, by name.
    pub(crate) fn all(dispatcher: &Dispatcher) -> BTreeMap<String, Self> {
        let mut over: BTreeMap<&LinkName, Vec<&Entry>> = BTreeMap::new();
        for entry in dispatcher.entries() {
            let mut links = entry.test().links();
            links.dedup();
            links.into_iter().for_each(|link| over.entry(link).or_default().push(entry));
        }
        let volumes = CallVolume::of_all(dispatcher.plan());
        let state = |(name, link): (&LinkName, &Arc<Link>)| {
            let entries = over.get(name).map(Vec::as_slice).unwrap_or_default();
            (name.to_string(), Self::of(link, entries, volumes.get(name).copied().unwrap_or(CallVolume::NONE)))
        };
        dispatcher.plan().links.iter().map(state).collect()
    }

    fn of(link: &Link, entries: &[&Entry], volume: CallVolume) -> Self {
        let uses = |entry: &&Entry| entry.test().links().iter().filter(|used| ***used == link.name).count();
        Self {
            server: link.server.to_string(),
            channel: link.address.as_ref().map(ToString::to_string),
            number: link.number.as_ref().map(ToString::to_string),
            max_calls: link.max_calls.get(),
            in_use: entries.iter().filter(|entry| entry.phase() == Phase::Running).map(uses).sum(),
            planned: volume.planned.into(),
            at_most: volume.at_most.into(),
            tests: entries.iter().map(|entry| entry.test().name.to_string()).collect(),
            lists: Lists::of(entries.iter().copied()),
        }
    }
}
