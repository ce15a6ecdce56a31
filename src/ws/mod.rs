//! The native WebSocket: from the upgrade of a request to the last byte of a connection.
//!
//! Owns what lies between a viewer and a socket. Decides nothing about sessions: who may attach is the edge's rule,
//! and what a session does is the session's.

mod acks;
mod allowance;
mod attendance;
mod connection;
#[cfg(test)]
mod differential;
mod ending;
mod frame;
mod incoming;
mod latest;
mod outgoing;
mod socket;
mod upgrade;

pub use frame::{FrameReader, Received, Violation};
pub use upgrade::routes;
