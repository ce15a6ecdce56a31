//! The wiring: the only place that names the concrete store, the wall clock and the system's randomness.
//!
//! ```text
//! Server::bind   data directory → lock → store → owner, keys → listener → server.json
//! serve_until    accept … signal → drain → close → wait for every task → remove server.json
//!                       … upgrade → linger → leave the sessions → the new server serves → wait for the last answers
//! ```

mod announcement;
mod encryption;
mod first_start;
mod handover;
mod housekeeping;
mod keys;
mod listeners;
mod lock;
mod oidc;
mod origin;
mod predecessor;
mod profiles;
mod seals;
mod self_signed;
mod sessions;
mod settings;
mod successor;
mod supervisor;
mod threads;
mod upgrade;
mod verdict;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Rlimit;
use tokio::signal::unix::{Signal, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Secret;
use crate::config::Config;
use crate::holder::HolderError;
use crate::http::accept::Acceptor;
use crate::http::audit::{AuditLog, AuditWriter};
use crate::http::caller::LOCAL_TOKEN_PREFIX;
use crate::http::{App, Clock, Outside, Parts, Random, Strangers, TrustedProxies};
use crate::session;
use crate::store::{DataDir, SqlStore, Store, StoreError};
use crate::ws;
use announcement::Announcement;
use encryption::{Encryption, EncryptionError};
use housekeeping::{House, Writing};
use keys::Kept;
pub use keys::rotate as rotate_key;
use listeners::{Listeners, local_url};
use lock::Lock;
pub use lock::{Running, tell_running_server};
pub use origin::{Origin, TAKE_OVER};
pub use predecessor::{Inherited, Predecessor, TakeOverError};
pub use seals::{SealFile, SealsError, reseal};
use sessions::{Keeping, Sessions};
use settings::{public_urls, registry, settings};
use supervisor::Supervisor;
use threads::Threads;
use upgrade::{Requests, Upgrading};
pub use verdict::{Verdict, Waiting};

/// How long sessions may take to end once the server goes away: their graces and the kernel's time, with room. Only a
/// process that even SIGKILL does not end takes longer.
const SESSIONS_DEADLINE: Duration = Duration::from_secs(15);
/// How long requests and connections may take to end after that.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another server runs on this data directory.
    #[error("another server is running{}", .0.as_ref().map(|other| format!(" at {other}")).unwrap_or_default())]
    AlreadyRunning(Option<String>),
    /// The address is taken or not ours.
    #[error("{place} cannot be listened on: {error}")]
    Listen {
        /// The address, or the path.
        place: String,
        /// Why not.
        error: io::Error,
    },
    /// Others reach it, and nobody could log in.
    #[error(
        "{0} can be reached from other machines, but no account has a password: set one first, with \
         `fantail user passwd NAME` or `fantail user add NAME`"
    )]
    NoPassword(IpAddr),
    /// TLS cannot be served.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store keeps secret cannot be read.
    #[error(transparent)]
    Seals(#[from] SealsError),
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
    /// A provider of logins cannot be asked with these settings.
    #[error("{key}: {reason}")]
    Provider {
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
    store: Arc<SqlStore>,
    /// What seals its secrets.
    seal_file: SealFile,
    listeners: Listeners,
    /// What TLS is served with, if it is.
    encryption: Option<Encryption>,
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
    /// Writes down who did what, to the very end.
    audit_writer: Option<AuditWriter>,
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
        let (lock, inherited) = match inherited {
            Some(Inherited { lock, listening, .. }) => (Lock::shared(&dir, lock)?, Some(listening)),
            None => (Lock::take(&dir)?, None),
        };
        let outside = outside();
        let store = Arc::new(open_store(&config, &dir).await?);
        check_the_open_net(&config, &*store).await?;
        let encryption = Encryption::of(&config, &dir, outside.now())?;
        let tls = encryption.as_ref().map(Encryption::tls);
        let listeners = match inherited {
            Some(listening) => Listeners::inherit(listening, &config, tls)?,
            None => Listeners::open(&config, tls)?,
        };
        let owner = first_start::owner(&*store, &outside, config.login_name.as_deref()).await?;
        let seal_file = SealFile::of(&config, &dir);
        let seals = seal_file.ready(&*store, &outside).await?;
        let kept = Kept { store: &*store, outside: &outside, file: &seal_file, ring: &seals };
        let keys = keys::ready(kept, config.access_token_lifetime).await?;
        let local = announcement::token(&dir).map_or_else(|| local_token(&outside), Ok)?;
        let (audit, audit_writer) = AuditLog::new(outside.clock());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = Threads::start(cores)?;
        let profiles = profiles::of(&config)?;
        let keeping = Keeping::begin(&config, descriptors, threads.lane()).await?;
        let registry = registry(&config, &threads, keeping.spawner(), Arc::clone(&store) as Arc<dyn Store>);
        let app = App::new(Parts {
            registry: registry.clone(),
            settings: settings(&config, profiles, public_urls(&config, encryption.as_ref(), listeners.address), cores),
            store: Arc::clone(&store) as Arc<dyn Store>,
            keys,
            seals,
            oidc: oidc::of(&config)?,
            owner: owner.id,
            local_token: crate::auth::Digest::of(&local),
            outside,
            audit,
        });
        app.learn_changes().await.map_err(|_| ServerError::NoSecrets)?;
        profiles::tell_who_shares_the_account(&config);
        let url = local_url(listeners.address, encryption.is_some());
        let certificate = encryption.as_ref().map(|encryption| encryption.public_file().to_owned());
        Ok(Self {
            announcement: Announcement::new(dir, url, local, certificate),
            sessions: Sessions::new(registry, keeping),
            supervisor: Supervisor::new(config.notify_socket.clone()),
            config,
            app,
            store,
            seal_file,
            listeners,
            encryption,
            look_again,
            upgrades,
            origin: None,
            predecessor: None,
            audit_writer: Some(audit_writer),
            descriptors,
            _threads: threads,
            lock,
        })
    }

    /// Where it listens, as a browser on this machine writes it.
    #[must_use]
    pub fn url(&self) -> String {
        local_url(self.listeners.address, self.encryption.is_some())
    }

    /// Where it is reached besides [`Self::url`]: by this machine's other addresses, and by a Unix socket.
    #[must_use]
    pub fn other_urls(&self) -> Vec<String> {
        let bound = self.listeners.address;
        let reached = |ip: &IpAddr| {
            let same_kind = ip.is_ipv4() == bound.is_ipv4() || bound.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED);
            bound.ip().is_unspecified() && same_kind && !ip.is_loopback()
        };
        let others = self_signed::addresses().into_iter().filter(reached);
        let urls = others.map(|ip| listeners::url(SocketAddr::new(ip, bound.port()), self.encryption.is_some()));
        urls.chain(self.listeners.unix_path().map(|path| format!("unix:{}", path.display()))).collect()
    }

    /// SHA-256 of the certificate that nobody vouches for, if it is of that kind: for people to compare.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        self.encryption.as_ref()?.fingerprint_to_compare()
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

    /// What connections are served with.
    fn acceptor(&self, tracker: &TaskTracker, closing: &CancellationToken) -> Acceptor {
        Acceptor {
            service: self.app.service(ws::routes(self.app.clone(), tracker.clone())),
            slots: Arc::new(Semaphore::new(self.config.max_connections)),
            strangers: Strangers::new(self.config.max_unauthenticated_per_address),
            proxies: Arc::new(TrustedProxies::new(self.config.trusted_proxies.clone())),
            tracker: tracker.clone(),
            door: self.app.door().clone(),
            closing: closing.clone(),
        }
    }

    /// Serves until told to drain; then tells viewers, ends sessions and waits for everything, unless told to end at
    /// once. Or until another server has taken over.
    pub async fn serve_until(mut self, shutdown: Shutdown) -> Ended {
        let (tracker, closing) = (TaskTracker::new(), CancellationToken::new());
        let acceptor = self.acceptor(&tracker, &closing);
        let audit = Writing::start(self.audit_writer.take(), &self.store);
        tracing::info!(url = %self.url(), version = env!("CARGO_PKG_VERSION"), "listening");
        for listener in self.listeners.each() {
            tracker.spawn(acceptor.clone().run(Arc::clone(listener)));
        }
        drop(acceptor);
        tracker.spawn(self.sessions.clone().watch_over(closing.clone()));
        let house = House::new(&self.app, &self.store, self.seal_file, self.config.access_token_lifetime);
        tracker.spawn(house.clone().keep(self.look_again, closing.clone()));
        tracker.spawn(house.follow_changes(closing.clone()));
        if let Some(encryption) = self.encryption.take() {
            tracker.spawn(encryption.keep_up(self.app.outside().clone(), closing.clone()));
        }
        predecessor::tell_who_serves(self.predecessor.take(), &self.supervisor).await;
        let upgrading = Upgrading {
            origin: self.origin.as_ref(),
            app: &self.app,
            sessions: &self.sessions,
            lock: &self.lock,
            listeners: &self.listeners,
            announcement: &self.announcement,
            supervisor: &self.supervisor,
            descriptors: self.descriptors.current,
        };
        let replaced = tokio::select! {
            () = shutdown.drain.cancelled() => None,
            successor = upgrading.until_replaced(&mut self.upgrades) => Some(successor),
        };
        // Nobody is let in by us any more: who comes is refused, or waits for who serves next.
        if let Some(successor) = replaced {
            drop(self.listeners);
            closing.cancel();
            upgrade::fade(&tracker, &mut self.upgrades, successor, &shutdown).await;
            audit.finish().await;
            self.store.close().await;
            return Ended::Replaced;
        }

        self.listeners.close();
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
        audit.finish().await;
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

/// The store that the settings name.
///
/// # Errors
/// When it cannot be opened, or its schema not be brought up to date.
pub async fn open_store(config: &Config, dir: &DataDir) -> Result<SqlStore, StoreError> {
    match &config.database_url {
        Some(url) => SqlStore::connect(url).await,
        None => SqlStore::open(dir).await,
    }
}

/// What the audit log calls a command on this machine.
#[must_use]
pub fn this_command() -> String {
    format!("command of uid {}", rustix::process::getuid().as_raw())
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

/// Whoever reaches an open address may try passwords; where there are none, only the login link would let anyone in, and
/// the terminal it is printed on is not there.
async fn check_the_open_net(config: &Config, store: &dyn Store) -> Result<(), ServerError> {
    if config.is_loopback() || store.has_passwords().await? {
        return Ok(());
    }
    Err(ServerError::NoPassword(config.bind))
}

#[cfg(test)]
mod tests;
