//! TLS: the handshake, and the certificate, which is looked at again when its files change.
//!
//! Only versions 1.2 and 1.3, no renegotiation, no early data: what a replayed first flight could type is a command.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How long a handshake may take: two round trips to anywhere. Whoever sends something else is gone by then, too.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How often the files are looked at, when somebody connects: a look costs two system calls, and a renewed certificate
/// has days.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What the connection is for, the better first. WebSockets come by HTTP/1.1: clients offer nothing else for them.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
/// The name of HTTP/2 in a handshake.
const HTTP2: &[u8] = b"h2";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Certificate and key do not go together, or are of a kind that is not known.
    #[error("{}: {error}", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Why not.
        error: rustls::Error,
    },
    /// The library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Settings(rustls::Error),
}

/// What handshakes are made with. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

impl Tls {
    /// With this certificate.
    ///
    /// # Errors
    /// When the library refuses that.
    pub fn new(certificate: Certificate) -> Result<Self, TlsError> {
        let certificate = Arc::new(certificate);
        let mut config = ServerConfig::builder_with_provider(certificate.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Settings)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Self { acceptor: Arc::new(config).into(), certificate })
    }

    /// The certificate it is served with.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What is spoken inside, if the peer speaks TLS in time.
    pub(super) async fn handshake(&self, stream: TcpStream) -> io::Result<Box<TlsStream<TcpStream>>> {
        let made = timeout(HANDSHAKE_MAX, self.acceptor.accept(stream)).await;
        made.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(Box::new)
    }
}

/// Whether HTTP/2 was agreed on.
pub(super) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// A certificate and its key, from files.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    last_look: Mutex<Look>,
}

/// The files when they were last looked at.
#[derive(Debug)]
struct Look {
    at: Instant,
    found: Option<[Stamp; 2]>,
}

/// By what a file that was changed is known. A name that was made to lead elsewhere leads to another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    written: (i64, i64),
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// When they cannot be read, or do not go together.
    pub fn read(chain: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // Before they are read: a change in between is seen by the next look.
        let look = Look { at: Instant::now(), found: stamps(&chain, &key) };
        let current = RwLock::new(Arc::new(load(&chain, &key, &provider)?));
        Ok(Self { chain, key, provider, current, last_look: Mutex::new(look) })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.chain
    }

    /// SHA-256 of the certificate, as browsers show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let current = self.current.read();
        let digest = current.cert.first().map(Sha256::digest).unwrap_or_default();
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Reads the files again if they have changed. What cannot be used changes nothing but the log.
    pub fn look_again(&self) {
        self.look(&mut self.last_look.lock());
    }

    fn look(&self, last: &mut Look) {
        last.at = Instant::now();
        let found = stamps(&self.chain, &self.key);
        if found == last.found {
            return;
        }
        last.found = found;
        match load(&self.chain, &self.key, &self.provider) {
            Ok(new) => {
                *self.current.write() = Arc::new(new);
                tracing::info!(fingerprint = self.fingerprint(), "the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be used, the old one stays"),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // One looks, the others go on with what there is.
        if let Some(mut last) = self.last_look.try_lock()
            && last.at.elapsed() >= LOOK_EVERY
        {
            self.look(&mut last);
        }
        Some(Arc::clone(&self.current.read()))
    }
}

fn stamps(chain: &std::path::Path, key: &std::path::Path) -> Option<[Stamp; 2]> {
    let stamp = |path| {
        let found = fs::metadata(path).ok()?;
        Some(Stamp { inode: found.ino(), bytes: found.size(), written: (found.mtime(), found.mtime_nsec()) })
    };
    Some([stamp(chain)?, stamp(key)?])
}

fn load(chain: &PathBuf, key: &PathBuf, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let wrong = |path: &PathBuf, reason: String| TlsError::File { path: path.clone(), reason };
    let certificates = CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| wrong(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "holds no certificate".into()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    CertifiedKey::from_der(certificates, secret, provider)
        .map_err(|error| TlsError::Unusable { path: chain.clone(), error })
}
