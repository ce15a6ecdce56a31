//! Every scenario, one after the other, with the sizes of the goals.

use std::collections::BTreeMap;

use super::{Lab, connections, late_join, latency, memory, slow_viewer, soak, throughput};
use crate::result::Measured;

/// Runs them. One that cannot be run at all is told as a run with an error, so that what the others found is not lost.
pub(crate) fn run(lab: &Lab<'_>) -> Vec<Measured> {
    let mut measured = Vec::new();
    let mut take = |scenario: &str, found: anyhow::Result<Vec<Measured>>| match found {
        Ok(found) => measured.extend(found),
        Err(error) => measured.push(not_run(scenario, &error)),
    };
    take("throughput", throughput::run(lab, &throughput::ThroughputArgs::default()));
    take("latency", latency::run(lab, &latency::LatencyArgs::default()));
    take("late-join", late_join::run(lab, &late_join::LateJoinArgs::default()));
    take("slow-viewer", slow_viewer::run(lab, &slow_viewer::SlowViewerArgs::default()));
    take("connections", connections::run(lab, &connections::ConnectionsArgs::default()));
    take("memory", memory::run(lab, &memory::MemoryArgs::default()));
    take("soak", soak::run(lab, &soak::SoakArgs::default()));
    measured
}

fn not_run(scenario: &str, error: &anyhow::Error) -> Measured {
    Measured {
        scenario: scenario.to_owned(),
        target: "none".to_owned(),
        parameters: BTreeMap::new(),
        figures: Vec::new(),
        curves: Vec::new(),
        errors: vec![format!("{error:#}")],
        complete: false,
    }
}
