//! Measures terminal session servers over their own wire: every byte compared, every status checked, errors counted as
//! errors, and the floor beside each figure.
//!
//! Of the server's crate it imports only `protocol`: it knows of a server what a client knows.

#[allow(dead_code, reason = "until the first scenario is there")]
mod machine;
#[allow(dead_code, reason = "until the first scenario is there")]
mod report;
#[allow(dead_code, reason = "until the first scenario is there")]
mod result;

fn main() {}
