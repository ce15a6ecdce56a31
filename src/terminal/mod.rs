//! What a terminal is, as plain values: its size, its output as an addressed log, what it shows and how that is written out.
//!
//! Pure: no I/O, no clock, no runtime, and nothing else of this crate. What happens to a byte after the kernel gave
//! it to us and before a socket takes it is decided here.

pub mod log;
mod offset;
pub mod render;
pub mod screen;
mod size;

pub use offset::Offset;
pub use size::{Size, SizeError};
