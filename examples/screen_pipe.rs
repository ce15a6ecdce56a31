//! The screen engine as a terminal of its own: what programs print on the standard input, what they are answered on the
//! standard output, until the input ends. For `tests/outside/esctest`.
//!
//! usage: screen_pipe COLS ROWS client|xterm

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, bail};
use fantail::terminal::Size;
use fantail::terminal::screen::{Emulation, Screen};

/// As much as a PTY gives at once, and more.
const PIECE: usize = 64 * 1024;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cols, rows, emulation] = arguments.as_slice() else { bail!("usage: screen_pipe COLS ROWS client|xterm") };
    let emulation = match emulation.as_str() {
        "client" => Emulation::Client,
        "xterm" => Emulation::Xterm { checksums: true },
        other => bail!("{other}: neither client nor xterm"),
    };
    let size = Size::new(cols.parse().context("columns")?, rows.parse().context("rows")?)?;
    let mut screen = Screen::emulating(size, 1000, emulation);
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut piece = vec![0; PIECE];
    loop {
        let read = input.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        screen.feed(&piece[..read]);
        output.write_all(&screen.take_answers())?;
        output.flush()?;
    }
}
