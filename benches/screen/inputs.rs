//! What programs print, made up: the same bytes every time.

use std::fmt::Write as _;

/// The terminal all of it is for.
pub(crate) const COLS: u16 = 120;
/// Its rows.
pub(crate) const ROWS: u16 = 40;

/// A small generator of numbers: xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).unwrap_or(0) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const WORDS: &[&str] = &[
    "request",
    "GET",
    "/api/sessions/7f3a",
    "200",
    "took",
    "12.4ms",
    "src/terminal/log/segment.rs:214:9",
    "warning",
    "unused",
    "variable",
    "compiling",
    "tokio",
    "v1.54.1",
    "connection",
    "from",
    "10.0.3.17:51122",
    "closed",
    "by",
    "peer",
    "flushed",
    "4096",
    "bytes",
    "cache",
    "miss",
    "retry",
    "in",
    "250ms",
    "user=alice",
    "id=0x7ffe12",
    "the",
    "of",
];
const FOREIGN: &[&str] = &[
    "日本語のテキスト",
    "漢字",
    "한국어",
    "Grüße",
    "naïve",
    "e\u{301}a\u{308}o\u{302}",
    "😀",
    "🚀🔥",
    "👩\u{200d}💻",
    "🇩🇪",
    "❤\u{fe0f}",
    "Ελληνικά",
    "Русский",
    "→ ✓ ✗ │ ─",
];

/// Lines of a log without any colour, until `bytes` are there.
pub(crate) fn ascii(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let mut out = String::with_capacity(bytes + 256);
    let mut line = 0;
    while out.len() < bytes {
        line += 1;
        let _ =
            write!(out, "{line:08} 2026-11-21T09:{:02}:{:02}.{:03}Z", line / 3600 % 60, line / 60 % 60, line % 1000);
        words(&mut out, &mut numbers, WORDS, 4, 14);
        out.push_str("\r\n");
    }
    whole(out, bytes)
}

/// Lines of a log in 16, 256 and 16 million colours; one in 20 in other scripts, with emoji or combining characters;
/// now and then a progress bar that goes back to the beginning of its line.
pub(crate) fn coloured(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut out = String::with_capacity(bytes + 4096);
    let mut line = 0;
    while out.len() < bytes {
        line += 1;
        let (second, level) = (line % 60, numbers.pick(&["32mINFO", "33mWARN", "1;31mERROR", "34mDEBUG", "35mTRACE"]));
        let _ = write!(out, "\x1b[2m2026-11-21T09:14:{second:02}.{:06}Z\x1b[0m \x1b[{level}\x1b[0m", line % 1_000_000);
        match numbers.below(40) {
            0 | 1 => words(&mut out, &mut numbers, FOREIGN, 3, 9),
            2 => progress(&mut out, &mut numbers),
            _ => {
                words(&mut out, &mut numbers, WORDS, 2, 6);
                for _ in 0..1 + numbers.below(3) {
                    colour(&mut out, &mut numbers);
                    words(&mut out, &mut numbers, WORDS, 2, 6);
                    out.push_str(numbers.pick(&["\x1b[0m", "\x1b[39m", "\x1b[m"]));
                }
            }
        }
        out.push_str("\r\n");
    }
    whole(out, bytes)
}

/// Every character in a colour of its own, as lolcat has it: the worst there is for who keeps looks by name.
pub(crate) fn rainbow(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    let mut out = String::with_capacity(bytes + 256);
    while out.len() < bytes {
        for word in 0..12 {
            let _ = write!(out, "{}", if word == 0 { "\r\n" } else { " " });
            for letter in numbers.pick(WORDS).chars() {
                let (red, green, blue) = (numbers.below(256), numbers.below(256), numbers.below(256));
                let _ = write!(out, "\x1b[38;2;{red};{green};{blue}m{letter}\x1b[39m");
            }
        }
    }
    whole(out, bytes)
}

fn colour(out: &mut String, numbers: &mut Numbers) {
    let _ = match numbers.below(6) {
        0..=2 => write!(out, "\x1b[{}m", numbers.pick(&["31", "1;32", "33", "4;94", "90", "7", "3;36"])),
        3 | 4 => write!(out, "\x1b[38;5;{}m", numbers.below(256)),
        _ => {
            // Of a theme.
            let shade = numbers.below(64);
            write!(out, "\x1b[38;2;{};{};{}m", 4 * shade, 255 - 3 * shade, shade * shade % 256)
        }
    };
}

fn words(out: &mut String, numbers: &mut Numbers, from: &[&str], least: usize, most: usize) {
    for _ in 0..least + numbers.below(most - least) {
        out.push(' ');
        out.push_str(numbers.pick(from));
    }
}

fn progress(out: &mut String, numbers: &mut Numbers) {
    for done in (0..=20).step_by(1 + numbers.below(5)) {
        let _ = write!(out, "\r\x1b[K\x1b[1;36m   Building\x1b[0m [{:=<done$}>{:1$}] {done}/20", "", 20 - done);
    }
}

/// A program that owns the screen: a list that scrolls in a region, a status line, a dialog that is edited, all of it
/// within synchronized updates.
pub(crate) fn tui(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(0xdead_beef_cafe_f00d);
    let mut out = String::with_capacity(bytes + 65_536);
    out.push_str("\x1b[?1049h\x1b[?25l\x1b[2J");
    let mut frame = 0;
    while out.len() < bytes {
        frame += 1;
        out.push_str("\x1b[?2026h");
        match numbers.below(8) {
            0 => repaint(&mut out, &mut numbers),
            1 | 2 => {
                // The list moves on by some lines, and these are drawn.
                let lines = 1 + numbers.below(3);
                let _ = write!(out, "\x1b[3;38r\x1b[{lines}S\x1b[r");
                for line in 0..lines {
                    row(&mut out, &mut numbers, 38 - line);
                }
            }
            3 => {
                let at = 3 + numbers.below(30);
                let _ = write!(out, "\x1b[3;38r\x1b[{at};1H\x1b[{}\x1b[r", numbers.pick(&["L", "2L", "M", "3M"]));
                row(&mut out, &mut numbers, at);
            }
            _ => {
                for _ in 0..6 {
                    let (row, col) = (3 + numbers.below(36), 1 + numbers.below(90));
                    let edit = numbers.pick(&["\x1b[5@", "\x1b[4P", "\x1b[8X", "\x1b[K", "\x1b[1K", "\x1b[3C"]);
                    let _ = write!(out, "\x1b[{row};{col}H{edit}\x1b[48;5;{}m{:>6}\x1b[49m", frame % 256, frame % 9999);
                }
            }
        }
        let (colour, x) = (17 + frame % 6, 1 + frame % 118);
        let _ =
            write!(out, "\x1b[40;1H\x1b[48;5;{colour}m\x1b[97m frame {frame:<8} \x1b[0m\x1b[K\x1b[2;{x}H▶\x1b[?2026l");
    }
    whole(out, bytes)
}

/// Every row anew.
fn repaint(out: &mut String, numbers: &mut Numbers) {
    out.push_str("\x1b[H");
    for at in 1..=usize::from(ROWS) {
        row(out, numbers, at);
    }
}

/// One row: a marker, columns in colours, and the rest erased.
fn row(out: &mut String, numbers: &mut Numbers, at: usize) {
    let _ = write!(out, "\x1b[{at};1H\x1b[38;5;{}m│\x1b[0m", 232 + at % 24);
    for _ in 0..4 {
        let _ = write!(out, "\x1b[38;5;{};48;5;{}m", numbers.below(256), numbers.below(16));
        let _ = write!(out, "{:<22.22}\x1b[0m ", numbers.pick(WORDS));
    }
    out.push_str("\x1b[K");
}

/// Cuts it to exactly `bytes`, but not within a character.
fn whole(mut out: String, bytes: usize) -> Vec<u8> {
    while !out.is_char_boundary(bytes.min(out.len())) {
        out.pop();
    }
    out.truncate(bytes);
    out.into_bytes()
}
