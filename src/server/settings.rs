//! What the configuration means to each part: sessions, routes, and the names we are served under. Starts nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::encryption::Encryption;
use super::self_signed;
use super::threads::Threads;
use crate::config::{self, Config};
use crate::http::profiles::Profiles;
use crate::http::{Rates, Settings};
use crate::registry::{Limits, Registry};
use crate::session::{self, Emulation, Spawner};
use crate::store::Store;

/// Not written in a URL.
const HTTPS_PORT: u16 = 443;

/// The sessions of this server.
pub(super) fn registry(
    config: &Config,
    threads: &Threads,
    spawner: Arc<dyn Spawner>,
    store: Arc<dyn Store>,
) -> Registry {
    let limits =
        Limits { sessions_max: config.max_sessions, exited_max: config.exited_max, exited_ttl: config.exited_ttl };
    #[expect(clippy::disallowed_methods, reason = "the one place the wall clock is read")]
    let defaults = session::Settings::new(threads.screens(), Timestamp::now);
    let settings = session::Settings {
        lanes: threads.lanes(),
        log_bytes: config.log_bytes,
        scrollback_lines: config.scrollback_lines,
        resync_bytes: config.resync_bytes as u64,
        clipboard: match config.clipboard {
            config::Clipboard::View => session::ClipboardPolicy::View,
            config::Clipboard::Off => session::ClipboardPolicy::Off,
        },
        emulation: match config.emulation {
            config::Emulation::Client => Emulation::Client,
            config::Emulation::Xterm => Emulation::Xterm { checksums: false },
            config::Emulation::XtermChecksums => Emulation::Xterm { checksums: true },
        },
        pace: match config.pace {
            config::Pace::Free => session::Pace::Free,
            config::Pace::Fastest => session::Pace::Fastest,
            config::Pace::Lossless => session::Pace::Lossless,
        },
        sizes: match config.sizes {
            config::Sizes::Latest => session::Sizes::Latest,
            config::Sizes::Owner => session::Sizes::Owner,
            config::Sizes::Smallest => session::Sizes::Smallest,
            config::Sizes::Fixed => session::Sizes::Fixed,
        },
        ..defaults
    };
    Registry::new(limits, settings, spawner, store, boot())
}

/// What the routes need to know of the configuration.
pub(super) fn settings(config: &Config, profiles: Profiles, public_urls: Vec<String>, cores: usize) -> Settings {
    let config::Rates { requests, openings, tickets, expensive, saves, attempts } = config.rates;
    Settings {
        profiles,
        rates: Rates { requests, openings, tickets, expensive, saves, attempts },
        no_auth: config.no_auth,
        public_urls,
        cors_origins: config.cors_origins.clone(),
        cores,
    }
}

/// The origins we are served under: those that are configured, and those a certificate of our own is for.
pub(super) fn public_urls(config: &Config, encryption: Option<&Encryption>, address: SocketAddr) -> Vec<String> {
    let own = encryption.is_some_and(Encryption::is_self_signed).then(self_signed::host_names).unwrap_or_default();
    let port = if address.port() == HTTPS_PORT { String::new() } else { format!(":{}", address.port()) };
    config.public_urls.iter().cloned().chain(own.iter().map(|name| format!("https://{name}{port}"))).collect()
}

/// What the kernel calls the time since the machine was started. Where it does not say (no /proc), a restart of the
/// machine looks like an end of all our processes.
fn boot() -> String {
    match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim_end().to_owned(),
        Err(error) => {
            tracing::warn!(%error, "the machine does not tell its boot id");
            String::new()
        }
    }
}
