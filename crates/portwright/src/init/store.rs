//! The files of a new configuration: whole or not at all, and nothing of the person's is lost.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::draft::{Draft, SECRETS, SecretFile};
use super::origin::usage;
use crate::cli::error::CliError;

/// The folder that a file stands in.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses to write over what is there, before anything is asked of anybody.
pub(super) fn free(file: &Path, force: bool) -> Result<(), CliError> {
    if file.exists() && !force {
        let hint = "give another file with -o FILE, or --force to replace it; the one that is there is kept beside it";
        return Err(usage(format!("{} exists", file.display()), hint));
    }
    Ok(())
}

/// Writes the secrets, then the configuration. What was there is kept beside it; its new name comes back.
pub(super) fn write(file: &Path, draft: &Draft, text: &str) -> Result<Option<PathBuf>, CliError> {
    let failed = |error: io::Error| {
        usage(format!("can't write {}: {error}", file.display()), "choose another place with -o FILE")
    };
    fs::create_dir_all(folder(file)).map_err(failed)?;
    for secret in &draft.secrets {
        keep(&folder(file).join(SECRETS), secret)?;
    }
    let kept = if file.exists() { Some(set_aside(file).map_err(failed)?) } else { None };
    let mut new = OpenOptions::new().write(true).create_new(true).open(file).map_err(failed)?;
    new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(failed)?;
    Ok(kept)
}

/// Another name for what stands in the way.
fn set_aside(file: &Path) -> io::Result<PathBuf> {
    const KEPT_MAX: u32 = 1000;
    let named = |number| PathBuf::from(format!("{}.before-{number}", file.display()));
    let kept = (1..KEPT_MAX).map(named).find(|path| !path.exists());
    let kept = kept.ok_or_else(|| io::Error::other("there are too many earlier ones beside it"))?;
    fs::rename(file, &kept)?;
    Ok(kept)
}

fn keep(folder: &Path, secret: &SecretFile) -> Result<(), CliError> {
    let path = folder.join(&secret.name);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => usage(
            format!("{} exists, and may hold another secret", path.display()),
            "move it away, or write elsewhere with -o FILE",
        ),
        _ => usage(format!("can't write {}: {error}", path.display()), "choose another place with -o FILE"),
    };
    if fs::read(&path).is_ok_and(|there| there == secret.secret.expose().as_bytes()) {
        return Ok(());
    }
    private_folder(folder).map_err(failed)?;
    let mut file = private_file().open(&path).map_err(failed)?;
    file.write_all(secret.secret.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// A folder for its owner alone, which says to git that nothing in it is for others.
fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    fs::write(folder.join(".gitignore"), "*\n")
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
