//! What a scenario found, as plain data: printed as a table, written as JSON lines, drawn in the report, compared.
//!
//! Knows nothing of how it was measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One run of one scenario against one target with one set of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    /// The scenario's name as on the command line.
    pub(crate) scenario: String,
    /// What was measured: `fantail`, `floor`, `vibetunnel`, `ttyd`.
    pub(crate) target: String,
    /// What tells this run from the scenario's others: `viewers` → `100`.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) figures: Vec<Figure>,
    /// Curves to draw.
    pub(crate) curves: Vec<Curve>,
    /// What went wrong. A run with errors has no figures that count.
    pub(crate) errors: Vec<String>,
    /// All that was to be done was done.
    pub(crate) complete: bool,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    /// `wall`, `p50`, `p99`, `cpu per trip`, …
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    /// How many times the floor's of the same report, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
}

/// What a figure counts, and so how it is printed and which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    BytesPerSecond,
    PerSecond,
    /// CPU seconds for 10⁹ bytes delivered.
    CpuSecondsPerGigabyte,
    Count,
    Ratio,
}

/// Points of a curve: a latency's distribution (seconds over share of samples), memory over connections, …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) points: Vec<(f64, f64)>,
}

/// One axis of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) unit: Unit,
}

impl Unit {
    /// Whether less of it is better.
    pub(crate) const fn less_is_better(self) -> bool {
        matches!(self, Self::Seconds | Self::Bytes | Self::CpuSecondsPerGigabyte | Self::Ratio)
    }
}
