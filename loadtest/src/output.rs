//! Realistic output: a compiler's log in colours, diffs, progress bars, scripts of several alphabets.
//!
//! Pure: the same seed and length give the same bytes everywhere.

use std::io::Write as _;

const NAMES: [&str; 16] = [
    "serde", "tokio", "hyper", "bytes", "regex", "libc", "syn", "quote", "rustls", "tracing", "axum", "tower", "uuid",
    "rand", "itoa", "memchr",
];
const WORDS: [&str; 16] = [
    "session",
    "viewer",
    "offset",
    "handshake",
    "unused",
    "variable",
    "terminal",
    "borrowed",
    "value",
    "thread",
    "queue",
    "segment",
    "écran",
    "端末",
    "сессия",
    "完了",
];
/// Bytes of the longest line, escape sequences included, with room.
const LINE_MAX: usize = 512;

/// A small generator of Marsaglia's (xorshift64*): what it gives is fixed by its seed for ever.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One of `0..bound`.
    const fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }

    fn of(&mut self, words: &[&'static str; 16]) -> &'static str {
        words[usize::try_from(self.below(16)).unwrap_or(0)]
    }
}

/// So many bytes of output, whole characters.
pub(crate) fn realistic(seed: u64, bytes: usize) -> Vec<u8> {
    // Zero would stay zero.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut out = Vec::with_capacity(bytes + LINE_MAX);
    while out.len() < bytes {
        // A Vec takes whatever is written.
        let _ = line(&mut out, &mut random);
    }
    let cut = std::str::from_utf8(&out[..bytes]).map_or_else(|error| error.valid_up_to(), str::len);
    out.truncate(cut);
    out.resize(bytes, b'.');
    out
}

fn line(out: &mut Vec<u8>, random: &mut Random) -> std::io::Result<()> {
    let (name, word, other) = (random.of(&NAMES), random.of(&WORDS), random.of(&WORDS));
    let (a, b, c) = (random.below(256), random.below(100), random.below(1000));
    match random.below(16) {
        0..6 => write!(out, "\x1b[1m\x1b[32m   Compiling\x1b[0m {name}-{word} v{b}.{c}.{a} (/home/ann/src/{name})\r\n"),
        6..8 => write!(
            out,
            "\x1b[1m\x1b[38;5;{a}mwarning\x1b[0m\x1b[1m: {word} `{other}` is never used\x1b[0m\r\n  \
             \x1b[38;5;12m-->\x1b[0m src/{name}/{word}.rs:{c}:{b}\r\n   \x1b[38;5;12m|\x1b[0m\r\n\
             \x1b[38;5;12m{c:<3}|\x1b[0m     let {other} = {name}::{word}({a});\r\n"
        ),
        8..11 => write!(
            out,
            "\x1b[38;2;{a};{b};{}m12:{:02}:{:02}.{c:03}\x1b[0m \x1b[34mINFO\x1b[0m {name}::{word}: {other} of {c} bytes \
             in {b} ms\r\n",
            c % 256,
            a % 60,
            b % 60
        ),
        11..13 => write!(
            out,
            "\x1b[31m-    {name}.{word}({c}, \"{other}\")?;\x1b[0m\r\n\x1b[32m+    {name}.{word}({b}).await?;\x1b[0m\r\n"
        ),
        13..15 => write!(out, "test {name}::{word}_{other}_{c} ... \x1b[32mok\x1b[0m  ✔ {a} ▸ {b}\r\n"),
        _ => progress(out, name, b),
    }
}

/// A bar that is drawn over itself.
fn progress(out: &mut Vec<u8>, name: &str, from: u64) -> std::io::Result<()> {
    for percent in [from / 2, from, from + (100 - from) / 2] {
        let full = usize::try_from(percent / 5).unwrap_or(0).min(20);
        let (full, empty) = ("█".repeat(full), "░".repeat(20 - full));
        write!(out, "\r\x1b[2K\x1b[36m{percent:3}%\x1b[0m [{full}{empty}] {name}")?;
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_for_a_seed_and_another_for_another() {
        let output = realistic(7, 100_000);
        assert_eq!(output.len(), 100_000);
        assert_eq!(output, realistic(7, 100_000));
        assert_ne!(output, realistic(8, 100_000));
        // What is cut off differs at most in the last character.
        assert_eq!(output[..90_000], realistic(7, 90_004)[..90_000]);
    }

    #[test]
    fn it_is_text_with_colours_and_more_than_one_alphabet() {
        for bytes in 1..600 {
            assert!(String::from_utf8(realistic(1, bytes)).is_ok(), "{bytes} bytes");
        }
        let text = String::from_utf8(realistic(1, 100_000)).expect("UTF-8");
        for kind in ["\x1b[38;2;", "\x1b[38;5;", "\r\x1b[2K", "端末", "█", "\r\n"] {
            assert!(text.contains(kind), "{kind:?}");
        }
    }
}
