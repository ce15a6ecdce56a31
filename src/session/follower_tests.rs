//! A screen that follows a log, taken a step at a time.

use super::*;
use crate::terminal::log::{CatchUp, EVENT, LogWriter, Memory, SEGMENT_BYTES};

fn following_an_empty_log() -> (Follower, ScreenDoor, LogWriter) {
    following(&Settings::new(tokio::runtime::Handle::current(), || jiff::Timestamp::UNIX_EPOCH))
}

fn following(settings: &Settings) -> (Follower, ScreenDoor, LogWriter) {
    let memory = Memory::create().expect("memory");
    let ledger = Ledger::new(Arc::clone(&memory));
    let catch_up = Arc::clone(&settings.catch_up);
    let (log, writer) = Log::create(memory, settings.log_bytes, Offset::ZERO, Size::DEFAULT, catch_up);
    let (_, end) = watch::channel(Offset::ZERO);
    let (follower, door) = Follower::create(settings, &log, end, &Origin::blank(Size::DEFAULT), ledger);
    (follower, door, writer)
}

fn print(writer: &mut LogWriter, text: &str) {
    writer.space().expect("memory")[..text.len()].copy_from_slice(text.as_bytes());
    writer.commit(text.len());
    writer.publish();
}

fn shown(follower: &Follower) -> String {
    let first = follower.screen.lines(0).next().expect("a line");
    first.runs.iter().map(|run| run.text.as_str()).collect()
}

/// Makes it fail on a frame, as often as it takes for that to be passed over.
fn poison(follower: &mut Follower, frame: Frame) {
    for _ in 0..2 {
        follower.rebuild(&Failed(frame));
        while follower.step() {}
    }
}

#[tokio::test]
async fn a_log_full_of_tiny_frames_does_not_wait_for_a_screen_that_has_seen_them() {
    let mut settings = Settings::new(tokio::runtime::Handle::current(), || jiff::Timestamp::UNIX_EPOCH);
    (settings.log_bytes, settings.catch_up) = (4 * SEGMENT_BYTES, Arc::new(CatchUp::new(0, 0)));
    let (mut follower, _door, mut writer) = following(&settings);
    for _ in 0..5 * SEGMENT_BYTES {
        print(&mut writer, "x");
        if writer.needs_screen() {
            while follower.step() {}
            assert!(!writer.needs_screen(), "held for ever, {} bytes in", follower.at.offset);
        }
    }
    assert!(follower.log.held().start > Offset::ZERO, "the log was never full");
}

#[tokio::test]
async fn a_size_it_fails_on_again_begins_a_new_screen_and_costs_no_output() {
    let (mut follower, door, mut writer) = following_an_empty_log();
    print(&mut writer, "one");
    let small = Size::new(40, 10).expect("valid");
    writer.resize(small, br#"{"event":"resize","cols":40,"rows":10}"#).expect("memory");
    writer.publish();
    print(&mut writer, "two");
    while follower.step() {}
    assert_eq!(shown(&follower), "onetwo");
    poison(&mut follower, (EVENT, Offset(3)));
    assert_eq!((shown(&follower).as_str(), follower.screen.size()), ("two", small));
    assert_eq!((door.changes.borrow().offset, door.changes.borrow().size), (Offset(6), small));
}

#[tokio::test]
async fn a_screen_that_failed_is_rebuilt_and_a_frame_it_fails_on_again_is_passed_over() {
    let (mut follower, door, mut writer) = following_an_empty_log();
    // More than a segment between what is looked at, so that a rebuild takes more than one step.
    let nothing = "\0".repeat(4096);
    print(&mut writer, "one ");
    print(&mut writer, "two ");
    (0..2 * SEGMENT_BYTES / nothing.len()).for_each(|_| print(&mut writer, &nothing));
    print(&mut writer, "three");
    while follower.step() {}
    let end = Offset(13) + 2 * SEGMENT_BYTES;
    assert_eq!((shown(&follower).as_str(), door.changes.borrow().offset), ("one two three", end));
    for (again, expected) in [(false, "one two three four"), (true, "one three four")] {
        follower.rebuild(&Failed((OUTPUT, Offset(4))));
        // Nothing is told or answered before all is parsed again that was, and then it goes on.
        let told = *door.changes.borrow();
        assert!(follower.step() && follower.at.offset < end && *door.changes.borrow() == told);
        if !again {
            print(&mut writer, " four");
        }
        while follower.step() {}
        assert_eq!(shown(&follower), expected);
        assert_eq!(door.changes.borrow().offset, end + 5_usize);
        assert_eq!(follower.rebuild.until, Offset::ZERO);
    }
}
