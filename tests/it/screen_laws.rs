//! Law 2 in our own screen: a blank one fed a snapshot and what follows is the one that had everything, wherever a
//! real program's output was cut. `tests/screen` asks the same of the client.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantail::terminal::Size;
use fantail::terminal::screen::{BufferState, Screen, State};
use serde::Deserialize;

/// Cuts of a recording. More of them show nothing that `npm run long` in `tests/screen` would not.
const CUTS: usize = 40;
const SCROLLBACK: usize = 100;

#[derive(Deserialize)]
struct Header {
    cols: u64,
    rows: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    Out(String),
    Resize([u64; 2]),
}

enum Step {
    Feed(Vec<u8>),
    Resize(Size),
}

fn recording(text: &str) -> (Size, Vec<Step>) {
    let mut lines = text.lines();
    let header: Header = serde_json::from_str(lines.next().expect("a header")).expect("a header");
    let steps = lines.map(|line| match serde_json::from_str(line).expect("a record") {
        Record::Out(bytes) => Step::Feed(BASE64_STANDARD.decode(bytes).expect("base64")),
        Record::Resize([cols, rows]) => Step::Resize(Size::new(cols, rows).expect("a size")),
    });
    (Size::new(header.cols, header.rows).expect("a size"), steps.collect())
}

/// The same for the same seed (`SplitMix64`).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

/// Without what no sequence can put on a screen: what lies outside it, and mode 2026, which a snapshot leaves out.
fn carried(screen: &Screen) -> State {
    let mut state = screen.inspect();
    state.modes.synchronized = false;
    let (cols, rows) = (state.cols, state.rows);
    let within = |buffer: &mut BufferState| {
        buffer.tabs.retain(|&col| col < cols);
        buffer.hidden.clear();
        buffer.saved.x = buffer.saved.x.min(cols - 1);
        buffer.saved.y = buffer.saved.y.min(rows - 1);
        // The oldest line may continue one that is gone.
        if let Some(first) = buffer.lines.first_mut() {
            *first = first.trim_start_matches('+').into();
        }
    };
    within(&mut state.primary);
    within(&mut state.secondary);
    state
}

/// At the end a saved cursor that was above the screen at the cut may be inside it.
fn without_saved_place(mut state: State) -> State {
    for buffer in [&mut state.primary, &mut state.secondary] {
        (buffer.saved.x, buffer.saved.y) = (0, 0);
    }
    state
}

/// Plays `steps` from the byte `from` of their output up to the byte `to`. A resize at `to` is played, one at `from` not.
fn play(screen: &mut Screen, steps: &[Step], from: usize, to: usize) {
    let mut at = 0;
    for step in steps {
        match step {
            Step::Resize(size) if (at > from || from == 0) && at <= to => screen.resize(*size),
            Step::Resize(_) => {}
            Step::Feed(bytes) => {
                let begin = from.saturating_sub(at).min(bytes.len());
                let end = to.saturating_sub(at).min(bytes.len());
                if begin < end {
                    screen.feed(&bytes[begin..end]);
                }
                at += bytes.len();
            }
        }
    }
}

#[test]
fn a_snapshot_and_the_rest_is_the_whole_wherever_a_recording_is_cut() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/recordings");
    let mut recordings = 0;
    for file in std::fs::read_dir(folder).expect("the recordings") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "rec") {
            continue;
        }
        recordings += 1;
        let (size, steps) = recording(&std::fs::read_to_string(&path).expect("a recording"));
        let length: usize = steps.iter().map(|step| if let Step::Feed(bytes) = step { bytes.len() } else { 0 }).sum();
        let mut seed = length as u64;
        let bound = length as u64 + 1;
        let mut cuts: Vec<usize> =
            (0..CUTS).map(|_| usize::try_from(random(&mut seed) % bound).expect("within the recording")).collect();
        cuts.sort_unstable();
        let mut whole = Screen::new(size, SCROLLBACK);
        let mut before = 0;
        let mut late = Vec::new();
        for &cut in &cuts {
            play(&mut whole, &steps, before, cut);
            late.iter_mut().for_each(|screen| play(screen, &steps, before, cut));
            before = cut;
            let snapshot = whole.snapshot(SCROLLBACK);
            let mut screen = Screen::new(snapshot.size, SCROLLBACK);
            screen.feed(&snapshot.bytes);
            assert_eq!(carried(&screen), carried(&whole), "{} cut at {cut}", path.display());
            late.push(screen);
        }
        play(&mut whole, &steps, before, length);
        let end = without_saved_place(carried(&whole));
        for (mut screen, cut) in late.into_iter().zip(cuts) {
            play(&mut screen, &steps, before, length);
            assert_eq!(without_saved_place(carried(&screen)), end, "{} cut at {cut}, at its end", path.display());
        }
    }
    assert!(recordings >= 9, "the recordings are there");
}
