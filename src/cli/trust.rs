//! By what the commands know that a server is the one they were told of.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{Certificate, ClientBuilder};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The system's authorities.
    System,
    /// Those of this PEM file and no others.
    Authorities(PathBuf),
    /// Exactly the certificate of this PEM file, whatever name it is for: that of a server on this machine, which is
    /// asked by its address.
    Exactly(PathBuf),
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    /// The file cannot be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It holds something else.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// The library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Settings(#[from] TlsError),
}

impl Trust {
    /// Has a client trust so.
    pub(super) fn applied(&self, client: ClientBuilder) -> Result<ClientBuilder, TrustError> {
        match self {
            Self::System => Ok(client),
            Self::Authorities(file) => {
                let no_certificate = |_| TrustError::NoCertificate(file.clone());
                let authorities = Certificate::from_pem_bundle(&read(file)?).map_err(no_certificate)?;
                if authorities.is_empty() {
                    return Err(TrustError::NoCertificate(file.clone()));
                }
                Ok(client.tls_certs_only(authorities))
            }
            Self::Exactly(file) => {
                let known = CertificateDer::from_pem_slice(&read(file)?);
                let known = known.map_err(|_| TrustError::NoCertificate(file.clone()))?;
                let provider = Arc::new(aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                    .with_safe_default_protocol_versions()?
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Exactly { known, provider }))
                    .with_no_client_auth();
                Ok(client.tls_backend_preconfigured(config))
            }
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TrustError> {
    std::fs::read(file).map_err(|error| TrustError::Unreadable(file.to_owned(), error))
}

/// Believes one certificate. Who shows it must have its key, as always.
#[derive(Debug)]
struct Exactly {
    known: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if *shown == self.known {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
