//! What the tests of a plan will cost, said whenever a plan comes into force.

use std::cmp::Reverse;

use calltest_core::call_volume::CallVolume;
use calltest_core::plan::{LinkName, Plan};

/// How many links are told of one by one, those with the most minutes first.
const TOLD: usize = 20;

/// Says what each link will be called, and which one no budget protects.
pub(crate) fn announce(plan: &Plan) {
    lines(plan).into_iter().for_each(|line| tracing::warn!("{line}"));
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut volumes: Vec<(&LinkName, CallVolume)> = CallVolume::of_all(plan).into_iter().collect();
    volumes.sort_by_key(|(_, volume)| Reverse((volume.at_most.minutes, volume.at_most.calls.unwrap_or(u64::MAX))));
    let mut lines: Vec<String> =
        volumes.iter().take(TOLD).map(|(link, volume)| format!("calls out over link {link}: {volume}")).collect();
    if let Some(more @ 1..) = volumes.len().checked_sub(TOLD) {
        lines.push(format!("and over {more} more links: `GET /links` tells of each"));
    }
    let mut open = volumes.iter().filter(|(link, volume)| plan.link(link).leads_outside && !volume.has_budget);
    if let Some((first, volume)) = open.next() {
        let others = match open.count() {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        lines.push(format!(
            "link {first}{others} leads outside, and no budget limits what it may cost: {}; set `calls_per_day` or \
             `minutes_per_day` under `guard`, or say `outside: no` there if it only reaches internal extensions",
            volume.at_most
        ));
    }
    lines
}
