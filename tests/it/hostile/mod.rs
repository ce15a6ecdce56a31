//! Attacks, by the number each has on our list: one function a promise.

mod client;
mod content;
