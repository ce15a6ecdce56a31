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
    /// The size that was decided on and not given to the terminal yet.
    wanted: Option<Size>,
}

struct Window {
    size: Option<Size>,
    is_owner: bool,
}

impl Sizing {
    pub(super) fn new(policy: Sizes) -> Self {
        Self { policy, windows: HashMap::new(), typist: None, wanted: None }
    }

    /// One that may type has attached. The size that follows from it: only in `smallest` does any.
    pub(super) fn join(&mut self, viewer: ViewerId, size: Option<Size>, is_owner: bool) -> Option<Size> {
        self.windows.insert(viewer, Window { size, is_owner });
        self.smallest()
    }

    /// It has gone. Whether the session should have another size now, which is left in [`Sizing::take_wanted`].
    pub(super) fn leave(&mut self, viewer: ViewerId) -> bool {
        self.windows.remove(&viewer);
        self.typist.take_if(|typist| *typist == viewer);
        let wanted = self.smallest();
        self.want(wanted)
    }

    /// Its window has another size.
    pub(super) fn window(&mut self, viewer: ViewerId, size: Size) -> Option<Size> {
        let window = self.windows.get_mut(&viewer)?;
        window.size = Some(size);
        let is_owner = window.is_owner;
        // Who has typed but never told a window leaves the size to those who have.
        let leads = self.typist.is_none_or(|typist| {
            typist == viewer || self.windows.get(&typist).is_none_or(|window| window.size.is_none())
        });
        match self.policy {
            Sizes::Latest => leads.then_some(size),
            Sizes::Owner => (leads && is_owner).then_some(size),
            Sizes::Smallest => self.smallest(),
            Sizes::Fixed => None,
        }
    }

    /// It has typed. Whether the session should have another size now, which is left in [`Sizing::take_wanted`].
    pub(super) fn typed(&mut self, viewer: ViewerId) -> bool {
        // Nearly always: nothing to do for each key.
        self.typist != Some(viewer) && {
            let wanted = self.take_lead(viewer);
            self.want(wanted)
        }
    }

    /// It becomes the one that typed last, without typing.
    pub(super) fn take_lead(&mut self, viewer: ViewerId) -> Option<Size> {
        let window = self.windows.get(&viewer)?;
        let counts = match self.policy {
            Sizes::Latest => true,
            Sizes::Owner => window.is_owner,
            Sizes::Smallest | Sizes::Fixed => false,
        };
        counts.then(|| self.typist = Some(viewer))?;
        window.size
    }

    /// The size to give the terminal.
    pub(super) const fn take_wanted(&mut self) -> Option<Size> {
        self.wanted.take()
    }

    fn want(&mut self, wanted: Option<Size>) -> bool {
        self.wanted = wanted.or(self.wanted);
        wanted.is_some()
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

    fn joined(policy: Sizes) -> Sizing {
        let mut sizing = Sizing::new(policy);
        sizing.join(ANN, Some(size(100, 30)), true);
        sizing.join(BOB, Some(size(50, 60)), false);
        sizing
    }

    #[test]
    fn latest_is_the_window_of_who_typed_last_and_of_nobody_else() {
        let mut sizing = joined(Sizes::Latest);
        assert_eq!(sizing.window(BOB, size(51, 61)), Some(size(51, 61)), "nobody has typed");
        assert!(sizing.typed(ANN));
        assert_eq!(sizing.take_wanted(), Some(size(100, 30)));
        assert!(!sizing.typed(ANN), "nothing new");
        assert_eq!(sizing.window(BOB, size(52, 62)), None);
        assert_eq!(sizing.window(ANN, size(101, 31)), Some(size(101, 31)));
        assert!(sizing.typed(BOB));
        assert_eq!(sizing.take_wanted(), Some(size(52, 62)));
        assert_eq!(sizing.take_lead(ANN), Some(size(101, 31)));
        assert!(!sizing.leave(ANN) && sizing.take_wanted().is_none(), "leaving changes nothing");
        assert_eq!(sizing.window(BOB, size(40, 40)), Some(size(40, 40)));
        // A program that types and has no window leaves the size to others.
        sizing.join(ANN, None, true);
        assert!(!sizing.typed(ANN));
        assert_eq!(sizing.window(BOB, size(41, 41)), Some(size(41, 41)));
    }

    #[test]
    fn owner_counts_nobody_else_s_window() {
        let mut sizing = joined(Sizes::Owner);
        assert_eq!(sizing.window(BOB, size(51, 61)), None);
        assert!(!sizing.typed(BOB));
        assert_eq!(sizing.window(ANN, size(90, 20)), Some(size(90, 20)));
        assert_eq!(sizing.take_lead(BOB), None);
    }

    #[test]
    fn smallest_fits_everyone_who_may_type_as_they_come_and_go() {
        let mut sizing = Sizing::new(Sizes::Smallest);
        assert_eq!(sizing.join(ANN, Some(size(100, 30)), true), Some(size(100, 30)));
        assert_eq!(sizing.join(BOB, Some(size(50, 60)), false), Some(size(50, 30)));
        assert!(!sizing.typed(ANN));
        assert_eq!(sizing.window(BOB, size(70, 10)), Some(size(70, 10)));
        assert!(sizing.leave(BOB));
        assert_eq!(sizing.take_wanted(), Some(size(100, 30)));
        assert!(!sizing.leave(ANN), "the last one changes nothing");
    }

    #[test]
    fn fixed_remembers_and_does_nothing() {
        let mut sizing = joined(Sizes::Fixed);
        assert_eq!(sizing.window(ANN, size(90, 20)), None);
        assert!(!sizing.typed(ANN));
        assert_eq!(sizing.take_lead(ANN), None);
        assert!(!sizing.leave(BOB));
    }

    #[test]
    fn a_viewer_that_only_watches_is_never_asked() {
        let mut sizing = Sizing::new(Sizes::Smallest);
        assert_eq!(sizing.window(BOB, size(10, 10)), None);
        assert!(!sizing.typed(BOB));
    }
}
