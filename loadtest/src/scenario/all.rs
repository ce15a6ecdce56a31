//! Every scenario, one after the other, with the sizes of the goals.

use std::collections::BTreeMap;

use clap::ValueEnum as _;

use super::{Lab, api, churn, connections, late_join, latency, memory, slow_viewer, soak, throughput};
use crate::options::Server;
use crate::result::Measured;

/// Runs them. One that cannot be run is an error of its own, and what others found is not lost by it.
pub(crate) fn run(lab: &Lab<'_>) -> Vec<Measured> {
    let each = [
        ("throughput", throughput::run(lab, &throughput::ThroughputArgs::default())),
        ("latency", latency::run(lab, &latency::LatencyArgs::default())),
        ("late-join", late_join::run(lab, &late_join::LateJoinArgs::default())),
        ("slow-viewer", slow_viewer::run(lab, &slow_viewer::SlowViewerArgs::default())),
        ("connections", connections::run(lab, &connections::ConnectionsArgs::default())),
        ("memory", memory::run(lab, &memory::MemoryArgs::default())),
        ("churn", churn::run(lab, &churn::ChurnArgs::default())),
        ("api", api::run(lab, &api::ApiArgs::default())),
        ("soak", soak::run(lab, &soak::SoakArgs::default())),
    ];
    let found = |(scenario, found): (&str, anyhow::Result<_>)| {
        found.unwrap_or_else(|error| vec![not_run(scenario, lab.common.dialect, &error)])
    };
    each.into_iter().flat_map(found).collect()
}

fn not_run(scenario: &str, server: Server, error: &anyhow::Error) -> Measured {
    Measured {
        scenario: scenario.to_owned(),
        target: server.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()),
        parameters: BTreeMap::new(),
        figures: Vec::new(),
        curves: Vec::new(),
        errors: vec![format!("{error:#}")],
        complete: false,
    }
}
