//! Fantail: a realtime terminal session server.
//!
//! One line of data, and nothing else crosses it:
//!
//! ```text
//! PTY ─▶ session/pty ─▶ terminal/log ─▶ session/viewer ─▶ ws/connection ─▶ browser
//! PTY ◀─ session/input ◀──────── access check ◀──────── ws/connection ◀─ browser
//! ```
//!
//! The modules below are in reading order. Who may import whom is a table in ARCHITECTURE.md, and a test.

pub mod config;

pub mod terminal;

pub mod session;

pub mod holder;

pub mod registry;

pub mod protocol;

pub mod ws;

pub mod auth;

pub mod store;

pub mod http;

pub mod telemetry;

pub mod server;

pub mod cli;
