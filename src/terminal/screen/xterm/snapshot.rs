//! How a snapshot says what only xterm has. Each sequence comes where what it does besides its purpose harms nothing.

use super::super::paint::Painter;
use super::super::terminal::Terminal;
use super::{LEVEL_MAX, Xterm};

/// What comes before anything is drawn, because it may erase the screen or move the cursor: modes and level.
pub(in super::super) fn begin(xterm: &Xterm, paint: &mut Painter<'_>) {
    let kept = &xterm.kept;
    for (number, on) in kept.written_down() {
        let value = if on { 'h' } else { 'l' };
        let usual = if matches!(number, 7 | 25) { 'h' } else { 'l' };
        paint.command(format_args!("\x1b[?{number}{value}\x1b[?{number}s\x1b[?{number}{usual}"));
    }
    // Not below the highest level, where this mode is none.
    if kept.keeps_screen() {
        paint.push("\x1b[?95h");
    }
    if xterm.level != LEVEL_MAX {
        paint.command(format_args!("\x1b[6{};1\"p", xterm.level));
    }
    if kept.get(3, true) == Some(true) {
        // Only where it is allowed can it be set.
        paint.push("\x1b[?40h\x1b[?3h\x1b[?40l");
    }
    for mode in kept.on().filter(|mode| !(mode.is_private && matches!(mode.number, 3 | 95))) {
        let prefix = if mode.is_private { "?" } else { "" };
        paint.command(format_args!("\x1b[{prefix}{}h", mode.number));
    }
    if xterm.rectangles {
        paint.push("\x1b[2*x");
    }
}

/// Margins: after the lines are drawn, before origin mode and the cursor's place.
pub(in super::super) fn margins(xterm: &Xterm, paint: &mut Painter<'_>) {
    if xterm.has_sides {
        paint.push("\x1b[?69h");
    }
    if let Some((left, right)) = xterm.sides {
        paint.command(format_args!("\x1b[{};{}s", left + 1, right + 1));
    }
}

/// Whose the protection is: after the pen is set, which says DEC's.
pub(in super::super) fn protection(terminal: &Terminal, paint: &mut Painter<'_>) {
    if terminal.erasing_spares() {
        paint.push(if terminal.pen.is_protected() { "\x1bV" } else { "\x1bV\x1bW" });
    }
}
