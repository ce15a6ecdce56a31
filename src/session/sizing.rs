//! Whose window gives a session its size.
//!
//! Knows the windows of those who may type. Says which size the session should have; never changes one itself.

use std::collections::HashMap;

use super::{Sizes, ViewerId};
use crate::terminal::Size;

/// The windows of a session's viewers that may type, and what its policy makes of them.
pub(super) struct Sizing {
    policy: Sizes,
    windows: HashMap<ViewerId, Window>,
    /// Who typed last, of those whose windows count.
    typist: Option<ViewerId>,
    /// What was decided and is not given to the terminal yet.
    wanted: Option<Decision>,
    /// Decisions made.
    decided: u64,
}

/// A size that the session should have. Decisions reach the terminal in more than one way: of any two the later one
/// counts, in whatever order they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) size: Size,
    /// Grows with each.
    pub(super) number: u64,
}

struct Window {
    size: Option<Size>,
    is_owner: bool,
}

impl Sizing {
    pub(super) fn new(policy: Sizes) -> Self {
        Self { policy, windows: HashMap::new(), typist: None, wanted: None, decided: 0 }
    }

    /// The session is to have this size, whatever windows there are.
    pub(super) const fn decide(&mut self, size: Size) -> Decision {
        self.decided += 1;
        Decision { size, number: self.decided }
    }

    /// One that may type has attached. What follows from it: only in `smallest` does anything.
    pub(super) fn join(&mut self, viewer: ViewerId, size: Option<Size>, is_owner: bool) -> Option<Decision> {
        self.windows.insert(viewer, Window { size, is_owner });
        let wanted = self.smallest();
        wanted.map(|size| self.decide(size))
    }

    /// It has gone. Whether the session should have another size now, which is left in [`Sizing::take_wanted`].
    pub(super) fn leave(&mut self, viewer: ViewerId) -> bool {
        self.windows.remove(&viewer);
        self.typist.take_if(|typist| *typist == viewer);
        let wanted = self.smallest();
        self.want(wanted)
    }

    /// Its window has another size.
    pub(super) fn window(&mut self, viewer: ViewerId, size: Size) -> Option<Decision> {
        let window = self.windows.get_mut(&viewer)?;
        window.size = Some(size);
        let is_owner = window.is_owner;
        // Who has typed but never told a window leaves the size to those who have.
        let leads = self.typist.is_none_or(|typist| {
            typist == viewer || self.windows.get(&typist).is_none_or(|window| window.size.is_none())
        });
        let wanted = match self.policy {
            Sizes::Latest => leads.then_some(size),
            Sizes::Owner => (leads && is_owner).then_some(size),
            Sizes::Smallest => self.smallest(),
            Sizes::Fixed => None,
        };
        wanted.map(|size| self.decide(size))
    }

    /// Its window has another size while somebody else has control. The next key it may type gives the session that
    /// size, even if it was the last one to type.
    pub(super) fn window_without_control(&mut self, viewer: ViewerId, size: Size) {
        if let Some(window) = self.windows.get_mut(&viewer) {
            window.size = Some(size);
            self.typist.take_if(|typist| *typist == viewer);
        }
    }

    /// It has typed. Whether the session should have another size now, which is left in [`Sizing::take_wanted`].
    pub(super) fn typed(&mut self, viewer: ViewerId) -> bool {
        // Nearly always: nothing to do for each key.
        self.typist != Some(viewer) && {
            let wanted = self.lead(viewer);
            self.want(wanted)
        }
    }

    /// It becomes the one that typed last, without typing.
    pub(super) fn take_lead(&mut self, viewer: ViewerId) -> Option<Decision> {
        let wanted = self.lead(viewer);
        wanted.map(|size| self.decide(size))
    }

    fn lead(&mut self, viewer: ViewerId) -> Option<Size> {
        let window = self.windows.get(&viewer)?;
        let counts = match self.policy {
            Sizes::Latest => true,
            Sizes::Owner => window.is_owner,
            Sizes::Smallest | Sizes::Fixed => false,
        };
        counts.then(|| self.typist = Some(viewer))?;
        window.size
    }

    /// What to give the terminal.
    pub(super) const fn take_wanted(&mut self) -> Option<Decision> {
        self.wanted.take()
    }

    fn want(&mut self, wanted: Option<Size>) -> bool {
        wanted.map(|size| self.wanted = Some(self.decide(size))).is_some()
    }

    fn smallest(&self) -> Option<Size> {
        if self.policy != Sizes::Smallest {
            return None;
        }
        let sizes = || self.windows.values().filter_map(|window| window.size);
        let (cols, rows) = (sizes().map(Size::cols).min()?, sizes().map(Size::rows).min()?);
        Size::new(cols.into(), rows.into()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ViewerId = ViewerId(1);
    const BOB: ViewerId = ViewerId(2);

    fn size(cols: u64, rows: u64) -> Size {
        Size::new(cols, rows).expect("valid")
    }

    fn size_of(decision: Option<Decision>) -> Option<Size> {
        decision.map(|decision| decision.size)
    }

    fn joined(policy: Sizes) -> Sizing {
        let mut sizing = Sizing::new(policy);
        sizing.join(ANN, Some(size(100, 30)), true);
        sizing.join(BOB, Some(size(50, 60)), false);
        sizing
    }

    #[test]
    fn latest_is_the_window_of_who_typed_last_and_of_nobody_else() {
        let mut sizing = joined(Sizes::Latest);
        assert_eq!(size_of(sizing.window(BOB, size(51, 61))), Some(size(51, 61)), "nobody has typed");
        assert!(sizing.typed(ANN));
        assert_eq!(size_of(sizing.take_wanted()), Some(size(100, 30)));
        assert!(!sizing.typed(ANN), "nothing new");
        assert_eq!(size_of(sizing.window(BOB, size(52, 62))), None);
        assert_eq!(size_of(sizing.window(ANN, size(101, 31))), Some(size(101, 31)));
        assert!(sizing.typed(BOB));
        assert_eq!(size_of(sizing.take_wanted()), Some(size(52, 62)));
        assert_eq!(size_of(sizing.take_lead(ANN)), Some(size(101, 31)));
        assert!(!sizing.leave(ANN) && sizing.take_wanted().is_none(), "leaving changes nothing");
        assert_eq!(size_of(sizing.window(BOB, size(40, 40))), Some(size(40, 40)));
        // A program that types and has no window leaves the size to others.
        sizing.join(ANN, None, true);
        assert!(!sizing.typed(ANN));
        assert_eq!(size_of(sizing.window(BOB, size(41, 41))), Some(size(41, 41)));
    }

    #[test]
    fn a_window_that_changes_while_another_has_control_counts_from_the_next_key_on() {
        let mut sizing = joined(Sizes::Latest);
        assert!(sizing.typed(BOB));
        let before = sizing.take_wanted().expect("a size");
        sizing.window_without_control(BOB, size(40, 20));
        assert_eq!(sizing.take_wanted(), None);
        assert!(sizing.typed(BOB));
        let after = sizing.take_wanted().expect("a size");
        assert_eq!(after.size, size(40, 20));
        assert!(after.number > before.number);
    }

    #[test]
    fn owner_counts_nobody_else_s_window() {
        let mut sizing = joined(Sizes::Owner);
        assert_eq!(size_of(sizing.window(BOB, size(51, 61))), None);
        assert!(!sizing.typed(BOB));
        assert_eq!(size_of(sizing.window(ANN, size(90, 20))), Some(size(90, 20)));
        assert_eq!(size_of(sizing.take_lead(BOB)), None);
    }

    #[test]
    fn smallest_fits_everyone_who_may_type_as_they_come_and_go() {
        let mut sizing = Sizing::new(Sizes::Smallest);
        assert_eq!(size_of(sizing.join(ANN, Some(size(100, 30)), true)), Some(size(100, 30)));
        assert_eq!(size_of(sizing.join(BOB, Some(size(50, 60)), false)), Some(size(50, 30)));
        assert!(!sizing.typed(ANN));
        assert_eq!(size_of(sizing.window(BOB, size(70, 10))), Some(size(70, 10)));
        assert!(sizing.leave(BOB));
        assert_eq!(size_of(sizing.take_wanted()), Some(size(100, 30)));
        assert!(!sizing.leave(ANN), "the last one changes nothing");
    }

    #[test]
    fn fixed_remembers_and_does_nothing() {
        let mut sizing = joined(Sizes::Fixed);
        assert_eq!(size_of(sizing.window(ANN, size(90, 20))), None);
        assert!(!sizing.typed(ANN));
        assert_eq!(size_of(sizing.take_lead(ANN)), None);
        assert!(!sizing.leave(BOB));
    }

    #[test]
    fn a_viewer_that_only_watches_is_never_asked() {
        let mut sizing = Sizing::new(Sizes::Smallest);
        assert_eq!(size_of(sizing.window(BOB, size(10, 10))), None);
        assert!(!sizing.typed(BOB));
    }
}
