//! Which file is the configuration, and its text.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portwright_core::limits;

use super::reference::reason;

/// The environment variable that names the file where the command line does not.
pub const VARIABLE: &str = "PORTWRIGHT_CONFIG";

/// The name of the file.
pub const FILE_NAME: &str = "portwright.toml";

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    #[error("there is no configuration: looked for {}", listed(.0))]
    Nowhere(Vec<PathBuf>),
    #[error("{} can't be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, String),
    #[error("{} is larger than {} bytes, which no configuration needs", .0.display(), limits::CONFIG_BYTES_MAX)]
    TooLarge(PathBuf),
    #[error("{} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

/// The file that the command line or the environment names, else the first of the usual places that has one.
pub fn locate(named: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, LocateError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    if let Some(path) = variable(VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let places = usual(variable);
    places.iter().find(|path| path.exists()).cloned().ok_or(LocateError::Nowhere(places))
}

/// The working folder, then the platform's folder for configuration.
fn usual(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(|| set("USERPROFILE"));
    let folder = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            set("APPDATA")
        } else if cfg!(target_os = "macos") {
            home().map(|home| home.join("Library/Application Support"))
        } else {
            home().map(|home| home.join(".config"))
        }
    });
    let platform = folder.map(|folder| folder.join("portwright").join(FILE_NAME));
    std::iter::once(PathBuf::from(FILE_NAME)).chain(platform).collect()
}

/// The text of the file, within its bound.
pub(crate) fn read(path: &Path) -> Result<String, LocateError> {
    let unreadable = |error: std::io::Error| LocateError::Unreadable(path.to_owned(), reason(&error));
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(LocateError::Unreadable(path.to_owned(), "it is a folder".into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limits::CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limits::CONFIG_BYTES_MAX {
        return Err(LocateError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| LocateError::NotText(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::{LocateError, locate};

    #[test]
    fn the_working_folder_comes_before_the_platform_s() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().to_owned();
        let variable = |name: &str| (name == "XDG_CONFIG_HOME").then(|| OsString::from(&config));
        let Err(LocateError::Nowhere(places)) = locate(None, &variable) else { panic!("nothing is there") };
        let platform = config.join("portwright/portwright.toml");
        assert_eq!(places, [PathBuf::from("portwright.toml"), platform.clone()]);
        std::fs::create_dir(config.join("portwright")).unwrap();
        std::fs::write(&platform, "").unwrap();
        assert_eq!(locate(None, &variable).unwrap(), platform);
    }
}
