//! A server is replaced by its next version while it serves: no request fails, and what does not come up changes
//! nothing.

mod asking;
mod failing;
mod installed;
mod replacing;
mod service;
