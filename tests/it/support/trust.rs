//! TLS as clients speak it.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What believes this certificate and no other.
pub fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut known = RootCertStore::empty();
    known.add(certificate).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    Arc::new(config.with_root_certificates(known).with_no_client_auth())
}
