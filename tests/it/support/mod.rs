//! A real server in its own process, and clients that keep what a person would see.

mod bystander;
mod client;
pub mod document;
mod faults;
pub mod holding;
mod login;
mod outage;
mod postgres;
pub mod provider;
pub mod raw;
mod routes;
mod server;
mod trust;
mod typist;

pub use bystander::Bystander;
pub use client::{Client, Closed, Join, text};
pub use faults::{Break, Faults, Plan, Way};
pub use login::Login;
pub(crate) use postgres::Postgres;
pub use raw::{Answer, Raw};
pub use routes::routes_of_the_source;
pub use server::{Server, http, open_descriptors, resident_bytes};
pub use trust::trusting;
pub use typist::{Random, Typist};

use std::ffi::OsStr;
use std::path::Path;
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

/// Makes a program at `path` by a shell's command, whose $1 is `of` and whose $2 is a name beside it. By another process,
/// because one of ours that is just being started would hold the file open for writing, and what is written to cannot be
/// executed.
pub fn executable(command: &str, of: impl AsRef<OsStr>, path: &Path) {
    let script = format!("{command} && mv -f \"$2\" \"$3\"");
    let mut sh = std::process::Command::new("sh");
    sh.args(["-c", &script, "sh"]).arg(of).arg(path.with_extension("new")).arg(path);
    assert!(sh.status().expect("sh runs").success());
}

/// A script of the shell as a program at `path`.
pub fn executable_script(script: &str, path: &Path) {
    executable("printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"", script, path);
}

/// Between two looks at what says nothing when it changes. Looking without a pause takes the processor from the program
/// that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Looks until `found` gives something, where there is no event to wait for; fails saying that `what` never came.
pub async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let looks = async {
        loop {
            match found().await {
                Some(found) => return found,
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    };
    patiently(what, looks).await
}

/// Waits for `what`, or fails saying it never came.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(PATIENCE, what, future).await
}

/// The same for what takes longer than anything else.
pub async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
