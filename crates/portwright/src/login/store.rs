//! [`Store`]: the tokens of one server, in a file that only its owner reads.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use portwright_core::async_trait;
use reqwest::Url;
use rmcp::transport::auth::{AuthError, CredentialStore, StoredCredentials};
use sha2::{Digest, Sha256};

/// The file of one server.
#[derive(Debug, Clone)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// In the platform's folder for configuration, under a name that is made from the server's address.
    pub(crate) fn of(url: &Url) -> io::Result<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = variable("XDG_CONFIG_HOME").or_else(|| variable("APPDATA"));
        let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
        let folder = folder.ok_or_else(|| io::Error::other("there is no home folder to keep tokens in"))?;
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let name = Sha256::digest(bare.as_str())
            .iter()
            .take(16)
            .fold(String::new(), |name, byte| name + &format!("{byte:02x}"));
        Ok(Self(folder.join("portwright/logins").join(format!("{name}.json"))))
    }

    pub(crate) fn exists(&self) -> bool {
        self.0.is_file()
    }

    /// Forgets the tokens; whether there were any.
    pub(crate) fn forget(&self) -> io::Result<bool> {
        match fs::remove_file(&self.0) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whole or not at all: a second program may read it at the same time.
    fn write(&self, credentials: &StoredCredentials) -> io::Result<()> {
        let folder = self.0.parent().ok_or_else(|| io::Error::other("no folder"))?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let new = self.0.with_extension(format!("{}.new", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(&serde_json::to_vec(credentials)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.0)
    }
}

fn failed(error: impl std::fmt::Display) -> AuthError {
    AuthError::CredentialStoreError(error.to_string())
}

#[async_trait]
impl CredentialStore for Store {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        self.write(&credentials).map_err(failed)
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.forget().map(drop).map_err(failed)
    }
}
