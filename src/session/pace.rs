//! How far a program may run ahead of those who watch it, where its policy is not `free`.
//!
//! With no viewer it runs free. `fastest`: with viewers its output is read no faster than the fastest of them minus
//! the log's size: one viewer on a fast link gets every byte, as at a local terminal, and slower ones skip. A fastest
//! viewer that has stopped taking anything does not hold the program for long (law 3). `lossless`: no faster than the
//! slowest, however long that takes, because whoever asked for it wants it so.

use std::time::Duration;

use tokio::time::Instant;

use crate::terminal::Offset;

/// How long the program waits for viewers of which none takes anything: longer than a busy browser's or a loaded
/// machine's pause, short enough that a sleeping phone does not stop a build.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// The state of one session's pacing.
#[derive(Default)]
pub(super) struct Pacing {
    /// The fastest viewer's offset when the program was first held for it, and since when.
    held_at: Option<(Offset, Instant)>,
}

/// What pacing says of the next read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Read on.
    Read,
    /// Wait for a viewer to take more, but no longer than this.
    HoldUntil(Instant),
    /// Wait for a viewer or the screen to take more.
    Hold,
}

impl Verdict {
    /// When it ends by itself.
    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::HoldUntil(deadline) => Some(deadline),
            Self::Read | Self::Hold => None,
        }
    }
}

/// Whether more output may be read, when that may drop the bytes before `drops` from the log and the slowest viewer
/// has taken those before `slowest`.
pub(super) fn for_slowest(drops: Option<Offset>, slowest: impl FnOnce() -> Option<Offset>) -> Verdict {
    let needs = |drops| slowest().is_some_and(|slowest| slowest < drops);
    if drops.is_some_and(needs) { Verdict::Hold } else { Verdict::Read }
}

impl Pacing {
    /// Whether more output may be read, when that may drop the bytes before `drops` from the log and the fastest
    /// viewer has taken those before `fastest`.
    pub(super) fn for_fastest(
        &mut self,
        drops: Option<Offset>,
        fastest: impl FnOnce() -> Option<Offset>,
        now: Instant,
    ) -> Verdict {
        let Some(fastest) = drops.and_then(|drops| fastest().filter(|&fastest| fastest < drops)) else {
            self.held_at = None;
            return Verdict::Read;
        };
        match self.held_at {
            Some((at, since)) if at == fastest => {
                if now >= since + STALLED_AFTER {
                    Verdict::Read
                } else {
                    Verdict::HoldUntil(since + STALLED_AFTER)
                }
            }
            _ => {
                self.held_at = Some((fastest, now));
                Verdict::HoldUntil(now + STALLED_AFTER)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_held_for_the_fastest_viewer_but_not_for_one_that_has_stalled() {
        let start = Instant::now();
        let mut pace = Pacing::default();
        let mut verdict = |drops: u64, fastest: Option<u64>, now| {
            pace.for_fastest((drops > 0).then_some(Offset(drops)), || fastest.map(Offset), now)
        };
        assert_eq!(verdict(1000, None, start), Verdict::Read, "nobody watches");
        assert_eq!(verdict(0, Some(0), start), Verdict::Read, "nothing is dropped");
        assert_eq!(verdict(100, Some(100), start), Verdict::Read, "it has what is dropped");
        let deadline = start + STALLED_AFTER;
        assert_eq!(verdict(100, Some(99), start), Verdict::HoldUntil(deadline));
        assert_eq!(verdict(100, Some(99), start), Verdict::HoldUntil(deadline));
        assert_eq!(verdict(100, Some(99), deadline), Verdict::Read, "stalled");
        assert_eq!(verdict(5000, Some(99), deadline), Verdict::Read, "still stalled");
        let moved = verdict(5000, Some(200), deadline);
        assert_eq!(moved, Verdict::HoldUntil(deadline + STALLED_AFTER), "it moves, so the program waits again");
    }

    #[test]
    fn a_lossless_program_waits_for_the_slowest_as_long_as_it_takes() {
        let verdict = |drops: Option<u64>, slowest: Option<u64>| for_slowest(drops.map(Offset), || slowest.map(Offset));
        assert_eq!(verdict(Some(1000), None), Verdict::Read, "nobody watches");
        assert_eq!(verdict(None, Some(0)), Verdict::Read, "nothing is dropped");
        assert_eq!(verdict(Some(100), Some(100)), Verdict::Read, "all have what is dropped");
        assert_eq!(verdict(Some(100), Some(99)), Verdict::Hold);
        assert_eq!(Verdict::Hold.deadline(), None);
    }
}
