//! What is being measured at the moment, for who waits. On stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

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

    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
