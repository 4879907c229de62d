//! Whose a client certificate is.

use std::fmt::Write as _;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;
use portwright_core::{Auth, Principal};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::Certified;

/// Which roles the holders of certificates have: patterns of their names. `*` stands for anything within a part of a name,
/// and `**` for parts as well; a subject's parts end at commas, an address's at slashes.
#[derive(Debug, Clone, Default)]
pub struct ClientRoles(Vec<(GlobMatcher, Arc<str>)>);

impl ClientRoles {
    /// Adds a role for those whose name fits.
    pub fn add(&mut self, pattern: &str, role: impl Into<Arc<str>>) -> Result<(), globset::Error> {
        let glob = GlobBuilder::new(&parts(pattern)).literal_separator(true).backslash_escape(false).build()?;
        self.0.push((glob.compile_matcher(), role.into()));
        Ok(())
    }

    fn of(&self, name: &str) -> Vec<Arc<str>> {
        let (name, mut roles) = (parts(name), Vec::new());
        for (_, role) in self.0.iter().filter(|(pattern, _)| pattern.is_match(&name)) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        roles
    }
}

/// A name whose parts end as those of a path do.
fn parts(name: &str) -> String {
    name.replace(',', "/")
}

impl PartialEq for ClientRoles {
    fn eq(&self, other: &Self) -> bool {
        let written = |roles: &Self| -> Vec<_> {
            roles.0.iter().map(|(pattern, role)| (pattern.glob().glob().to_owned(), role.clone())).collect()
        };
        written(self) == written(other)
    }
}

impl Eq for ClientRoles {}

/// Who holds a certificate that was verified.
pub(super) fn certified(certificate: &CertificateDer<'_>, roles: &ClientRoles) -> Option<Certified> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    let name = name(&read)?;
    let until = Timestamp::from_second(read.validity().not_after.timestamp()).ok()?;
    let mut principal = Principal::new(name.as_str(), Auth::Certificate);
    principal.roles = roles.of(&name);
    principal = principal.with_claim("issuer", distinguished(read.issuer())?);
    Some(Certified { principal: Arc::new(principal), until })
}

/// The name of a holder: a URI of theirs (SPIFFE), else a mail address, else the subject (RFC 4514).
fn name(certificate: &X509Certificate<'_>) -> Option<String> {
    let others = certificate.subject_alternative_name().ok()?;
    let others = || others.iter().flat_map(|names| &names.value.general_names);
    let uri = others().find_map(|name| if let GeneralName::URI(uri) = name { Some((*uri).to_owned()) } else { None });
    let mail = || {
        others().find_map(|name| if let GeneralName::RFC822Name(mail) = name { Some((*mail).to_owned()) } else { None })
    };
    let subject = || distinguished(certificate.subject());
    uri.or_else(mail).or_else(subject).filter(|name| !name.is_empty() && !name.chars().any(char::is_control))
}

/// A name as text: the last part first, `CN=agent-7,O=acme`. None if a part of it is no text: two names must not read the
/// same.
fn distinguished(name: &X509Name<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.iter() {
        let mut attributes = Vec::new();
        for attribute in part.iter() {
            let kind = oid2abbrev(attribute.attr_type(), oid_registry())
                .map_or_else(|_| attribute.attr_type().to_id_string(), str::to_owned);
            attributes.push(format!("{kind}={}", escaped(attribute.as_str().ok()?)));
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Some(parts.join(","))
}

/// RFC 4514, section 2.4: what would look like the end of a value.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (at, letter) in value.chars().enumerate() {
        let edge = (at == 0 && matches!(letter, ' ' | '#')) || (at == last && letter == ' ');
        if letter == '\0' {
            out.push_str("\\00");
        } else if edge || matches!(letter, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            let _ = write!(out, "\\{letter}");
        } else {
            out.push(letter);
        }
    }
    out
}
