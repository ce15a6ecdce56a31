//! What the holder keeps outlives whoever asked for it, and the holder itself is outlived.

mod dying;
mod guarding;
mod outliving;
mod separate;
mod starting;
