//! Feeds a screen random sequences and sizes until as many as wanted are fed, and stops at the first thing that does
//! not hold: `cargo run --release --example screen_fuzz -- 1000000 [seed]`.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a command for people")]

mod fuzz;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>().expect("a number"));
    let sequences = numbers.next().unwrap_or(1_000_000);
    let seed = numbers.next().unwrap_or(1);
    let report = fuzz::run(seed, sequences);
    println!("seed {seed}: {report:?}, and all held");
}
