//! This end: the terminal (or pipes) a person sits at, its signals, and leaving it as it was found.
//!
//! Knows nothing of sessions or sockets. Output waits in one bounded place; input is read only where there is room.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::keys::{DetachKey, Typed};
use super::modes::Modes;
use super::outbox::INPUT_MESSAGE_BYTES;
use super::stdio::Stdio;
use crate::cli::print::note;
use crate::protocol::WINDOW_BYTES;
use crate::terminal::Size;

/// Output that may wait for the terminal, in bytes: twice the window, so that as long as the server keeps to the
/// window its pings are read, and answered, also while the terminal stands still.
const WAITING_BYTES_MAX: u64 = 2 * WINDOW_BYTES;
/// Longest wait for a terminal that stands still when leaving it.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// End a cut sequence, colours off: what precedes anything that is not the program's.
const INTERRUPT: &str = "\x18\x1b[0m";

/// The terminal at this end. Dropping it restores what the program may have changed, also in a panic.
pub(super) struct Console {
    stdin: Option<Stdio>,
    stdout: Stdio,
    waiting: BytesMut,
    buffer: Vec<u8>,
    key: DetachKey,
    modes: Modes,
    signals: Signals,
    is_terminal: bool,
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
    /// Over standard input and output; raw, if input is a terminal.
    pub(super) fn open() -> io::Result<Self> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let raw = stdin.is_terminal().then(RawMode::enter).transpose()?;
        let mut console = Self::over(stdin.as_fd(), stdout.as_fd())?;
        console.is_terminal = stdout.is_terminal();
        console.raw = raw;
        console.clear();
        Ok(console)
    }

    /// Gives the session a blank screen: its output begins at the top left corner. What was there scrolls up and stays
    /// readable.
    fn clear(&mut self) {
        if let Some(size) = terminal_size().filter(|_| self.is_terminal) {
            self.waiting.extend_from_slice("\r\n".repeat(size.rows().into()).as_bytes());
            self.waiting.extend_from_slice(b"\x1b[H\x1b[2J");
        }
    }

    /// Over any two descriptors, which need not be terminals.
    pub(super) fn over(stdin: impl AsFd, stdout: impl AsFd) -> io::Result<Self> {
        Ok(Self {
            stdin: Some(Stdio::input(stdin.as_fd())?),
            stdout: Stdio::output(stdout.as_fd())?,
            waiting: BytesMut::new(),
            buffer: vec![0; INPUT_MESSAGE_BYTES],
            key: DetachKey::default(),
            modes: Modes::default(),
            signals: Signals::listen()?,
            is_terminal: false,
            raw: None,
        })
    }

    /// What happens next. Reads at most `input_room` bytes, and nothing when that is none. Cancelled, it loses nothing.
    pub(super) async fn event(&mut self, input_room: usize) -> Event {
        let Self { stdin, stdout, waiting, buffer, key, signals, .. } = self;
        // What the key held back comes on top.
        let room = input_room.saturating_sub(DetachKey::HELD_MAX).min(buffer.len());
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
                    Event::Drawn
                }
                Err(_) => Event::Gone,
            },
            read = read => match read {
                Ok(bytes) if bytes > 0 => Event::Typed(key.read(&buffer[..bytes])),
                _ => {
                    // A terminal ends only by going away; a pipe ends when all has been said.
                    let was_terminal = stdin.take().is_some_and(|stdin| stdin.as_fd().is_terminal());
                    if was_terminal { Event::Gone } else { Event::InputEnded }
                }
            },
        }
    }

    /// Shows output of the program, soon.
    pub(super) fn show(&mut self, output: &[u8]) {
        if self.is_terminal {
            self.modes.shown(output);
        }
        self.waiting.extend_from_slice(output);
    }

    /// Says something that is not the program's, in one dim line, in order with the output.
    pub(super) fn notice(&mut self, text: &str) {
        if self.is_terminal {
            self.show(format!("{INTERRUPT}\r\n\x1b[2m[{text}]\x1b[0m\r\n").as_bytes());
        } else {
            note(&format!("[{text}]"));
        }
    }

    /// Bytes that wait to be drawn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() as u64 >= WAITING_BYTES_MAX
    }

    /// Draws what waits, if the terminal takes it, and leaves the terminal as it was found.
    pub(super) async fn leave(mut self) {
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
        if self.is_terminal {
            // Best effort: a terminal that takes nothing must not keep us.
            let _ = self.stdout.write_now(self.modes.restore().as_bytes());
        }
    }
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
    fn listen() -> io::Result<Self> {
        Ok(Self {
            resize: signal(SignalKind::window_change())?,
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
