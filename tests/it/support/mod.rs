//! A real server in its own process, and clients that keep what a person would see.

mod bystander;
mod client;
mod login;
pub mod raw;
mod server;

pub use bystander::Bystander;
pub use client::{Client, Closed, Join, text};
pub use login::Login;
pub use raw::{Answer, Raw};
pub use server::{Server, http, open_descriptors, resident_bytes};

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long a test waits for what must happen. Generous, because machines are shared; nothing is asserted about time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for its turn among the tests that take the whole machine: beside another of them, a flood says nothing.
pub async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let turn = TURN.lock().await;
    // A thousand viewers are a thousand sockets of this process; usually it may have 1,024 descriptors until it asks.
    let descriptors = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: descriptors.maximum, ..descriptors }).expect("up to the hard limit");
    turn
}

/// Waits for `what`, or fails saying it never came.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
