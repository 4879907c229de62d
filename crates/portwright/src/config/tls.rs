//! `[listen] tls` and `[auth.certificates]`: TLS on the listener, and clients that prove by certificate who they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portwright_core::{Diagnostic, Pointer};
use portwright_server::{ClientCertificates, ClientRoles, TlsPlan};
use schemars::JsonSchema;
use serde::Deserialize;

/// TLS on the listener. Files are in PEM and relative to this one; they are read again when they change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// The certificate, and behind it those up to a root that clients know.
    #[schemars(length(min = 1, max = 4_096))]
    pub(crate) cert: String,
    /// Its private key.
    #[schemars(length(min = 1, max = 4_096))]
    pub(crate) key: String,
    /// Authorities whose certificates clients may prove themselves with.
    #[schemars(length(min = 1, max = 4_096))]
    pub(crate) client_ca: Option<String>,
    /// Whether clients show certificates. Default: `required` where `client_ca` is said.
    pub(crate) client_certs: Option<ClientCerts>,
    /// A list of certificates that were revoked.
    #[schemars(length(min = 1, max = 4_096))]
    pub(crate) crl: Option<String>,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCerts {
    /// They don't.
    Off,
    /// Whoever has none may show a key or a token.
    Optional,
    /// No connection without.
    Required,
}

/// Client certificates.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CertificatesSection {
    /// The roles of those who show a certificate, by their name: a URI of theirs, else a mail address, else the subject such as
    /// `CN=agent-7,O=acme`. `*` stands for anything but a comma or a slash, `**` for anything.
    pub(crate) roles: BTreeMap<String, String>,
}

pub(crate) fn plan(
    section: TlsSection,
    certificates: Option<CertificatesSection>,
    base: &Path,
    problems: &mut Vec<Diagnostic>,
) -> TlsPlan {
    let place = Pointer::root().join("listen").join("tls");
    let asked = section.client_certs.unwrap_or(match section.client_ca {
        Some(_) => ClientCerts::Required,
        None => ClientCerts::Off,
    });
    if asked != ClientCerts::Off && section.client_ca.is_none() {
        let message = "clients are to show certificates, and nothing says whose certificates count";
        let at = place.join("client_certs");
        problems.push(Diagnostic::error(at, "missing-key", message).hint("add `client_ca = \"clients.pem\"`"));
    }
    if section.crl.is_some() && asked == ClientCerts::Off {
        let message = "no client shows a certificate that could be revoked";
        problems
            .push(Diagnostic::error(place.join("crl"), "unused-key", message).hint("add `client_ca`, or leave it out"));
    }
    let mut clients = ClientRoles::default();
    for (pattern, role) in certificates.unwrap_or_default().roles {
        if let Err(error) = clients.add(&pattern, role) {
            let at = Pointer::root().join("auth").join("certificates").join("roles").join(pattern.as_str());
            let message = format!("this is not a pattern: {}", error.kind());
            problems.push(Diagnostic::error(at, "bad-pattern", message).hint("such as `CN=agent-*,O=acme`"));
        }
    }
    let file = |name: String| -> PathBuf { base.join(name) };
    TlsPlan {
        cert: file(section.cert),
        key: file(section.key),
        client_ca: section.client_ca.map(file),
        client_certificates: match asked {
            ClientCerts::Off => ClientCertificates::Off,
            ClientCerts::Optional => ClientCertificates::Optional,
            ClientCerts::Required => ClientCertificates::Required,
        },
        crl: section.crl.map(file),
        clients,
    }
}
