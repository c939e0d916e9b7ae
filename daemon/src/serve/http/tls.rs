//! TLS with the files that the user names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::error::HttpError;

/// Certificate and key, which can be read again while the service runs.
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads a certificate chain and its private key, in PEM.
    ///
    /// # Errors
    ///
    /// If one of them cannot be used.
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Result<Self, HttpError> {
        let config = RwLock::new(read(&certificate, &key)?);
        Ok(Self {
            certificate,
            key,
            config,
        })
    }

    /// Reads both files again, for the connections from now on.
    ///
    /// # Errors
    ///
    /// If one of them cannot be used; the former ones stay in force.
    pub(super) fn reload(&self) -> Result<(), HttpError> {
        let new = read(&self.certificate, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config).into()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, HttpError> {
    let failed = |path: &Path, problem: String| HttpError::Tls {
        path: path.to_owned(),
        problem,
    };
    let of_certificate =
        |error: rustls::pki_types::pem::Error| failed(certificate, error.to_string());
    let chain = CertificateDer::pem_file_iter(certificate).map_err(of_certificate)?;
    let chain: Result<Vec<_>, _> = chain.collect();
    let chain = chain.map_err(of_certificate)?;
    if chain.is_empty() {
        return Err(failed(certificate, "it has no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| failed(key, error.to_string()))?;
    let unusable = |error: rustls::Error| failed(certificate, error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
