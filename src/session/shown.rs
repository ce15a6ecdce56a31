//! What a screen says of itself as its session's latest values: title, directory, bells, clipboard. Bells and the clipboard
//! are told once, whichever server parses them again.

use std::sync::Arc;

use super::ledger::Ledger;
use super::origin::Origin;
use super::{ClipboardPolicy, Status};
use crate::terminal::Offset;
use crate::terminal::screen::{Clipboard, Screen};

/// What the session's latest values were last set to, and what an engine that was rebuilt counts from.
pub(super) struct Shown {
    policy: ClipboardPolicy,
    ledger: Ledger,
    bells_before: u64,
    clipboard: Option<Arc<Clipboard>>,
    /// What output before this rang and copied was told by another server.
    told: Offset,
}

impl Shown {
    pub(super) fn new(policy: ClipboardPolicy, ledger: Ledger, origin: &Origin) -> Self {
        let written_down = origin.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.bells);
        Self { policy, ledger, bells_before: written_down.max(origin.bells), clipboard: None, told: origin.told }
    }

    /// Where what another server told ends, and what is news begins.
    pub(super) const fn told(&self) -> Offset {
        self.told
    }

    /// The session's bells.
    pub(super) fn bells(&self, screen: &Screen) -> u64 {
        self.bells_before + screen.bells()
    }

    /// What the screen began with is the session's at once, and not only when more is printed.
    pub(super) fn begin(&mut self, status: &mut Status, screen: &Screen) {
        self.update(status, screen, true);
    }

    /// The screen shows all output before `at` now; whether that `is_new`, or was parsed again after a failure.
    pub(super) fn moved(&mut self, status: &mut Status, screen: &Screen, at: Offset, is_new: bool) {
        let is_news = is_new && at > self.told;
        self.update(status, screen, is_news);
        if is_news {
            self.ledger.keep_told(at, status.bells);
        }
    }

    fn update(&mut self, status: &mut Status, screen: &Screen, is_news: bool) {
        let named = |now: Option<&str>, known: &mut Option<Arc<str>>| {
            if now != known.as_deref() {
                *known = now.map(Arc::from);
            }
        };
        named(Some(screen.title()).filter(|title| !title.is_empty()), &mut status.title);
        named(screen.cwd(), &mut status.cwd);
        if !is_news {
            // These bells were counted before.
            self.bells_before = status.bells.saturating_sub(screen.bells());
        }
        status.bells = self.bells(screen);
        status.alternate = screen.is_alternate();
        let wanted = screen.clipboard();
        if wanted != self.clipboard.as_ref() {
            self.clipboard = wanted.cloned();
            if is_news && self.policy == ClipboardPolicy::View {
                status.clipboard.clone_from(&self.clipboard);
            }
        }
    }
}
