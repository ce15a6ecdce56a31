//! What TLS is served with, from the settings: files that somebody renews, or a certificate of our own that we renew.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::self_signed::{SelfSigned, SelfSignedError};
use crate::config::{self, Config};
use crate::http::Outside;
use crate::http::tls::{Certificate, Tls, TlsError};
use crate::store::DataDir;

/// How often it is looked whether our own certificate ends soon. It is renewed a month before.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is none of our own.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
}

/// What TLS is served with.
pub(super) struct Encryption {
    tls: Tls,
    public_file: PathBuf,
    /// Set when the certificate is ours to renew.
    own: Option<SelfSigned>,
    /// Raised when somebody has renewed it.
    renewed: io::Result<Signal>,
}

impl Encryption {
    /// What the settings ask for, if they ask for any.
    pub(super) fn of(config: &Config, dir: &DataDir, now: Timestamp) -> Result<Option<Self>, EncryptionError> {
        let (certificate, public_file, own) = match &config.tls {
            None => return Ok(None),
            Some(config::Tls::Files { cert, key }) => {
                (Certificate::read(cert.clone(), key.clone())?, cert.clone(), None)
            }
            Some(config::Tls::SelfSigned) => {
                let own = SelfSigned::of_this_machine(dir.clone());
                own.ready(now)?;
                (Certificate::read(own.file(), own.file())?, own.public_file(), Some(own))
            }
        };
        let renewed = signal(SignalKind::hangup());
        Ok(Some(Self { tls: Tls::new(certificate)?, public_file, own, renewed }))
    }

    pub(super) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// The certificate alone: for clients on this machine to know the server by.
    pub(super) fn public_file(&self) -> &Path {
        &self.public_file
    }

    pub(super) const fn is_self_signed(&self) -> bool {
        self.own.is_some()
    }

    /// Where nobody else vouches for the certificate.
    pub(super) fn fingerprint_to_compare(&self) -> Option<String> {
        self.own.is_some().then(|| self.tls.certificate().fingerprint())
    }

    /// Renews the certificate, or reads again what was renewed, whenever that is due or SIGHUP says so.
    pub(super) async fn keep_up(mut self, outside: Outside, closing: CancellationToken) {
        if let Err(error) = &self.renewed {
            tracing::error!(%error, "no signals: a new certificate is found only when somebody connects");
        }
        let mut due = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = told(&mut self.renewed) => {}
                _ = due.tick() => {}
            }
            if let Some(own) = &self.own
                && let Err(error) = own.renew(outside.now())
            {
                tracing::error!(%error, "the certificate was not renewed");
            }
            self.tls.certificate().look_again();
        }
    }
}

async fn told(signals: &mut io::Result<Signal>) {
    let heard = match signals {
        Ok(signals) => signals.recv().await,
        Err(_) => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}
