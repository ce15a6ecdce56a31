//! What an attacker tries, by the number of the promise it must not break.

mod authentication;
mod authorization;
mod client;
mod content;
mod database;
mod everywhere;
mod frames;
mod handshake;
mod leaving;
mod list;
mod origin;
mod processes;
mod slow;
mod transport;
