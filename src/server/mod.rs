//! The wiring: the only place that names the concrete store, the wall clock and the system's randomness.
//!
//! ```text
//! Server::bind   data directory → lock → store → owner, keys → listener → server.json
//! serve_until    accept … signal → drain → close → wait for every task → remove server.json
//!                       … upgrade → linger → leave the sessions → the new server serves → wait for the last answers
//! ```

mod announcement;
mod first_start;
mod handover;
mod lock;
mod origin;
mod predecessor;
mod profiles;
mod sessions;
mod successor;
mod supervisor;
mod threads;
mod upgrade;
mod verdict;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Rlimit;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{AccountId, Secret};
use crate::config::{self, Config};
use crate::holder::HolderError;
use crate::http::accept::Acceptor;
use crate::http::extract::LOCAL_TOKEN_PREFIX;
use crate::http::{App, Clock, Outside, Parts, Random, Settings};
use crate::registry::{Limits, Registry};
use crate::session::{self, Spawner};
use crate::store::{DataDir, SqliteStore, Store, StoreError};
use crate::ws;
use announcement::Announcement;
use lock::Lock;
pub use lock::{Running, tell_running_server};
pub use origin::{Origin, TAKE_OVER};
pub use predecessor::{Inherited, Predecessor, TakeOverError};
use sessions::{Keeping, Sessions};
use supervisor::Supervisor;
use threads::Threads;
use upgrade::{Requests, Upgrading};
pub use verdict::{Verdict, Waiting};

/// How long sessions may take to end once the server goes away: their graces and the kernel's time, with room. Only a
/// process that even SIGKILL does not end takes longer.
const SESSIONS_DEADLINE: Duration = Duration::from_secs(15);
/// How long requests and connections may take to end after that.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted: everyone who comes back at once after a restart or a lost network. By default
/// it is 128, and who is beyond that tries again after a second, two, four.
const WAITING_MAX: u32 = 4096;
/// How often refresh tokens nobody used in time are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How long an expired refresh token is still known, so that its late use is told from a forgery.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another server runs on this data directory.
    #[error("another server is running{}", .0.as_ref().map(|other| format!(" at {other}")).unwrap_or_default())]
    AlreadyRunning(Option<String>),
    /// The address is taken or not ours.
    #[error("{address} cannot be listened on: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no randomness, or a key cannot be used.
    #[error("no secret can be made")]
    NoSecrets,
    /// A setting names an account that programs cannot run as.
    #[error("{key}: {reason}")]
    Account {
        /// The setting.
        key: String,
        /// Why not.
        reason: String,
    },
    /// There is no process to keep sessions.
    #[error("{0} (--no-holder does without it)")]
    Holder(#[from] HolderError),
    /// Nothing can be taken over from another server.
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    /// The data directory cannot be written.
    #[error("the data directory cannot be written: {0}")]
    Place(#[from] io::Error),
}

/// A server that listens and does not accept yet.
pub struct Server {
    config: Config,
    app: App,
    store: Arc<SqliteStore>,
    listener: TcpListener,
    address: SocketAddr,
    announcement: Announcement,
    /// Signals of the command line beside us.
    look_again: io::Result<Signal>,
    upgrades: Requests,
    sessions: Sessions,
    supervisor: Supervisor,
    /// How this server was started, when it can be replaced.
    origin: Option<Origin>,
    /// The server this one took over from, until it is told that this one serves.
    predecessor: Option<Predecessor>,
    /// The limit of descriptors that programs get.
    descriptors: Rlimit,
    /// Where sessions and their screens live, for as long as there are any.
    _threads: Threads,
    /// Held until the end of the process, so that a second server on this data directory refuses to start.
    lock: Lock,
}

impl Server {
    /// Prepares everything and listens.
    ///
    /// # Errors
    /// When anything that is needed cannot be had. Nothing is left behind then.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let server = Self::prepare(config, None).await?;
        server.sessions.adopt().await?;
        // Last, because whoever finds the file believes that a server is there.
        server.announcement.write()?;
        Ok(server)
    }

    /// Prepares everything: what is inherited is not made anew, and nothing of it is changed yet.
    async fn prepare(config: Config, inherited: Option<Inherited>) -> Result<Self, ServerError> {
        let dir = DataDir::prepare(&config.data_dir)?;
        session::leave_no_core();
        if !config.debuggable {
            session::close_to_others();
        }
        // Before the lock, whose holder is told by signal of a changed password: unheard it would end the process.
        let look_again = signal(lock::look_again_signal());
        let upgrades = Requests::new(dir.clone(), signal(lock::upgrade_signal()));
        let descriptors = descriptors(inherited.as_ref().and_then(|inherited| inherited.descriptors));
        let (lock, listener) = match inherited {
            Some(inherited) => (Lock::shared(&dir, inherited.lock)?, Some(inherited.listener)),
            None => (Lock::take(&dir)?, None),
        };
        let outside = outside();
        let store = Arc::new(SqliteStore::open(&dir).await?);
        let owner = first_start::owner(&*store, &outside, config.login_name.as_deref()).await?;
        let keys = first_start::keys(&*store, &outside, config.access_token_lifetime).await?;
        let local = announcement::token(&dir).map_or_else(|| local_token(&outside), Ok)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = Threads::start(cores)?;
        let profiles = profiles::of(&config)?;
        let keeping = Keeping::begin(&config, descriptors, threads.lane()).await?;
        let registry = registry(&config, &threads, keeping.spawner(), Arc::clone(&store) as Arc<dyn Store>);
        let app = App::new(Parts {
            registry: registry.clone(),
            settings: Settings { profiles, no_auth: config.no_auth, public_urls: config.public_urls.clone(), cores },
            store: Arc::clone(&store) as Arc<dyn Store>,
            keys,
            owner: AccountId(owner.id),
            local_token: crate::auth::Digest::of(&local),
            outside,
        });
        app.learn_ended_logins().await.map_err(|_| ServerError::NoSecrets)?;
        let (listener, address) = match listener {
            Some(listener) => upgrade::listen_on(listener, config.address())?,
            None => listen(config.address())?,
        };
        profiles::tell_who_shares_the_account(&config);
        warn_of_the_open_net(&config, &*store).await?;
        Ok(Self {
            announcement: Announcement::new(dir, local_url(address), local),
            sessions: Sessions::new(registry, keeping),
            supervisor: Supervisor::new(config.notify_socket.clone()),
            config,
            app,
            store,
            listener,
            address,
            look_again,
            upgrades,
            origin: None,
            predecessor: None,
            descriptors,
            _threads: threads,
            lock,
        })
    }

    /// Where it listens, as a browser on this machine writes it.
    #[must_use]
    pub fn url(&self) -> String {
        local_url(self.address)
    }

    /// Where it listens, as bound, when that is more than [`Self::url`] says.
    #[must_use]
    pub fn wider_url(&self) -> Option<String> {
        let bound = format!("http://{}", self.address);
        (bound != self.url()).then_some(bound)
    }

    /// A link that logs its first user in as the owner; none where nobody has to log in.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn login_link(&self) -> Result<Option<String>, ServerError> {
        if self.config.no_auth {
            return Ok(None);
        }
        let token = self.app.mint_link().map_err(|_| ServerError::NoSecrets)?;
        Ok(Some(format!("{}/#login={token}", self.url())))
    }

    /// What the routes share.
    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Lets another server that is started in the same way take over when that is asked for.
    #[must_use]
    pub fn replaceable(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// Serves until told to drain; then tells viewers, ends sessions and waits for everything, unless told to end at
    /// once. Or until another server has taken over.
    pub async fn serve_until(mut self, shutdown: Shutdown) -> Ended {
        let tracker = TaskTracker::new();
        let closing = CancellationToken::new();
        let acceptor = Acceptor {
            service: self.app.service(ws::routes(self.app.clone(), tracker.clone())),
            max_connections: self.config.max_connections,
            tracker: tracker.clone(),
            door: self.app.door().clone(),
            closing: closing.clone(),
        };
        tracing::info!(url = %self.url(), version = env!("CARGO_PKG_VERSION"), "listening");
        let listener = Arc::new(self.listener);
        tracker.spawn(acceptor.run(Arc::clone(&listener)));
        tracker.spawn(self.sessions.clone().watch_over(closing.clone()));
        tracker.spawn(keep_house(self.app.clone(), self.look_again, closing.clone()));
        predecessor::tell_who_serves(self.predecessor.take(), &self.supervisor).await;
        let upgrading = Upgrading {
            origin: self.origin.as_ref(),
            app: &self.app,
            sessions: &self.sessions,
            lock: &self.lock,
            listener: &listener,
            announcement: &self.announcement,
            supervisor: &self.supervisor,
            descriptors: self.descriptors.current,
        };
        let replaced = tokio::select! {
            () = shutdown.drain.cancelled() => None,
            successor = upgrading.until_replaced(&mut self.upgrades) => Some(successor),
        };
        // Nobody is let in by us any more: who comes is refused, or waits for who serves next.
        drop(listener);
        if let Some(successor) = replaced {
            closing.cancel();
            upgrade::fade(&tracker, &mut self.upgrades, successor, &shutdown).await;
            self.store.close().await;
            return Ended::Replaced;
        }

        tracing::info!("going away");
        self.supervisor.stopping();
        // Viewers are told to resume later before their sessions end; requests that are being answered are finished.
        self.app.drain();
        closing.cancel();
        tracker.close();
        let drained = async {
            if tokio::time::timeout(SESSIONS_DEADLINE, self.sessions.part()).await.is_err() {
                tracing::warn!("some sessions did not end in time");
            }
            if tokio::time::timeout(CLOSE_DEADLINE, tracker.wait()).await.is_err() {
                tracing::warn!(tasks = tracker.len(), "some tasks did not end in time");
            }
        };
        let ended = tokio::select! {
            () = drained => Ended::Drained,
            () = shutdown.at_once.cancelled() => {
                tracing::warn!("ending at once");
                self.sessions.kill_what_would_end();
                Ended::AtOnce
            }
            never = self.upgrades.refuse("the server is going away") => match never {},
        };
        if !self.sessions.outlive_us() {
            self.announcement.remove();
        }
        self.store.close().await;
        tracing::info!("gone");
        ended
    }
}

/// How a server is told to end.
#[derive(Clone, Default)]
pub struct Shutdown {
    /// Tell viewers, end sessions, finish what was begun.
    pub drain: CancellationToken,
    /// Wait for nothing any more.
    pub at_once: CancellationToken,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything had time to end.
    Drained,
    /// What had not ended by itself was killed.
    AtOnce,
    /// Another server serves.
    Replaced,
}

/// The limit of descriptors that programs get: the one this process was started with, or the server before it.
fn descriptors(told: Option<u64>) -> Rlimit {
    let (own, raised) = session::raise_descriptors();
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open descriptors stays low");
    }
    Rlimit { current: told.or(own.current), maximum: own.maximum }
}

/// The sessions of this server.
fn registry(config: &Config, threads: &Threads, spawner: Arc<dyn Spawner>, store: Arc<dyn Store>) -> Registry {
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

/// Listens for signals of the command line beside us, and forgets what has expired.
async fn keep_house(app: App, look_again: io::Result<Signal>, closing: CancellationToken) {
    let mut told = match look_again {
        Ok(told) => told,
        Err(error) => return tracing::error!(%error, "no signals: a password changed now ends logins only later"),
    };
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = told.recv() => {
                // A failure is in the log; the next signal tries again.
                let _ = app.learn_ended_logins().await;
            }
            _ = forget.tick() => {
                let before = app.now().saturating_sub(FORGET_AFTER).unwrap_or(Timestamp::MIN);
                if let Err(error) = app.store().forget_expired(before).await {
                    tracing::warn!(%error, "expired logins could not be forgotten");
                }
            }
        }
    }
}

/// The wall clock and the system's randomness, for the whole crate.
#[must_use]
pub fn outside() -> Outside {
    #[expect(clippy::disallowed_methods, reason = "the one place the wall clock is read")]
    let clock: Clock = Arc::new(Timestamp::now);
    #[expect(clippy::disallowed_methods, reason = "the one place the system's randomness is read")]
    let random: Random = Arc::new(|bytes| getrandom::fill(bytes).is_ok());
    Outside::new(clock, random)
}

fn local_token(outside: &Outside) -> Result<String, ServerError> {
    let secret: Secret = outside.secret().map_err(|_| ServerError::NoSecrets)?;
    Ok(format!("{LOCAL_TOKEN_PREFIX}{}", secret.reveal()))
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?; // a server that was just restarted gets its port
        socket.bind(address)?;
        let listener = socket.listen(WAITING_MAX)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|error| ServerError::Listen { address, error })
}

/// The address as this machine reaches it: "every address" includes loopback.
fn local_url(bound: SocketAddr) -> String {
    let ip = match bound {
        SocketAddr::V4(bound) if bound.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(bound) if bound.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => bound.ip(),
    };
    format!("http://{}", SocketAddr::new(ip, bound.port()))
}

async fn warn_of_the_open_net(config: &Config, store: &dyn Store) -> Result<(), ServerError> {
    if config.is_loopback() {
        return Ok(());
    }
    tracing::warn!(bind = %config.bind, "listening beyond this machine without encryption: put a TLS proxy in front");
    if !store.has_passwords().await? {
        tracing::warn!("no account has a password yet: only the login link lets anyone in (fantail user passwd NAME)");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
