//! This end: the terminal (or pipes) a person sits at, its signals, and leaving it as it was found.
//!
//! Knows nothing of sessions or sockets. Output waits in one bounded place; input is read only where there is room.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::display::Display;
use super::keys::{Keys, Typed};
use super::outbox::INPUT_MESSAGE_BYTES;
use super::stdio::Stdio;
use crate::cli::print::note;
use crate::protocol::WINDOW_BYTES;
use crate::terminal::{Offset, Size};

/// Output that may wait for the terminal, in bytes: twice the window, so that as long as the server keeps to the
/// window its pings are read, and answered, also while the terminal stands still.
const WAITING_BYTES_MAX: u64 = 2 * WINDOW_BYTES;
/// Longest wait for a terminal that stands still when leaving it.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two pictures painted: more are not seen.
const PICTURE_INTERVAL: Duration = Duration::from_millis(33);
/// Offsets remembered of what waits. Beyond it only the last is kept, which is reported a little later then.
const MARKS_MAX: usize = 1024;

/// The terminal at this end. Dropping it restores what the program may have changed, also in a panic.
pub(super) struct Console {
    stdin: Option<Stdio>,
    stdout: Stdio,
    waiting: BytesMut,
    drawn: Drawn,
    buffer: Vec<u8>,
    key: Keys,
    pub(super) display: Display,
    /// Not to be painted before then.
    paint_from: Instant,
    signals: Signals,
    /// Dropped after the modes are restored.
    raw: Option<RawMode>,
}

/// What happened at this end.
#[derive(Debug)]
pub(super) enum Event {
    /// Keys.
    Typed(Typed),
    /// There is nothing more to read, and never will be.
    InputEnded,
    /// The terminal has taken some of what waited.
    Drawn,
    /// The terminal has another size.
    Resized,
    /// Asked to go, by the signal of this number.
    Signalled(i32),
    /// Nobody is there to see anything.
    Gone,
}

impl Console {
    /// Over standard input and output; raw, if input is a terminal. `resizes` are listened to already: see
    /// [`listen_to_resizes`].
    pub(super) fn open(resizes: Signal) -> io::Result<Self> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let here = stdout.is_terminal().then(|| terminal_size().unwrap_or(Size::DEFAULT));
        let mut console = Self::over(stdin.as_fd(), stdout.as_fd(), Display::of(here), resizes)?;
        // Once the signals are listened to: one that ended the process would leave the terminal raw.
        console.raw = stdin.is_terminal().then(RawMode::enter).transpose()?;
        Ok(console)
    }

    /// Over any two descriptors, which need not be terminals.
    pub(super) fn over(stdin: impl AsFd, stdout: impl AsFd, display: Display, resizes: Signal) -> io::Result<Self> {
        Ok(Self {
            stdin: Some(Stdio::input(stdin.as_fd())?),
            stdout: Stdio::output(stdout.as_fd())?,
            waiting: BytesMut::from(&display.begin()[..]),
            drawn: Drawn::default(),
            buffer: vec![0; INPUT_MESSAGE_BYTES],
            key: Keys::default(),
            display,
            paint_from: Instant::now(),
            signals: Signals::listen(resizes)?,
            raw: None,
        })
    }

    /// What happens next. Reads at most `input_room` bytes, and nothing when that is none. Cancelled, it loses nothing.
    pub(super) async fn event(&mut self, input_room: usize) -> Event {
        loop {
            // A terminal that is slow gets fewer pictures, not old ones.
            let (paints, from) = (self.waiting.is_empty() && self.display.is_stale(), self.paint_from);
            tokio::select! {
                event = self.next_event(input_room) => return event,
                () = sleep_until(from), if paints => self.paint(),
            }
        }
    }

    fn paint(&mut self) {
        let picture = self.display.paint();
        self.waiting.extend_from_slice(&picture);
        self.paint_from = Instant::now() + PICTURE_INTERVAL;
    }

    async fn next_event(&mut self, input_room: usize) -> Event {
        let Self { stdin, stdout, waiting, drawn, buffer, key, signals, display, .. } = self;
        // What the key held back comes on top.
        let room = input_room.saturating_sub(Keys::HELD_MAX).min(buffer.len());
        let read = async {
            match stdin {
                Some(stdin) if room > 0 => stdin.read(&mut buffer[..room]).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            event = signals.next() => event,
            written = stdout.write(waiting), if !waiting.is_empty() => match written {
                Ok(bytes) => {
                    waiting.advance(bytes);
                    drawn.written(bytes);
                    Event::Drawn
                }
                Err(_) => Event::Gone,
            },
            read = read => match read {
                Ok(bytes) if bytes > 0 => {
                    display.attended();
                    Event::Typed(key.read(&buffer[..bytes]))
                }
                _ => {
                    // A terminal ends only by going away; a pipe ends when all has been said.
                    let was_terminal = stdin.take().is_some_and(|stdin| stdin.as_fd().is_terminal());
                    if was_terminal { Event::Gone } else { Event::InputEnded }
                }
            },
        }
    }

    /// Shows output of the program, soon; it ends at `offset`.
    pub(super) fn output(&mut self, output: &[u8], offset: Offset) {
        let bytes = self.display.output(output);
        self.show(&bytes, offset);
    }

    /// Shows the session's screen at `offset`, where `skipped` bytes of output never came. What waits would only be
    /// overwritten.
    pub(super) fn snapshot(&mut self, size: Size, snapshot: &[u8], skipped: u64, offset: Offset) {
        if !self.display.is_terminal() && skipped > 0 {
            self.notice(&format!("{skipped} bytes of output skipped"));
        }
        if self.display.has_begun() {
            self.waiting.clear();
            self.drawn.forget();
        }
        let bytes = self.display.snapshot(size, snapshot, skipped);
        self.show(&bytes, offset);
    }

    /// The session has another size.
    pub(super) fn resized(&mut self, size: Size) {
        let bytes = self.display.resized(size);
        self.waiting.extend_from_slice(&bytes);
    }

    /// This terminal has another size.
    pub(super) fn window(&mut self, here: Option<Size>) {
        let bytes = self.display.window(here);
        self.waiting.extend_from_slice(&bytes);
        // Where this window leads, the session is of its size in a moment.
        self.paint_from = Instant::now() + PICTURE_INTERVAL;
    }

    /// Puts text on this terminal's clipboard.
    pub(super) fn clipboard(&mut self, selection: &str, text: &str) {
        let bytes = self.display.clipboard(selection, text);
        self.waiting.extend_from_slice(&bytes);
    }

    fn show(&mut self, bytes: &[u8], offset: Offset) {
        self.waiting.extend_from_slice(bytes);
        self.drawn.mark(self.waiting.len(), offset);
    }

    /// Says something that is not the program's, in order with the output.
    pub(super) fn notice(&mut self, text: &str) {
        if self.display.is_terminal() {
            let line = self.display.notice(text);
            self.waiting.extend_from_slice(&line);
        } else {
            note(&format!("[{text}]"));
        }
    }

    /// Output up to where has been drawn.
    pub(super) const fn drawn(&self) -> Option<Offset> {
        self.drawn.up_to
    }

    /// Whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() as u64 >= WAITING_BYTES_MAX
    }

    /// Draws what waits, if the terminal takes it, and leaves the terminal as it was found.
    pub(super) async fn leave(mut self) {
        self.paint();
        let all = async {
            while !self.waiting.is_empty() {
                match self.stdout.write(&self.waiting).await {
                    Ok(bytes) => self.waiting.advance(bytes),
                    Err(_) => break,
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WRITE_TIMEOUT, all).await;
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Best effort: a terminal that takes nothing must not keep us.
        let _ = self.stdout.write_now(self.display.restore().as_bytes());
    }
}

/// How far output has been drawn, told from how much of what waited has been written.
#[derive(Debug, Default)]
struct Drawn {
    up_to: Option<Offset>,
    /// Bytes written since the marks count.
    written: u64,
    /// How much must have been written for the output up to there to be drawn, in order.
    marks: VecDeque<(u64, Offset)>,
}

impl Drawn {
    /// `waiting` bytes more, and the output up to `offset` is drawn.
    fn mark(&mut self, waiting: usize, offset: Offset) {
        if waiting == 0 && self.marks.is_empty() {
            return self.up_to = Some(offset);
        }
        if self.marks.len() >= MARKS_MAX {
            self.marks.pop_back();
        }
        self.marks.push_back((self.written + waiting as u64, offset));
    }

    fn written(&mut self, bytes: usize) {
        self.written += bytes as u64;
        while let Some((_, offset)) = self.marks.pop_front_if(|(written, _)| *written <= self.written) {
            self.up_to = Some(offset);
        }
    }

    /// What waited is not going to be written.
    fn forget(&mut self) {
        self.marks.clear();
    }
}

/// Listens to changes of the terminal's size. To be called before the size is first read: a change after that and
/// before this would never be heard of.
pub(super) fn listen_to_resizes() -> io::Result<Signal> {
    signal(SignalKind::window_change())
}

/// The size of the terminal that output goes to, if it goes to one that has a size.
pub(in crate::cli) fn terminal_size() -> Option<Size> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Size::new(size.ws_col.into(), size.ws_row.into()).ok()
}

/// Raw mode, as long as this lives.
struct RawMode(());

impl RawMode {
    fn enter() -> io::Result<Self> {
        crossterm::terminal::enable_raw_mode()?;
        Ok(Self(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// The signals that must not end the process with the terminal still raw, and the one of a new size.
struct Signals {
    resize: Signal,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
}

impl Signals {
    fn listen(resize: Signal) -> io::Result<Self> {
        Ok(Self {
            resize,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.resize.recv() => Event::Resized,
            _ = self.interrupt.recv() => Event::Signalled(libc::SIGINT),
            _ = self.terminate.recv() => Event::Signalled(libc::SIGTERM),
            _ = self.hangup.recv() => Event::Signalled(libc::SIGHUP),
            _ = self.quit.recv() => Event::Signalled(libc::SIGQUIT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_drawn_once_all_that_shows_it_is_written() {
        let mut drawn = Drawn::default();
        drawn.mark(10, Offset(100));
        drawn.mark(30, Offset(120));
        drawn.written(9);
        assert_eq!(drawn.up_to, None);
        drawn.written(1);
        assert_eq!(drawn.up_to, Some(Offset(100)));
        drawn.mark(20, Offset(121));
        drawn.written(20);
        assert_eq!(drawn.up_to, Some(Offset(121)));
        drawn.mark(0, Offset(125));
        assert_eq!(drawn.up_to, Some(Offset(125)), "nothing to write shows it");
        drawn.mark(5, Offset(130));
        drawn.forget();
        drawn.mark(3, Offset(200));
        drawn.written(3);
        assert_eq!(drawn.up_to, Some(Offset(200)));
    }

    #[test]
    fn marks_are_bounded_and_the_last_one_counts() {
        let mut drawn = Drawn::default();
        for at in 1..=5000 {
            drawn.mark(at, Offset(at as u64));
        }
        assert_eq!(drawn.marks.len(), MARKS_MAX);
        drawn.written(5000);
        assert_eq!(drawn.up_to, Some(Offset(5000)));
    }
}
