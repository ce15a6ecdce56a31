//! The programs that run in the sessions, and what each of them prints.
//!
//! They are subcommands of this binary, so that they are the same under every server, on whatever machine it is. What
//! they print is a function of a seed and a length, which the clients compute for themselves. They make the terminal raw
//! first: the kernel's own processing of output halves what a terminal passes, and would hide the server behind it.

use std::io::{self, Read as _, Write as _};

use anyhow::Context as _;
use clap::Subcommand;
use rustix::termios::{LocalModes, OptionalActions, OutputModes, tcgetattr, tcsetattr};

use crate::client::expected::Expected;
use crate::output::realistic;

/// What is printed when the terminal is as the program wants it.
pub(crate) const READY: &[u8] = b"ready\r\n";
/// What makes a flood begin.
pub(crate) const ENTER: &[u8] = b"\n";
/// Bytes of output that is printed over and over: more than a log holds.
const BLOCK: usize = 8 << 20;
/// Bytes of one write(2).
const WRITE: usize = 128 << 10;

/// A program under test, as its command line names it.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Program {
    /// Waits for a line, then prints so much realistic output
    Flood {
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        bytes: usize,
    },
    /// Waits for a line, then prints realistic output until it is ended
    Forever {
        #[arg(long)]
        seed: u64,
    },
    /// Has the terminal echo each key once
    Echo,
    /// Fills a screen of 80 columns and 24 rows
    Fill,
}

impl Program {
    /// The command line that runs it.
    pub(crate) fn command(&self) -> anyhow::Result<Vec<String>> {
        let own = std::env::current_exe().context("where this program is")?;
        let own = own.to_str().context("the path of this program is not UTF-8")?.to_owned();
        let words = match self {
            Self::Flood { seed, bytes } => vec!["flood".into(), format!("--seed={seed}"), format!("--bytes={bytes}")],
            Self::Forever { seed } => vec!["forever".into(), format!("--seed={seed}")],
            Self::Echo => vec!["echo".into()],
            Self::Fill => vec!["fill".into()],
        };
        Ok([vec![own, "program".into()], words].concat())
    }

    /// What it prints, typed keys aside.
    pub(crate) fn prints(&self) -> Expected {
        match *self {
            Self::Flood { seed, bytes } => Expected::once([READY, &realistic(seed, bytes)].concat()),
            Self::Forever { seed } => Expected::for_ever(READY, &realistic(seed, BLOCK)),
            Self::Echo => Expected::once(READY.to_vec()),
            Self::Fill => Expected::once([READY, &full_screen()].concat()),
        }
    }

    /// Is it, on this process's terminal, until what is typed ends.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
        let output = match *self {
            Self::Flood { seed, bytes } => realistic(seed, bytes),
            Self::Forever { seed } => realistic(seed, BLOCK),
            Self::Echo => Vec::new(),
            Self::Fill => full_screen(),
        };
        let mut modes = tcgetattr(&stdin).context("this program wants a terminal")?;
        // Keys come one by one; Echo leaves it to the terminal to print each as it comes, once.
        modes.local_modes -= LocalModes::ICANON | LocalModes::ISIG;
        modes.local_modes.set(LocalModes::ECHO, *self == Self::Echo);
        modes.output_modes -= OutputModes::OPOST;
        tcsetattr(&stdin, OptionalActions::Now, &modes)?;
        stdout.write_all(READY)?;
        stdout.flush()?;
        if matches!(self, Self::Flood { .. } | Self::Forever { .. }) {
            stdin.read_exact(&mut [0; ENTER.len()])?;
        }
        loop {
            for piece in output.chunks(WRITE) {
                // Straight to the terminal: what Rust keeps for lines would be one more copy.
                write_all(piece)?;
            }
            if !matches!(self, Self::Forever { .. }) {
                break;
            }
        }
        let mut typed = [0; 4096];
        while stdin.read(&mut typed)? > 0 {}
        Ok(())
    }
}

/// One of the printable characters of ASCII but the blank.
pub(crate) fn printable(number: usize) -> u8 {
    b'!' + u8::try_from(number % 94).unwrap_or(0)
}

/// Every cell of the screen written, in more than one colour.
fn full_screen() -> Vec<u8> {
    const ROWS: usize = 24;
    const COLUMNS: usize = 80;
    let row = |row: usize| {
        let text: String = (0..COLUMNS).map(|column| char::from(printable(row * 7 + column))).collect();
        let (left, right) = text.split_at(COLUMNS / 2);
        format!("\x1b[{};1H\x1b[3{}m{left}\x1b[0m{right}", row + 1, row % 8)
    };
    (0..ROWS).map(row).collect::<String>().into_bytes()
}

fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = rustix::io::retry_on_intr(|| rustix::io::write(io::stdout(), bytes))?;
        bytes = &bytes[taken..];
    }
    Ok(())
}
