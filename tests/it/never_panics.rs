//! No output and no size makes a screen panic or breaks what holds of it. The long form is `examples/screen_fuzz`.

#[path = "../../examples/screen_fuzz/fuzz.rs"]
mod fuzz;

const SEQUENCES: u64 = 20_000;

#[test]
fn a_screen_survives_random_output_and_sizes() {
    let report = fuzz::run(20_261_121, SEQUENCES);
    println!("{report:?}");
    assert!(report.sequences >= SEQUENCES && report.resizes > 100 && report.snapshots > 10, "{report:?}");
}
