//! Tab stops. Outlive a change of width; new columns get the usual ones.

/// Columns between the stops of a new terminal.
const INTERVAL: usize = 8;

/// Which columns are stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tabs {
    stops: Vec<bool>,
}

impl Tabs {
    pub(super) fn new(cols: usize) -> Self {
        let mut tabs = Self { stops: Vec::new() };
        tabs.fill(0, cols);
        tabs
    }

    pub(super) fn is_stop(&self, col: usize) -> bool {
        self.stops.get(col).copied().unwrap_or(false)
    }

    /// `col` may be the one past the last: the cursor can be there.
    pub(super) fn set(&mut self, col: usize, stop: bool) {
        if col >= self.stops.len() {
            self.stops.resize(col + 1, false);
        }
        self.stops[col] = stop;
    }

    pub(super) fn clear(&mut self) {
        self.stops.clear();
    }

    /// The stop after `col`, or the last column.
    pub(super) fn next(&self, col: usize, cols: usize) -> usize {
        let next = (col + 1..cols).find(|&col| self.is_stop(col));
        next.unwrap_or(cols - 1)
    }

    /// The stop before `col`, or the first column.
    pub(super) fn previous(&self, col: usize, cols: usize) -> usize {
        let previous = (0..col).rev().find(|&col| self.is_stop(col));
        previous.unwrap_or(0).min(cols - 1)
    }

    /// The screen has now `cols` columns: stops from there on as they would be on a new terminal, counted from the
    /// last one before.
    pub(super) fn widen(&mut self, before: usize, cols: usize) {
        let from = if self.is_stop(cols) { cols } else { self.previous(cols, cols.max(before)) };
        self.fill(from, cols);
    }

    fn fill(&mut self, from: usize, cols: usize) {
        for col in (from..cols).step_by(INTERVAL) {
            self.set(col, true);
        }
    }

    /// The stops, from left to right.
    pub(super) fn stops(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.stops.len()).filter(|&col| self.stops[col])
    }
}
