//! What an attacker tries, by the number of the promise it must not break.

mod authentication;
mod authorization;
mod client;
mod content;
mod database;
mod everywhere;
mod frames;
mod guessing;
mod handshake;
mod leaving;
mod list;
mod origin;
mod passwords;
mod processes;
mod renewal;
mod slow;
mod tickets;
mod transport;
