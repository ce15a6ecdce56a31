//! Law 1 over random schedules: whatever the chunk sizes, late joins, slow readers and evictions, a reader gets
//! exactly the bytes from where it began, or is told which it does not get.

use proptest::prelude::*;

use super::*;

fn created(bytes: usize, catch_up: Arc<CatchUp>) -> (Log, LogWriter) {
    Log::create(Memory::create().expect("memory"), bytes, Offset::ZERO, Size::DEFAULT, catch_up)
}

/// One step of a schedule.
#[derive(Clone, Debug)]
enum Step {
    /// The program prints this many bytes, in reads of at most `read` bytes, published together.
    Print { bytes: usize, read: usize },
    /// The terminal is resized: an event in order.
    Resize(u16),
    /// A reader joins at this fraction of what is held.
    Join(f64),
    /// Reader number n (modulo their count) takes up to `pulls` chunks, no further than `window` past where it is.
    Read { reader: usize, pulls: usize, window: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..20_000, 1usize..5000).prop_map(|(bytes, read)| Step::Print { bytes, read }),
        2 => (1usize..40, 1usize..40).prop_map(|(bytes, read)| Step::Print { bytes, read }),
        1 => (1u16..=1000).prop_map(Step::Resize),
        1 => (0.0..=1.0).prop_map(Step::Join),
        6 => (0usize..8, 1usize..6, 1u64..200_000)
            .prop_map(|(reader, pulls, window)| Step::Read { reader, pulls, window }),
    ]
}

/// Byte n of the output.
fn byte_at(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

fn print(writer: &mut LogWriter, bytes: usize, read: usize) {
    let mut left = bytes;
    let mut offset = writer.end().0;
    while left > 0 {
        let space = writer.space().expect("memory");
        let taken = left.min(read).min(space.len());
        for (i, byte) in space[..taken].iter_mut().enumerate() {
            *byte = byte_at(offset + i as u64);
        }
        writer.commit(taken);
        offset += taken as u64;
        left -= taken;
    }
    writer.publish();
}

/// A reader and what it has been given: everything is checked as it arrives.
struct Follower {
    reader: LogReader,
    next: Offset,
    resizes: Vec<(Offset, u16)>,
    joined: Offset,
    gaps: Vec<(Offset, Offset)>,
}

impl Follower {
    fn join(log: &Log, from: Offset) -> Self {
        let reader = log.reader(from).expect("held");
        Self { reader, next: from, resizes: Vec::new(), joined: from, gaps: Vec::new() }
    }

    /// Whether an event at `offset` may have been missed: before the join, or dropped with the bytes of a gap.
    fn may_miss(&self, offset: Offset) -> bool {
        offset < self.joined || self.gaps.iter().any(|&(from, to)| from <= offset && offset <= to)
    }

    fn pull(&mut self, limit: Offset) -> bool {
        match self.reader.pull(limit) {
            Pull::Chunk(mut chunk) => {
                let mut wire = Vec::new();
                // Sent in uneven pieces, as a socket would take them.
                while !chunk.is_sent() {
                    let part = chunk.unsent().into_iter().find(|part| !part.is_empty()).expect("unsent");
                    let piece = part.len().div_ceil(3);
                    wire.extend_from_slice(&part[..piece]);
                    chunk.advance(piece);
                }
                let mut seen = 0;
                for frame in frames(&wire, 0) {
                    seen = frame.whole.end;
                    assert_eq!(frame.offset, self.next, "a frame continues where the last ended");
                    assert!(frame.offset <= limit, "a frame past the limit");
                    if frame.kind == EVENT {
                        let cols =
                            std::str::from_utf8(&wire[frame.payload.clone()]).expect("text").parse().expect("cols");
                        self.resizes.push((frame.offset, cols));
                    } else {
                        for (i, &byte) in wire[frame.payload.clone()].iter().enumerate() {
                            assert_eq!(byte, byte_at(frame.offset.0 + i as u64), "byte {} of {}", i, frame.offset);
                        }
                    }
                    self.next = frame.end();
                }
                assert_eq!(seen, wire.len(), "whole frames only");
                assert_eq!((self.next, self.next), (chunk.end(), self.reader.offset()));
                true
            }
            Pull::Gap { from, to } => {
                assert_eq!(from, self.next, "the gap begins where the reader was");
                assert!(to >= from, "a gap goes forward");
                self.gaps.push((from, to));
                self.next = to;
                true
            }
            Pull::Limited | Pull::CaughtUp => false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_reader_gets_every_byte_once_in_order_or_a_gap(steps in prop::collection::vec(step(), 1..120)) {
        let (log, mut writer) = created(3 * SEGMENT_BYTES, Arc::new(CatchUp::new(0, 0)));
        let mut followers: Vec<Follower> = Vec::new();
        let mut resizes: Vec<(Offset, u16)> = Vec::new();
        for step in steps {
            match step {
                Step::Print { bytes, read } => print(&mut writer, bytes, read),
                Step::Resize(cols) => {
                    writer.resize(Size::new(cols.into(), 24).expect("valid"), cols.to_string().as_bytes()).expect("memory");
                    resizes.push((writer.end(), cols));
                }
                #[expect(clippy::cast_possible_truncation, reason = "a fraction of a small number")]
                Step::Join(fraction) => {
                    let held = log.held();
                    let from = held.start + (held.end.since(held.start) as f64 * fraction) as u64;
                    followers.push(Follower::join(&log, from));
                }
                Step::Read { reader, pulls, window } => {
                    let count = followers.len().max(1);
                    if let Some(follower) = followers.get_mut(reader % count) {
                        let limit = follower.next + window;
                        for _ in 0..pulls {
                            follower.pull(limit);
                        }
                    }
                }
            }
            prop_assert_eq!(log.held().end, writer.end());
            prop_assert!(log.chain.read().segments.len() <= 3, "the log is bounded");
        }
        for follower in &mut followers {
            while follower.pull(Offset(u64::MAX)) {}
            prop_assert_eq!(follower.next, writer.end(), "a reader that reads on catches up");
            // Resizes arrive once, in order and at their place; only a gap or a late join may hide one.
            let mut seen = follower.resizes.iter().peekable();
            for resize in &resizes {
                if seen.peek() == Some(&resize) {
                    seen.next();
                } else {
                    prop_assert!(follower.may_miss(resize.0), "lost {:?}", resize);
                }
            }
            prop_assert!(seen.next().is_none(), "an event that never was, or twice");
        }
        let held = log.held();
        let copied = log.copy(held.clone()).expect("all of it is held");
        prop_assert!(copied.iter().enumerate().all(|(i, &byte)| byte == byte_at(held.start.0 + i as u64)));
        prop_assert_eq!(copied.len() as u64, held.end.since(held.start));
        if let Some((at, cols)) = resizes.last() {
            prop_assert_eq!(log.size_at(*at).cols(), *cols);
        }
    }
}

#[test]
fn a_reader_past_the_end_is_refused_and_a_range_not_held_names_what_is() {
    let (log, mut writer) = created(2 * SEGMENT_BYTES, Arc::new(CatchUp::new(0, 0)));
    assert!(log.reader(Offset(1)).is_err());
    print(&mut writer, 300_000, 4096);
    let held = log.held();
    assert!(held.start > Offset::ZERO);
    let refused = NotHeld { start: held.start, end: held.end };
    assert_eq!(log.copy(Offset::ZERO..held.end), Err(refused));
    assert_eq!(log.copy(held.start..held.end + 1usize), Err(refused));
    assert_eq!(log.copy(held.end..held.end), Ok(Vec::new()));
}

#[test]
fn a_reader_that_resumes_inside_a_frame_gets_a_header_of_its_own() {
    let (log, mut writer) = created(4 * SEGMENT_BYTES, Arc::new(CatchUp::new(0, 0)));
    print(&mut writer, 50_000, 4096);
    for from in [1, 4095, 4096, 49_999] {
        let mut follower = Follower::join(&log, Offset(from));
        while follower.pull(Offset(u64::MAX)) {}
        assert_eq!(follower.next, Offset(50_000));
    }
}

#[test]
fn what_the_screen_has_not_seen_is_kept_within_both_bounds_and_let_go_when_it_has() {
    let catch_up = Arc::new(CatchUp::new(2 * SEGMENT_BYTES, 3 * SEGMENT_BYTES));
    let flood = || {
        let (log, mut writer) = created(2 * SEGMENT_BYTES, Arc::clone(&catch_up));
        while !writer.needs_screen() {
            print(&mut writer, 4096, 4096);
        }
        (log, writer)
    };
    let segments = |log: &Log| log.chain.read().segments.len();
    let (first, mut writer) = flood();
    assert_eq!((segments(&first), first.held().start), (4, Offset::ZERO), "the session's bound");
    let (second, other) = flood();
    assert_eq!((segments(&second), second.held().start), (3, Offset::ZERO), "the server's bound");
    // The screen sees some of it, then all.
    let second_start = first.chain.read().segments[1].start;
    first.has_shown(second_start);
    assert_eq!(segments(&first), 3);
    assert!(!writer.needs_screen());
    first.has_shown(first.held().end);
    assert_eq!(segments(&first), 2);
    print(&mut writer, 300_000, 4096);
    assert!(segments(&first) <= 4, "bounded, though nobody looked whether the screen had caught up");
    drop((first, writer, second, other));
    assert_eq!(segments(&flood().0), 4, "what was taken is given back");
}
