//! What may happen to a session between its people and its servers: any order of typing, losing connections, coming
//! again, resending, watching, printing and being killed. What must hold is in `src/session/schedules`: input once in
//! order, and output byte n is byte n.
#![no_main]

mod session;

// The files of `session` find it where they have it in the server.
use fantail::terminal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| session::schedules::check(script));
