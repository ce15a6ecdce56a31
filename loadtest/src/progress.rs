//! What is being measured at the moment, for who waits. On stderr, and only where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(200);

/// The bar.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} [{pos}] {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// The next run begins. A bar that draws by itself would take time from what is measured: it is drawn now.
    pub(crate) fn step(&self, what: String) {
        self.bar.inc(1);
        self.bar.set_message(what);
        self.bar.tick();
    }

    /// For what is only waited for.
    pub(crate) fn waiting(&self, what: String) {
        self.bar.set_message(what);
        self.bar.enable_steady_tick(TICK);
    }

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
