//! What a client's socket may carry: our reader of RFC 6455 frames on any bytes in any pieces, beside tungstenite's.
//! What must hold, and the differences that are meant, are in `src/ws/differential.rs`.
#![no_main]

#[path = "../../src/ws/differential.rs"]
mod differential;

use differential::check;
use fantail::ws as frame;
use libfuzzer_sys::fuzz_target;

// The first four bytes say how the rest is cut.
fuzz_target!(|data: &[u8]| {
    if let Some((cuts, wire)) = data.split_first_chunk::<4>() {
        check(cuts, wire);
    }
});
