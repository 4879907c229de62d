//! The connection string: a URL or key=value pairs, as libpq takes them.
//!
//! The driver does not know all of libpq's keys, so those of TLS are taken out here. Nothing that this module says
//! holds any part of the string but names of keys.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use portwright_core::Secret;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

/// What a server must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// No TLS.
    Disable,
    /// TLS if the server has it, with any certificate. libpq's default.
    Prefer,
    /// TLS with any certificate; with the authority's where `sslrootcert` names one, as libpq does.
    Require,
    /// TLS with a certificate of the authority, for any name.
    Authority,
    /// TLS with a certificate of the authority, for this host.
    Host,
}

impl FromStr for Verify {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::Authority,
            "verify-full" => Self::Host,
            _ => return Err(()),
        })
    }
}

/// How the connection is secured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Security {
    pub(super) verify: Verify,
    /// Whether the operator said so.
    pub(super) chosen: bool,
    /// The authority's certificates (PEM); the system's where there is none.
    pub(super) authority: Option<PathBuf>,
    /// Our own certificate and its key (PEM).
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// What a connection string says.
#[derive(Clone)]
pub(super) struct Dsn {
    pub(super) config: Config,
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
    #[error("it is neither a postgres:// URL nor key=value pairs")]
    Form,
    #[error("its `{0}` has a value that is not known")]
    Value(String),
    #[error("it has the key `{0}`, which is not known")]
    Key(String),
    #[error("it has no host")]
    NoHost,
    #[error("`{0}` and `{1}` belong together")]
    Half(&'static str, &'static str),
}

/// Keys of libpq and of other drivers that change nothing here.
const IGNORED: &[&str] = &[
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssencmode",
    "pgbouncer",
    "pool_timeout",
    "sslcompression",
    "sslsni",
    "uselibpqcompat",
];

impl Dsn {
    /// Reads it. Paths in it are relative to `base`.
    pub(super) fn parse(text: &Secret, base: &Path) -> Result<Self, DsnError> {
        let text = text.expose().trim();
        let (rest, pairs) = if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            split_url(text)?
        } else {
            (String::new(), split_pairs(text)?)
        };
        let mut own = Own::default();
        let mut driver = Vec::new();
        for (key, value) in pairs {
            own.take(key, value, &mut driver)?;
        }
        let config = if rest.is_empty() { pairs_text(&driver) } else { with_query(&rest, &driver) };
        let mut config = Config::from_str(&config).map_err(|error| driver_error(&error, &driver))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(DsnError::NoHost);
        }
        if config.get_application_name().is_none() {
            config.application_name("portwright");
        }
        let security = own.security(base)?;
        config.ssl_mode(match security.verify {
            Verify::Disable => SslMode::Disable,
            Verify::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        if config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self { config, security })
    }

    /// Whether the server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        let addresses = self.config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        addresses
            && self.config.get_hosts().iter().all(|host| match host {
                Host::Tcp(name) => {
                    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
                }
                #[cfg(unix)]
                Host::Unix(_) => true,
            })
    }

    /// Whether TLS begins with the first byte.
    pub(super) fn is_direct(&self) -> bool {
        self.config.get_ssl_negotiation() == SslNegotiation::Direct
    }
}

/// The keys that the driver does not know.
#[derive(Debug, Default)]
struct Own {
    verify: Option<Verify>,
    authority: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Own {
    fn take(&mut self, key: String, value: String, driver: &mut Vec<(String, String)>) -> Result<(), DsnError> {
        match key.as_str() {
            "sslmode" => self.verify = Some(value.parse().map_err(|()| DsnError::Value(key))?),
            "ssl" if value == "true" => self.verify = Some(Verify::Require),
            "sslrootcert" => self.authority = Some(value),
            "sslcert" => self.certificate = Some(value),
            "sslkey" => self.key = Some(value),
            ignored if IGNORED.contains(&ignored) => {}
            _ => driver.push((key, value)),
        }
        Ok(())
    }

    fn security(self, base: &Path) -> Result<Security, DsnError> {
        let chosen = self.verify.is_some();
        let system = self.authority.as_deref() == Some("system");
        let authority = self.authority.filter(|_| !system).map(|path| base.join(path));
        let verify = match self.verify {
            // As libpq: the system's authorities are of use only with the name.
            None if system => Verify::Host,
            None => Verify::Prefer,
            Some(Verify::Require) if authority.is_some() => Verify::Authority,
            Some(verify) => verify,
        };
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((base.join(certificate), base.join(key))),
            (None, None) => None,
            _ => return Err(DsnError::Half("sslcert", "sslkey")),
        };
        Ok(Security { verify, chosen, authority, identity })
    }
}

type Pairs = Vec<(String, String)>;

/// The URL without its query, and the query's pairs.
fn split_url(url: &str) -> Result<(String, Pairs), DsnError> {
    let (rest, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').ok_or(DsnError::Form)?;
        Ok((percent_decoded(key)?, percent_decoded(value)?))
    });
    Ok((rest.to_owned(), pairs.collect::<Result<_, _>>()?))
}

fn percent_decoded(text: &str) -> Result<String, DsnError> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2).ok_or(DsnError::Form)?;
        let digits = std::str::from_utf8(digits).map_err(|_| DsnError::Form)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| DsnError::Form)?);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| DsnError::Form)
}

fn with_query(url: &str, pairs: &[(String, String)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect()
    };
    // The driver reads keys as they stand.
    let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    format!("{url}?{}", query.join("&"))
}

/// `key = 'value'`, where `\` escapes and quotes may be left out.
fn split_pairs(text: &str) -> Result<Pairs, DsnError> {
    let mut pairs = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|each| each.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return if pairs.is_empty() { Err(DsnError::Form) } else { Ok(pairs) };
        }
        let mut key = String::new();
        while let Some(each) = chars.next_if(|each| each.is_ascii_alphanumeric() || *each == '_') {
            key.push(each);
        }
        while chars.next_if(|each| each.is_whitespace()).is_some() {}
        if key.is_empty() || chars.next() != Some('=') {
            return Err(DsnError::Form);
        }
        while chars.next_if(|each| each.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next() {
                Some('\\') => value.push(chars.next().ok_or(DsnError::Form)?),
                Some('\'') if quoted => break,
                Some(each) if !quoted && each.is_whitespace() => break,
                Some(each) => value.push(each),
                None if quoted => return Err(DsnError::Form),
                None => break,
            }
        }
        pairs.push((key, value));
    }
}

fn pairs_text(pairs: &[(String, String)]) -> String {
    let quote = |value: &str| value.replace('\\', r"\\").replace('\'', r"\'");
    pairs.iter().map(|(key, value)| format!("{key}='{}'", quote(value))).collect::<Vec<_>>().join(" ")
}

/// The driver's words may quote the string, so only the names of keys are taken from them.
fn driver_error(error: &tokio_postgres::Error, pairs: &[(String, String)]) -> DsnError {
    let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let named = pairs.iter().find(|(key, _)| words.contains(&format!("`{key}`")));
    match named {
        Some((key, _)) if words.contains("unknown option") => DsnError::Key(key.clone()),
        Some((key, _)) => DsnError::Value(key.clone()),
        None if words.contains("`port`") => DsnError::Value("port".to_owned()),
        None => DsnError::Form,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use portwright_core::Secret;

    use super::{Dsn, DsnError, Verify};

    fn parse(text: &str) -> Result<Dsn, DsnError> {
        Dsn::parse(&Secret::new(text), Path::new("/etc/pw"))
    }

    #[test]
    fn reads_urls_and_pairs() {
        let url = parse(
            "postgres://ada:p%40ss@db.example:6432/shop?sslmode=verify-full&sslrootcert=ca.pem&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(url.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(url.config.get_options(), Some("-c a=b"));
        assert_eq!(url.config.get_ports(), [6432]);
        assert_eq!(url.security.verify, Verify::Host);
        assert_eq!(url.security.authority, Some(PathBuf::from("/etc/pw/ca.pem")));
        assert!(!url.is_local());
        let pairs = parse(r"host=localhost user = ada password='it\'s' dbname=shop sslmode=disable").unwrap();
        assert_eq!(pairs.config.get_password(), Some(&b"it's"[..]));
        assert_eq!(pairs.security.verify, Verify::Disable);
        assert!(pairs.is_local());
    }

    #[test]
    fn modes_mean_what_libpq_means() {
        let verify = |query: &str| parse(&format!("postgres://h/d?{query}")).unwrap().security.verify;
        assert_eq!(verify(""), Verify::Prefer);
        assert_eq!(verify("sslmode=require"), Verify::Require);
        assert_eq!(verify("sslmode=require&sslrootcert=/ca.pem"), Verify::Authority);
        assert_eq!(verify("sslrootcert=system"), Verify::Host);
        assert_eq!(verify("sslmode=verify-ca"), Verify::Authority);
    }

    #[test]
    fn says_what_is_wrong_without_the_string() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        for text in ["hunter2", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h/d?%zz=1", "host='hunter2"] {
            assert!(!error(text).contains("hunter2"), "{}", error(text));
        }
        assert_eq!(error("postgres://u:hunter2@h/d?sslmode=hunter2"), "its `sslmode` has a value that is not known");
        assert_eq!(error("postgres://u:hunter2@h/d?frobnicate=1"), "it has the key `frobnicate`, which is not known");
        assert_eq!(error("user=ada password=hunter2"), "it has no host");
        assert_eq!(error("postgres://u:hunter2@h:nan/d"), "its `port` has a value that is not known");
        assert_eq!(error("postgres://h/d?sslcert=a.pem"), "`sslcert` and `sslkey` belong together");
        let shown = format!("{:?}", parse("postgres://u:hunter2@h/d").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
