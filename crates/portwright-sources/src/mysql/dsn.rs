//! The connection string, `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=…`.
//!
//! Nothing that this module says holds any part of it but names of keys.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mysql_async::{ClientIdentity, OptsBuilder, SslOpts};
use portwright_core::Secret;
use portwright_core::template::percent_decoded;
use reqwest::Url;

/// Databases of the server itself.
pub(super) const SYSTEM: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

const PORT: u16 = 3306;

/// What the server must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// No TLS.
    Disabled,
    /// TLS if the server has it, with any certificate.
    Preferred,
    /// TLS with any certificate.
    Required,
    /// TLS with a certificate of an authority, for this host.
    Identity,
}

impl Verify {
    fn parse(word: &str) -> Result<Self, DsnError> {
        Ok(match word.to_ascii_lowercase().as_str() {
            "disabled" | "disable" => Self::Disabled,
            "preferred" | "prefer" => Self::Preferred,
            "required" | "require" => Self::Required,
            "verify-identity" | "verify_identity" | "verify-full" => Self::Identity,
            "verify-ca" | "verify_ca" => return Err(DsnError::AnyName),
            _ => return Err(DsnError::Value("ssl-mode")),
        })
    }
}

/// How the connection is secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Security {
    pub(super) verify: Verify,
    /// Whether the operator said so.
    pub(super) chosen: bool,
    /// The authority's certificates (PEM); those of the public web where there is none.
    authority: Option<PathBuf>,
    /// Our own certificate and its key (PEM).
    identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate is for, where that is not the host's.
    name: Option<String>,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tcp { host: String, port: u16 },
    Socket(String),
}

/// What a connection string says.
#[derive(Clone)]
pub(super) struct Dsn {
    place: Place,
    user: Option<String>,
    password: Option<Secret>,
    /// The database that unqualified names mean, and the only one whose schema is told.
    pub(super) database: Option<String>,
    pub(super) security: Security,
}

impl std::fmt::Debug for Dsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dsn").field("security", &self.security).finish_non_exhaustive()
    }
}

/// What is wrong with a connection string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DsnError {
    #[error("it is no mysql:// URL")]
    Form,
    #[error("its `{0}` has a value that is not known")]
    Value(&'static str),
    #[error("it has the key `{0}`, which is not known")]
    Key(String),
    #[error("it has no host")]
    NoHost,
    #[error("it has no user")]
    NoUser,
    #[error("its path is more than a database's name")]
    Path,
    #[error("it names a database of the server itself, which holds passwords and other people's statements")]
    System,
    /// The driver forgives a wrong name by words in the error's text, which the errors of our TLS do not have; and it takes
    /// no verifier of ours. So it would refuse each server whose name differs, which is those that the mode is for.
    #[error(
        "`ssl-mode=verify-ca` is not to be had: verify-identity is, with `ssl-name` where the certificate is for another \
         name"
    )]
    AnyName,
    #[error("`ssl-cert` and `ssl-key` belong together")]
    Half,
}

/// Keys of other drivers that change nothing here.
const IGNORED: &[&str] = &["charset", "connection_limit", "pool_timeout", "serverTimezone", "useSSL", "useUnicode"];

impl Dsn {
    /// Reads it. Paths in it are relative to `base`.
    pub(super) fn parse(text: &Secret, base: &Path) -> Result<Self, DsnError> {
        let url = Url::parse(text.expose().trim()).map_err(|_| DsnError::Form)?;
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(DsnError::Form);
        }
        let decoded = |text: &str| percent_decoded(text).ok_or(DsnError::Form);
        let mut keys = Keys::default();
        for (key, value) in url.query_pairs() {
            keys.take(&key, value.into_owned())?;
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let place = match keys.socket.take() {
            Some(path) => Place::Socket(base.join(path).to_string_lossy().into_owned()),
            None if host.is_empty() => return Err(DsnError::NoHost),
            None => Place::Tcp { host: decoded(&host)?, port: url.port().unwrap_or(PORT) },
        };
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.contains('/') {
            return Err(DsnError::Path);
        }
        if SYSTEM.iter().any(|name| name.eq_ignore_ascii_case(&database)) {
            return Err(DsnError::System);
        }
        if url.username().is_empty() {
            return Err(DsnError::NoUser);
        }
        let password = url.password().map(decoded).transpose()?.map(Secret::new);
        let security = keys.security(base, &place)?;
        let user = Some(decoded(url.username())?);
        Ok(Self { place, user, password, database: Some(database).filter(|name| !name.is_empty()), security })
    }

    /// Whether the server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.place.is_local()
    }

    /// The driver's options; without TLS if `plain`.
    pub(super) fn options(&self, plain: bool) -> OptsBuilder {
        let options = OptsBuilder::default()
            .user(self.user.clone())
            .pass(self.password.as_ref().map(|password| password.expose().to_owned()))
            .db_name(self.database.clone())
            .ssl_opts(if plain { None } else { self.tls() });
        match &self.place {
            Place::Tcp { host, port } => options.ip_or_hostname(host.clone()).tcp_port(*port),
            Place::Socket(path) => options.socket(Some(path.clone())),
        }
    }

    fn tls(&self) -> Option<SslOpts> {
        if self.security.verify == Verify::Disabled || matches!(self.place, Place::Socket(_)) {
            return None;
        }
        let (authority, identity) = (self.security.authority.clone(), self.security.identity.clone());
        let identity = identity.map(|(certificate, key)| ClientIdentity::new(certificate.into(), key.into()));
        let anything = matches!(self.security.verify, Verify::Preferred | Verify::Required);
        let options = SslOpts::default()
            .with_disable_built_in_roots(authority.is_some())
            .with_root_certs(authority.into_iter().map(Into::into).collect())
            .with_client_identity(identity)
            .with_danger_accept_invalid_certs(anything)
            // Still a name that the operator wrote.
            .with_danger_tls_hostname_override(self.security.name.clone());
        Some(options)
    }

    /// Whether to try without TLS when the server has none.
    pub(super) fn may_be_plain(&self) -> bool {
        self.security.verify == Verify::Preferred
    }
}

impl Place {
    fn is_local(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Tcp { host, .. } => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// What the query says.
#[derive(Debug, Default)]
struct Keys {
    verify: Option<Verify>,
    authority: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    name: Option<String>,
    socket: Option<String>,
}

impl Keys {
    fn take(&mut self, key: &str, value: String) -> Result<(), DsnError> {
        match key.to_ascii_lowercase().replace('_', "-").as_str() {
            "ssl-mode" | "sslmode" => {
                self.verify = Some(Verify::parse(&value)?);
            }
            "ssl-name" => self.name = Some(value),
            "ssl-ca" => self.authority = Some(value),
            "ssl-cert" => self.certificate = Some(value),
            "ssl-key" => self.key = Some(value),
            "socket" => self.socket = Some(value),
            _ if IGNORED.contains(&key) => {}
            _ => return Err(DsnError::Key(key.to_owned())),
        }
        Ok(())
    }

    fn security(self, base: &Path, place: &Place) -> Result<Security, DsnError> {
        let chosen = self.verify.is_some();
        let authority = self.authority.map(|path| base.join(path));
        let verify = match self.verify {
            None if authority.is_none() && place.is_local() => Verify::Preferred,
            None => Verify::Identity,
            // Whoever names an authority wants it asked.
            Some(Verify::Required) if authority.is_some() => Verify::Identity,
            Some(verify) => verify,
        };
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((base.join(certificate), base.join(key))),
            (None, None) => None,
            _ => return Err(DsnError::Half),
        };
        Ok(Security { verify, chosen, authority, identity, name: self.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Dsn, DsnError> {
        Dsn::parse(&Secret::new(url), Path::new("/base"))
    }

    #[test]
    fn the_default_is_to_verify_beyond_this_machine() {
        for (url, verify) in [
            ("mysql://u:p@127.0.0.1/d", Verify::Preferred),
            ("mariadb://u@localhost:3307/d", Verify::Preferred),
            ("mysql://u@[::1]/d", Verify::Preferred),
            ("mysql://u@localhost/d?ssl-ca=ca.pem", Verify::Identity),
            ("mysql://u@db.example/d", Verify::Identity),
            ("mysql://u@10.0.0.1/d", Verify::Identity),
            ("mysql://u@db.example/d?ssl-mode=DISABLED", Verify::Disabled),
            ("mysql://u@db.example/d?sslmode=required", Verify::Required),
            ("mysql://u@db.example/d?ssl-mode=REQUIRED&ssl-ca=ca.pem", Verify::Identity),
            ("mysql://u@127.0.0.1/d?ssl-mode=VERIFY_IDENTITY", Verify::Identity),
        ] {
            assert_eq!(read(url).unwrap().security.verify, verify, "{url}");
        }
        assert!(read("mysql://u@x/d?socket=run/my.sock").unwrap().is_local());
        let ca = read("mysql://u@db.example/d?ssl-ca=ca.pem").unwrap().security.authority;
        assert_eq!(ca.as_deref(), Some(Path::new("/base/ca.pem")));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        for (url, error) in [
            ("postgres://u:hunter2@h/d", DsnError::Form),
            ("hunter2", DsnError::Form),
            ("mysql://h/d", DsnError::NoUser),
            ("mysql:///d?ssl-mode=disabled", DsnError::NoHost),
            ("mysql://u@h/a/b", DsnError::Path),
            ("mysql://u@h/mysql", DsnError::System),
            ("mysql://u@h/d?ssl-mode=hunter2", DsnError::Value("ssl-mode")),
            ("mysql://u@h/d?ssl-mode=verify-ca", DsnError::AnyName),
            ("mysql://u@h/d?ssl-key=k", DsnError::Half),
            ("mysql://u@h/d?allowLoadLocalInfile=hunter2", DsnError::Key("allowLoadLocalInfile".into())),
        ] {
            let found = read(url).unwrap_err();
            assert!(!found.to_string().contains("hunter2"), "{found}");
            assert_eq!(found, error, "{url}");
        }
        let dsn = read("mysql://u:hunter2@h/d%2Dx").unwrap();
        assert_eq!(dsn.database.as_deref(), Some("d-x"));
        assert!(!format!("{dsn:?}").contains("hunter2"));
    }
}
