//! Certificates and keys from files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types as pki;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::plan::{ClientCertificates, TlsPlan};

/// Why a listener can't speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} can't be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("{} holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} holds no private key in PEM", .0.display())]
    NoKey(PathBuf),
    #[error("{} holds a list of revoked certificates that can't be read", .0.display())]
    NoList(PathBuf),
    #[error("the key in {} does not belong to the certificate in {}", .key.display(), .cert.display())]
    Mismatch { key: PathBuf, cert: PathBuf },
    #[error("{} can't be used", .0.display())]
    Unusable(PathBuf, #[source] rustls::Error),
    #[error("{} can't be used to prove clients with", .0.display())]
    Verifier(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What `portwright check` tells of a listener's certificate.
#[derive(Debug, Clone)]
pub struct Pair {
    /// When it ends.
    pub until: Timestamp,
    /// Names and addresses that it is for.
    pub names: Vec<String>,
}

impl Pair {
    /// Reads what the plan names, as the listener does.
    pub fn read(plan: &TlsPlan) -> Result<Self, TlsError> {
        config(plan)?;
        let chain = certificates(&plan.cert)?;
        let unread = || TlsError::NoCertificate(plan.cert.clone());
        let (_, leaf) = X509Certificate::from_der(&chain[0]).map_err(|_| unread())?;
        let until = Timestamp::from_second(leaf.validity().not_after.timestamp()).map_err(|_| unread())?;
        let names = leaf.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names).map(ToString::to_string).collect();
        Ok(Self { until, names })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = std::fs::read(path).map_err(|error| TlsError::File(path.to_owned(), error))?;
    let read: Result<Vec<_>, pki::pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    read.ok().filter(|all| !all.is_empty()).ok_or_else(|| TlsError::NoCertificate(path.to_owned()))
}

/// All that a listener needs to shake hands.
pub(super) fn config(plan: &TlsPlan) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&plan.cert)?;
    let bytes = std::fs::read(&plan.key).map_err(|error| TlsError::File(plan.key.clone(), error))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| TlsError::NoKey(plan.key.clone()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Unusable(plan.cert.clone(), error))?;
    let builder = match verifier(plan)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { key: plan.key.clone(), cert: plan.cert.clone() },
        error => TlsError::Unusable(plan.cert.clone(), error),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(plan: &TlsPlan) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let Some(path) = plan.client_ca.as_ref().filter(|_| plan.client_certificates != ClientCertificates::Off) else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Unusable(path.clone(), error))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if let Some(list) = &plan.crl {
        let bytes = std::fs::read(list).map_err(|error| TlsError::File(list.clone(), error))?;
        let lists: Result<Vec<_>, pki::pem::Error> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        let lists = lists.ok().filter(|all| !all.is_empty()).ok_or_else(|| TlsError::NoList(list.clone()))?;
        // A list that is out of date, or that is another authority's, does not say that a certificate still holds.
        builder = builder.with_crls(lists).only_check_end_entity_revocation().enforce_revocation_expiration();
    }
    if plan.client_certificates == ClientCertificates::Optional {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map(Some).map_err(|error| TlsError::Verifier(path.clone(), Box::new(error)))
}
