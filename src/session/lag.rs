//! When a viewer is sent on, when it waits, and when it skips to the screen: a decision, without the bytes.
//!
//! A client that says what it has drawn is sent a window past that. It skips when it has fallen too far behind with
//! its window full, and when it has typed what stops a flood; any client skips what is no longer held. At most one
//! snapshot that has not been drawn is on its way to a client that says what it has drawn.

use std::time::Duration;

use tokio::time::Instant;

use crate::terminal::Offset;

/// Lines of scrollback in a snapshot that stands for what was skipped: as many as a first one has, so that skipping
/// takes nothing away that could be scrolled back to. What is skipped is many times the bytes of these lines.
const LINES: usize = 1000;
/// Lines for a client that took long to draw the last one: it is to see the screen before the history.
const LINES_WHEN_SLOW: usize = 200;
/// What is long: a person waits for the prompt. A thousand lines of log are about 100 KB.
const DRAWN_WITHIN: Duration = Duration::from_secs(1);
/// Output outstanding above which what stops a program skips it: what a browser draws in a frame or two.
const INTERRUPT_LAG: u64 = 64 * 1024;
/// How long after the key the screen is taken: by then a program that stops at once has stopped, and its shell has
/// printed its prompt.
const INTERRUPT_SETTLES: Duration = Duration::from_millis(50);
/// How long after that it is looked at once more, for a program that took its time and went on printing.
const INTERRUPT_LOOKS_AGAIN: Duration = Duration::from_millis(350);

/// How far a viewer may be sent, and what it has drawn.
pub(super) struct Lag {
    /// Bytes it is sent past what it has drawn.
    window: u64,
    /// How far it may fall behind with its window full. None: it never skips but what is no longer held.
    resync: Option<u64>,
    /// What the client has drawn, once it says so at all.
    drawn: Option<Offset>,
    /// The window was full when more was wanted last.
    was_full: bool,
    /// The last snapshot it was sent and when, until it is drawn.
    undrawn: Option<(Offset, Instant)>,
    /// It took long to draw the last snapshot.
    draws_slowly: bool,
    /// The bytes from here on are to be skipped as soon as a snapshot may be sent.
    skips_from: Option<Offset>,
    interrupt: Option<Interrupt>,
}

/// What stops a program was typed while much was outstanding.
#[derive(Clone, Copy)]
enum Interrupt {
    /// Nothing is sent before this, and then the screen.
    Settling(Instant),
    /// Looked at once more then.
    LooksAgain(Instant),
}

/// What is to be done for a viewer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send what lies before this offset.
    Send(Offset),
    /// Skip the bytes from here on: get a snapshot.
    Skip(Offset),
    /// Nothing before the client has drawn more, or [`Lag::looks_at`].
    Wait,
}

impl Lag {
    pub(super) const fn new(window: u64, resync: Option<u64>) -> Self {
        Self {
            window,
            resync,
            drawn: None,
            was_full: false,
            undrawn: None,
            draws_slowly: false,
            skips_from: None,
            interrupt: None,
        }
    }

    /// What to do next for a viewer that has taken all before `taken` of the output before `end`. `leader` is whom the
    /// program is paced for.
    pub(super) fn step(&mut self, taken: Offset, end: Offset, leader: impl FnOnce() -> Offset, now: Instant) -> Step {
        if let Some(from) = self.skips_from {
            self.interrupt = None; // the screen is on its way already
            return if self.may_be_shown() { Step::Skip(from) } else { Step::Wait };
        }
        if let Some(interrupt) = self.interrupt {
            let is_behind = end.since(taken) > INTERRUPT_LAG;
            match interrupt {
                Interrupt::Settling(at) if now < at => return Step::Wait,
                Interrupt::LooksAgain(at) if now < at => {}
                Interrupt::Settling(at) => self.interrupt = Some(Interrupt::LooksAgain(at + INTERRUPT_LOOKS_AGAIN)),
                Interrupt::LooksAgain(_) => self.interrupt = None,
            }
            let settles = !matches!(interrupt, Interrupt::LooksAgain(at) if now < at);
            if settles && is_behind {
                return self.skip(taken);
            }
        }
        if let Some(resync) = self.resync
            && std::mem::take(&mut self.was_full)
            && end.since(taken) > resync
            && leader().since(taken) > resync
        {
            return self.skip(taken);
        }
        Step::Send(self.drawn.map_or(Offset(u64::MAX), |drawn| drawn + self.window))
    }

    /// The bytes from `from` on are to be skipped, at once if a snapshot may be sent.
    pub(super) fn skip(&mut self, from: Offset) -> Step {
        self.skips_from = Some(from);
        if self.may_be_shown() { Step::Skip(from) } else { Step::Wait }
    }

    /// More is there, but past the window.
    pub(super) const fn is_full(&mut self) {
        self.was_full = true;
    }

    /// The socket took less than it was offered. Of a client that says what it draws this is as good as a full window,
    /// which a slow link may never fill: what is on its way is less than that. One that says nothing is sent everything.
    pub(super) const fn link_is_full(&mut self) {
        self.was_full |= self.drawn.is_some();
    }

    /// Lines of scrollback for the snapshot that is due.
    pub(super) const fn lines(&self) -> usize {
        if self.draws_slowly { LINES_WHEN_SLOW } else { LINES }
    }

    /// A snapshot taken at `offset` is sent. Returns where the bytes it stands for began.
    pub(super) fn shown(&mut self, offset: Offset, now: Instant) -> Option<Offset> {
        self.undrawn = Some((offset, now));
        self.was_full = false;
        self.skips_from.take()
    }

    /// The client has drawn all before `offset`.
    pub(super) fn drawn(&mut self, offset: Offset, now: Instant) {
        self.drawn = Some(self.drawn.map_or(offset, |before| before.max(offset)));
        if let Some((_, shown)) = self.undrawn.take_if(|(undrawn, _)| offset >= *undrawn) {
            self.draws_slowly = now.duration_since(shown) > DRAWN_WITHIN;
        }
    }

    /// The client has typed what stops a program.
    pub(super) fn interrupted(&mut self, taken: Offset, end: Offset, now: Instant) {
        if self.resync.is_some() && self.skips_from.is_none() && end.since(taken) > INTERRUPT_LAG {
            self.interrupt = Some(Interrupt::Settling(now + INTERRUPT_SETTLES));
        }
    }

    /// When [`Lag::step`] may say something else, though nothing else has happened.
    pub(super) const fn looks_at(&self) -> Option<Instant> {
        match self.interrupt {
            Some(Interrupt::Settling(at) | Interrupt::LooksAgain(at)) => Some(at),
            None => None,
        }
    }

    /// Whether no snapshot is on its way to a client that says what it has drawn.
    const fn may_be_shown(&self) -> bool {
        self.drawn.is_none() || self.undrawn.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = 512 * 1024;
    const RESYNC: u64 = 1024 * 1024;
    const MIB: u64 = 1024 * 1024;

    fn lag() -> Lag {
        Lag::new(WINDOW, Some(RESYNC))
    }

    #[test]
    fn a_client_that_says_nothing_is_sent_everything() {
        let (mut lag, now) = (lag(), Instant::now());
        let step = lag.step(Offset(0), Offset(100 * MIB), || Offset(100 * MIB), now);
        assert_eq!(step, Step::Send(Offset(u64::MAX)));
    }

    #[test]
    fn a_full_window_skips_only_far_behind_the_leader_and_waits_until_the_snapshot_is_drawn() {
        let (mut lag, now) = (lag(), Instant::now());
        lag.drawn(Offset(0), now);
        assert_eq!(
            lag.step(Offset(0), Offset(9 * MIB), || Offset(9 * MIB), now),
            Step::Send(Offset(WINDOW)),
            "not full"
        );
        lag.is_full();
        lag.drawn(Offset(10), now);
        // As far behind the end, but not behind whom the program waits for: that is its own pace.
        let own = lag.step(Offset(WINDOW), Offset(9 * MIB), || Offset(WINDOW), now);
        assert_eq!(own, Step::Send(Offset(WINDOW + 10)));
        lag.is_full();
        let skip = lag.step(Offset(WINDOW), Offset(9 * MIB), || Offset(5 * MIB), now);
        assert_eq!(skip, Step::Skip(Offset(WINDOW)));
        assert_eq!(lag.shown(Offset(9 * MIB), now), Some(Offset(WINDOW)));
        // The next is sent only when this one is drawn.
        assert_eq!(lag.skip(Offset(9 * MIB)), Step::Wait);
        lag.drawn(Offset(WINDOW), now);
        assert_eq!(lag.step(Offset(9 * MIB), Offset(90 * MIB), || Offset(90 * MIB), now), Step::Wait);
        lag.drawn(Offset(9 * MIB), now);
        let skip = lag.step(Offset(9 * MIB), Offset(90 * MIB), || Offset(90 * MIB), now);
        assert_eq!(skip, Step::Skip(Offset(9 * MIB)));
    }

    #[test]
    fn what_stops_a_flood_skips_it_once_the_program_has_had_time_to_stop() {
        let (mut lag, now) = (lag(), Instant::now());
        lag.interrupted(Offset(0), Offset(INTERRUPT_LAG), now);
        assert_eq!(lag.looks_at(), None, "little is outstanding");
        lag.drawn(Offset(0), now);
        lag.interrupted(Offset(WINDOW), Offset(4 * MIB), now);
        let leader = || Offset(WINDOW);
        assert_eq!(lag.step(Offset(WINDOW), Offset(4 * MIB), leader, now), Step::Wait);
        let settled = lag.looks_at().expect("a time");
        let skip = lag.step(Offset(WINDOW), Offset(4 * MIB), leader, settled);
        assert_eq!(skip, Step::Skip(Offset(WINDOW)));
        lag.shown(Offset(4 * MIB), now);
        lag.drawn(Offset(4 * MIB), now);
        // The program went on printing for a while.
        let send = lag.step(Offset(4 * MIB), Offset(6 * MIB), leader, settled);
        assert_eq!(send, Step::Send(Offset(4 * MIB + WINDOW)));
        let again = lag.looks_at().expect("another look");
        assert!(again > settled);
        assert_eq!(lag.step(Offset(5 * MIB), Offset(6 * MIB), leader, again), Step::Skip(Offset(5 * MIB)));
        assert_eq!(lag.looks_at(), None);
    }

    #[test]
    fn a_lossless_viewer_skips_nothing_of_its_own_accord() {
        let (mut lag, now) = (Lag::new(WINDOW, None), Instant::now());
        lag.drawn(Offset(0), now);
        lag.is_full();
        lag.interrupted(Offset(0), Offset(9 * MIB), now);
        assert_eq!(lag.step(Offset(0), Offset(9 * MIB), || Offset(9 * MIB), now), Step::Send(Offset(WINDOW)));
    }

    #[test]
    fn a_slow_link_skips_though_its_window_is_never_full_and_a_client_that_says_nothing_does_not() {
        for (says, step) in [(true, Step::Skip(Offset(9))), (false, Step::Send(Offset(u64::MAX)))] {
            let (mut lag, now) = (lag(), Instant::now());
            if says {
                lag.drawn(Offset(0), now);
            }
            lag.link_is_full();
            assert_eq!(lag.step(Offset(9), Offset(9 * MIB), || Offset(5 * MIB), now), step);
        }
    }

    #[test]
    fn a_skip_takes_no_history_away_unless_the_client_draws_slowly() {
        let (mut lag, now) = (lag(), Instant::now());
        assert_eq!(lag.lines(), LINES);
        for (took, lines) in [(DRAWN_WITHIN, LINES), (2 * DRAWN_WITHIN, LINES_WHEN_SLOW), (DRAWN_WITHIN, LINES)] {
            lag.shown(Offset(MIB), now);
            lag.drawn(Offset(MIB), now + took);
            assert_eq!(lag.lines(), lines);
        }
    }
}
