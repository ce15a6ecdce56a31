//! Random output, random sizes, and what must hold of a screen whatever it is fed. Also a test, in a short form.

use std::fmt::Write as _;

use fantail::terminal::Size;
use fantail::terminal::screen::{Line, Screen};

/// Sequences fed to one screen before the next one begins.
const SEQUENCES_A_SCREEN: u64 = 200;
const SCROLLBACK_MAX: usize = 50;
/// Bytes of answers a screen may hold when nobody takes them.
const ANSWERS_MAX: usize = 1 << 20;

/// What a run came by.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Sequences fed.
    pub(crate) sequences: u64,
    /// Bytes fed.
    pub(crate) bytes: u64,
    /// Times that the size changed.
    pub(crate) resizes: u64,
    /// Snapshots from which a second screen followed the first one to the end.
    pub(crate) snapshots: u64,
}

/// Feeds at least `sequences` random ones. Panics where something does not hold, with all that the screen was fed.
pub(crate) fn run(seed: u64, sequences: u64) -> Report {
    let mut report = Report::default();
    let mut screens = 0;
    while report.sequences < sequences {
        screens += 1;
        one(&mut Random(seed.wrapping_mul(1_000_003).wrapping_add(screens)), &mut report);
    }
    report
}

/// One screen's life. From somewhere in it on a second screen, made from a snapshot, is fed the same. (That both show
/// the same is law 2, which has tests of its own.)
fn one(random: &mut Random, report: &mut Report) {
    let mut screen = Screen::new(random.size(), SCROLLBACK_MAX);
    let mut second: Option<Screen> = None;
    let mut past = format!("{:?}", screen.size());
    for _ in 0..SEQUENCES_A_SCREEN {
        report.sequences += 1;
        match random.below(40) {
            0 => {
                report.resizes += 1;
                let size = random.size();
                let _ = write!(past, "\n{size:?}");
                screen.resize(size);
                second.iter_mut().for_each(|second| second.resize(size));
            }
            1 => {
                past.push_str("\nhibernate");
                screen.hibernate();
            }
            2 if second.is_none() => {
                report.snapshots += 1;
                past.push_str("\nsnapshot");
                let snapshot = screen.snapshot(SCROLLBACK_MAX);
                let mut joined = Screen::new(snapshot.size, SCROLLBACK_MAX);
                joined.feed(&snapshot.bytes);
                assert_eq!(joined.take_answers(), b"", "a snapshot asks nothing: {past}");
                second = Some(joined);
            }
            _ => {
                let bytes = random.sequence();
                report.bytes += bytes.len() as u64;
                let _ = write!(past, "\n{}", bytes.escape_ascii());
                // In two cuts, now and then.
                let cut = if random.below(4) == 0 { random.below(bytes.len() + 1) } else { 0 };
                screen.feed(&bytes[..cut]);
                screen.feed(&bytes[cut..]);
                second.iter_mut().for_each(|second| second.feed(&bytes));
            }
        }
        check(&screen, &past);
        second.iter().for_each(|second| check(second, &past));
    }
    let answers = screen.take_answers().len();
    assert!(answers <= ANSWERS_MAX, "{answers} bytes of answers: {past}");
}

/// What holds of every screen.
fn check(screen: &Screen, past: &str) {
    let (size, cursor) = (screen.size(), screen.cursor());
    assert!(cursor.row < size.rows() && cursor.col < size.cols().max(2), "{past}\n{cursor:?}");
    assert!(screen.scrollback_len() <= SCROLLBACK_MAX, "{past}\n{} lines", screen.scrollback_len());
    let lines: Vec<Line> = screen.lines(SCROLLBACK_MAX).collect();
    let above = if screen.is_alternate() { 0 } else { screen.scrollback_len() };
    assert_eq!(lines.len(), above + usize::from(size.rows()), "{past}");
    for line in lines {
        let cols: u32 = line.runs.iter().map(|run| u32::from(run.cols)).sum();
        assert!(cols <= u32::from(size.cols().max(2)), "{past}\n{cols} columns: {line:?}");
        assert!(line.runs.iter().all(|run| !run.text.is_empty()), "{past}\n{line:?}");
    }
}

/// A small generator: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn size(&mut self) -> Size {
        let (cols, rows) = match self.below(8) {
            0 => (1 + self.below(3), 1 + self.below(3)),
            1 => (1 + self.below(1000), 1 + self.below(60)),
            _ => (2 + self.below(30), 1 + self.below(12)),
        };
        Size::new(cols as u64, rows as u64).unwrap_or(Size::DEFAULT)
    }

    /// Something a program could print, or nobody would.
    fn sequence(&mut self) -> Vec<u8> {
        let mut out = String::new();
        match self.below(16) {
            0..=4 => self.text(&mut out),
            5..=9 => self.control_sequence(&mut out),
            10 => out.push_str(self.pick(CONTROLS)),
            11 => out.push_str(self.pick(ESCAPES)),
            12 => self.mode(&mut out),
            13 => self.string(&mut out),
            14 => self.rendition(&mut out),
            _ => return (0..1 + self.below(6)).map(|_| self.next().to_le_bytes()[0]).collect(),
        }
        out.into_bytes()
    }

    fn text(&mut self, out: &mut String) {
        for _ in 0..1 + self.below(20) {
            match self.below(4) {
                0 => out.push_str(self.pick(CLUSTERS)),
                1 => out.push_str("the quick brown fox"),
                _ => out.push(self.pick(&['a', 'Z', '~', ' ', '0', 'x'])),
            }
        }
    }

    fn number(&mut self, out: &mut String) {
        let _ = match self.below(10) {
            0 => Ok(()),
            1 => write!(out, "{}", self.pick(&[255, 999, 65_535, 65_536, 2_147_483_647, 4_294_967_295_u64])),
            _ => write!(out, "{}", self.below(14)),
        };
    }

    fn control_sequence(&mut self, out: &mut String) {
        out.push_str(self.pick(&["\x1b[", "\x1b[", "\x1b[", "\u{9b}"]));
        out.push_str(self.pick(&["", "", "", "", "", "", "?", ">", "=", "<"]));
        for parameter in 0..self.below(4) {
            if parameter > 0 {
                out.push(self.pick(&[';', ';', ';', ':']));
            }
            self.number(out);
        }
        out.push_str(self.pick(&["", "", "", "", "", "", "", "", " ", "!", "\"", "$", "'", "#"]));
        out.push(self.pick(b"@ABCDEFGHIJKLMPSTXZ`abcdefghlmnpqrstuvxyz{|}~^LMPSTX@JKHbr").into());
    }

    fn mode(&mut self, out: &mut String) {
        let mode = self.pick(&[
            "?1", "?3", "?5", "?6", "?7", "?12", "?25", "?45", "?47", "?66", "?69", "?1000", "?1002", "?1003", "?1004",
            "?1006", "?1016", "?1047", "?1048", "?1049", "?1049", "?1049", "?2004", "?2026", "?2031", "?9001", "4",
            "20",
        ]);
        let _ = write!(out, "\x1b[{mode}{}", self.pick(&["h", "h", "l", "$p"]));
    }

    fn rendition(&mut self, out: &mut String) {
        out.push_str("\x1b[");
        for _ in 0..1 + self.below(3) {
            let _ = match self.below(6) {
                0 => write!(out, "38;5;{};", self.below(300)),
                1 => write!(out, "48:2::{}:{}:{};", self.below(256), self.below(256), self.below(256)),
                2 => write!(out, "58;2;{};{};{};", self.below(256), self.below(256), self.below(256)),
                3 => write!(out, "4:{};", self.below(7)),
                _ => write!(out, "{};", self.below(110)),
            };
        }
        out.push('m');
    }

    fn string(&mut self, out: &mut String) {
        out.push_str(self.pick(STRINGS));
        if self.below(3) == 0 {
            self.text(out);
        }
        out.push_str(self.pick(&["\x07", "\x1b\\", "\x1b\\", "\u{9c}", "\x18", ""]));
    }
}

const CLUSTERS: &[&str] = &[
    "é",
    "漢字",
    "한국어",
    "e\u{301}",
    "\u{301}",
    "😀",
    "👩\u{200d}🚀",
    "❤\u{fe0f}",
    "\u{fe0f}",
    "🇩🇪",
    "🇫",
    "\u{200d}",
    "\u{600}1",
    "\u{1112}\u{1161}\u{11ab}",
    "\u{ad}",
    "\u{a0}",
    "\u{feff}",
    "\u{fffe}",
    "Ａ",
    "ﬁ",
    "─│┌",
    "க\u{bcd}ஷ\u{bbf}",
];
const CONTROLS: &[&str] = &[
    "\r",
    "\n",
    "\r\n",
    "\n\n\n",
    "\t",
    "\x08",
    "\x08\x08\x08",
    "\x07",
    "\x0b",
    "\x0c",
    "\x0e",
    "\x0f",
    "\x18",
    "\x1a",
    "\x7f",
    "\0",
    "\u{84}",
    "\u{85}",
    "\u{88}",
    "\u{8d}",
    "\u{90}",
    "\x1b",
];
const ESCAPES: &[&str] = &[
    "\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bH", "\x1bM", "\x1bM", "\x1b=", "\x1b>", "\x1bc", "\x1bn", "\x1bo",
    "\x1b|", "\x1b}", "\x1b~", "\x1b(0", "\x1b(B", "\x1b)0", "\x1b*A", "\x1b+B", "\x1b#8", "\x1b%G", "\x1b\\", "\x1bZ",
    "\x1b6",
];
const STRINGS: &[&str] = &[
    "\x1b]0;title",
    "\x1b]2;",
    "\x1b]1;icon",
    "\x1b]4;1;rgb:12/34/56",
    "\x1b]4;1;?",
    "\x1b]7;file://host/tmp/a%20b",
    "\x1b]8;;https://example.org/",
    "\x1b]8;id=x;https://example.org/",
    "\x1b]8;;",
    "\x1b]10;?",
    "\x1b]11;#123456",
    "\x1b]12;red",
    "\x1b]52;c;aGVsbG8=",
    "\x1b]52;c;?",
    "\x1b]104",
    "\x1b]104;1",
    "\x1b]110",
    "\x1b]133;A",
    "\x1b]1337;x",
    "\x1bP$qm",
    "\x1bP$qr",
    "\x1bP$q q",
    "\x1bP+q544e",
    "\x1bPq#0;2;0;0;0~~",
    "\x1b_Ga=T;AAAA",
    "\x1bX",
    "\x1b^pm",
];
