//! What SOURCE is: the address of a database, a folder, a database's file, or a client's configuration.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portwright_core::{Secret, limits};
use reqwest::Url;
use serde_json::Value;

use crate::cli::error::CliError;

/// What a configuration can be made from.
#[derive(Debug)]
pub(super) enum Origin {
    Database(Database),
    Folder(PathBuf),
    /// The file of an MCP client: the servers that it starts.
    Client(PathBuf, Value),
}

/// A database that can be asked for its schema.
#[derive(Debug)]
pub(super) struct Database {
    /// Of the source.
    pub(super) kind: &'static str,
    /// The key that says where it is: `url`, `path`.
    pub(super) key: &'static str,
    pub(super) place: Place,
    /// What to call it.
    pub(super) name: String,
}

/// Where a database is.
#[derive(Debug)]
pub(super) enum Place {
    /// As it stands, also in the file.
    Plain(String),
    /// With a password in it: kept out of the file.
    Secret(Secret),
    /// Named by a reference, which stays one.
    Reference { written: String, resolved: Secret },
}

impl Place {
    /// What it is in truth.
    pub(super) fn exposed(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) | Self::Reference { resolved: secret, .. } => secret.expose(),
        }
    }
}

impl Origin {
    /// Finds out what `text` means; files are looked at, hosts are not asked.
    pub(super) fn of(text: &str) -> Result<Self, CliError> {
        if let Some(variable) = text.strip_prefix("${env:").and_then(|rest| rest.strip_suffix('}')) {
            return of_variable(text, variable);
        }
        if let Some(database) = Database::behind(text)? {
            return Ok(Self::Database(database));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(usage(
                "a server on the web can't be a source yet",
                "give a database URL, a folder, a SQLite file, or a client's configuration such as .mcp.json",
            ));
        }
        of_path(Path::new(text))
    }
}

fn of_variable(written: &str, variable: &str) -> Result<Origin, CliError> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    let value =
        value.ok_or_else(|| usage(format!("the environment variable `{variable}` is not set"), "export it first"))?;
    let Some(mut database) = Database::behind(&value)? else {
        return Err(usage(format!("`{variable}` holds no database URL"), URLS));
    };
    database.place = Place::Reference { written: written.to_owned(), resolved: Secret::new(value) };
    Ok(Origin::Database(database))
}

/// What a URL may look like.
const URLS: &str = "postgresql://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE or sqlite:FILE";

impl Database {
    /// The database that a URL names, if it is one of a database.
    pub(super) fn behind(text: &str) -> Result<Option<Self>, CliError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Some(Self::file(Path::new(path))));
        }
        let kind = match text.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => "postgres",
            Some("mysql" | "mariadb") => "mysql",
            _ if text.starts_with("host=") || text.contains(" dbname=") => {
                let name = text.split_whitespace().find_map(|pair| pair.strip_prefix("dbname="));
                let place = if text.contains("password=") {
                    Place::Secret(Secret::new(text))
                } else {
                    Place::Plain(text.to_owned())
                };
                return Ok(Some(Self { kind: "postgres", key: "url", place, name: name.unwrap_or("db").to_owned() }));
            }
            _ => return Ok(None),
        };
        let url = Url::parse(text).map_err(|error| usage(format!("the URL can't be read: {error}"), URLS))?;
        let name = url.path().trim_matches('/');
        let name = if name.is_empty() { "db" } else { name }.to_owned();
        let hidden = url.password().is_some() || url.query_pairs().any(|(key, _)| key.contains("password"));
        let place = if hidden { Place::Secret(Secret::new(text)) } else { Place::Plain(text.to_owned()) };
        Ok(Some(Self { kind, key: "url", place, name }))
    }

    /// A file of SQLite.
    pub(super) fn file(path: &Path) -> Self {
        let name = path.file_stem().map_or_else(|| "db".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self { kind: "sqlite", key: "path", place: Place::Plain(path.display().to_string()), name }
    }
}

fn of_path(path: &Path) -> Result<Origin, CliError> {
    let unreadable = |error: std::io::Error| {
        usage(
            format!("{} can't be read: {error}", path.display()),
            format!("give a database URL ({URLS}), a folder or a file"),
        )
    };
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(Origin::Folder(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limits::CONFIG_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.starts_with(b"SQLite format 3\0") || bytes.is_empty() {
        return Ok(Origin::Database(Database::file(path)));
    }
    let strange = || {
        let message = format!("{} is neither a database of SQLite nor a client's configuration", path.display());
        usage(message, "a client's configuration is JSON with `mcpServers` (or `servers`, `context_servers`) in it")
    };
    let text = String::from_utf8(bytes).map_err(|_| strange())?;
    let parsed = jsonc_parser::parse_to_serde_value::<Value>(
        text.trim_start_matches('\u{feff}'),
        &jsonc_parser::ParseOptions::default(),
    );
    match parsed {
        Ok(value) if super::clients::servers(&value).is_some() => Ok(Origin::Client(path.to_owned(), value)),
        Ok(value) if value.get("openapi").or(value.get("swagger")).is_some() => Err(usage(
            "an OpenAPI description can't be a source yet",
            "give a database URL, a folder, a SQLite file, or a client's configuration such as .mcp.json",
        )),
        Err(error) if text.trim_start().starts_with(['{', '/']) => {
            Err(usage(format!("{} is broken JSON: {error}", path.display()), "mend it first; nothing was changed"))
        }
        _ => Err(strange()),
    }
}

pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> CliError {
    CliError::Usage { message: message.into(), hint: Some(hint.into()) }
}

#[cfg(test)]
mod tests {
    use super::{CliError, Database, Origin, Place};

    #[test]
    fn a_password_makes_a_url_a_secret() {
        let hidden = |text: &str| {
            let database = Database::behind(text).unwrap().unwrap();
            assert_eq!(database.place.exposed(), text);
            (matches!(database.place, Place::Secret(_)), database.kind, database.name)
        };
        assert_eq!(hidden("postgres://ada:pw@h/shop"), (true, "postgres", "shop".into()));
        assert_eq!(hidden("postgresql://ada@h:5432/shop?sslmode=require"), (false, "postgres", "shop".into()));
        assert_eq!(hidden("postgres://h/shop?password=pw"), (true, "postgres", "shop".into()));
        assert_eq!(hidden("host=h dbname=shop password=pw"), (true, "postgres", "shop".into()));
        assert_eq!(hidden("mysql://ada:pw@h"), (true, "mysql", "db".into()));
        let database = Database::behind("sqlite:///srv/shop.db").unwrap().unwrap();
        assert_eq!((database.kind, database.place.exposed(), &*database.name), ("sqlite", "/srv/shop.db", "shop"));
        assert!(Database::behind("./postgres").unwrap().is_none());
        assert!(!format!("{:?}", Database::behind("postgres://ada:hunter2@h/shop")).contains("hunter2"));
    }

    #[test]
    fn files_are_told_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let written = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Origin::of(path.to_str().unwrap())
        };
        assert!(matches!(written("a", b"SQLite format 3\0rest"), Ok(Origin::Database(_))));
        assert!(matches!(written("b", b"// a note\n{\"servers\": {},}"), Ok(Origin::Client(..))));
        let words = |found: Result<Origin, CliError>| found.unwrap_err().to_string();
        assert!(words(written("c", b"{\"mcpServers\": {")).contains("broken JSON"));
        assert!(words(written("d", b"{\"openapi\": \"3.1.0\"}")).contains("OpenAPI"));
        assert!(words(written("e", b"hello")).contains("neither"));
        assert!(matches!(Origin::of(folder.path().to_str().unwrap()), Ok(Origin::Folder(_))));
        assert!(words(Origin::of("/no/such/place")).contains("can't be read"));
        assert!(words(Origin::of("https://example.com/mcp")).contains("web"));
    }
}
