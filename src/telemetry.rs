//! What the server says about itself: structured lines on stderr.
//!
//! Must never panic because stderr is gone or its disk is full, and must never be given terminal bytes, input,
//! passwords, tokens or raw URLs.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter makes no sense.
    #[error("log_level: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Someone has set logging up already.
    #[error("logging is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging to stderr. Called once, by the command line.
///
/// # Errors
/// When the filter cannot be parsed, or logging is set up already.
pub fn start(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter)?;
    // A line that cannot be written is dropped: reporting that on stderr, as the library would, panics.
    let layer = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(layer).try_init()?,
        LogFormat::Json => registry.with(layer.json()).try_init()?,
    }
    log_panics_without_their_words();
    Ok(())
}

/// A panic's message can quote what was being worked on (a slice out of bounds prints the string), so only its place
/// is logged.
fn log_panics_without_their_words() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_makes_no_sense_is_refused() {
        assert!(matches!(start(LogFormat::Text, "fantail=loud"), Err(TelemetryError::Filter(_))));
    }
}
