//! Every scenario, one after the other, with the sizes of the goals.

use super::{Lab, connections, late_join, latency, memory, slow_viewer, soak, throughput};
use crate::result::Measured;

/// Runs them. One that cannot be run ends the run.
pub(crate) fn run(lab: &Lab<'_>) -> anyhow::Result<Vec<Measured>> {
    let mut measured = throughput::run(lab, &throughput::ThroughputArgs::default())?;
    measured.extend(latency::run(lab, &latency::LatencyArgs::default())?);
    measured.extend(late_join::run(lab, &late_join::LateJoinArgs::default())?);
    measured.extend(slow_viewer::run(lab, &slow_viewer::SlowViewerArgs::default())?);
    measured.extend(connections::run(lab, &connections::ConnectionsArgs::default())?);
    measured.extend(memory::run(lab, &memory::MemoryArgs::default())?);
    measured.extend(soak::run(lab, &soak::SoakArgs::default())?);
    Ok(measured)
}
