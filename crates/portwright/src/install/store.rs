//! A client's file: read within a bound, kept before it is changed, and replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use portwright_core::limits;

/// Backups of one file that are kept beside it.
const BACKUPS_MAX: u32 = 100;

/// Why a file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("it can't be read")]
    Read(#[source] io::Error),
    #[error("it can't be written")]
    Write(#[source] io::Error),
    #[error("it is larger than {} bytes, which no client's file is", limits::CLIENT_FILE_BYTES_MAX)]
    TooLarge,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it was changed meanwhile; run the command again")]
    Changed,
}

/// The text; none if there is no file.
pub(super) fn read(file: &Path) -> Result<Option<String>, StoreError> {
    let open = match File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::Read(error)),
    };
    let mut bytes = Vec::new();
    open.take(limits::CLIENT_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(StoreError::Read)?;
    if bytes.len() as u64 > limits::CLIENT_FILE_BYTES_MAX {
        return Err(StoreError::TooLarge);
    }
    String::from_utf8(bytes).map(Some).map_err(|_| StoreError::NotText)
}

/// Replaces the file, if it still is as it was read; where the earlier one is kept.
pub(super) fn write(file: &Path, before: Option<&str>, after: &str) -> Result<Option<PathBuf>, StoreError> {
    // A link stays one: what it leads to is replaced.
    let target = match fs::canonicalize(file) {
        Ok(target) => target,
        Err(error) if fs::symlink_metadata(file).is_ok() => return Err(StoreError::Write(error)),
        Err(_) => file.to_owned(),
    };
    // A rename asks the folder alone; whoever locked the file meant the file.
    if fs::metadata(&target).is_ok_and(|there| there.permissions().readonly()) {
        return Err(StoreError::Write(io::ErrorKind::PermissionDenied.into()));
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::Write)?;
    if read(&target)?.as_deref() != before {
        return Err(StoreError::Changed);
    }
    let backup = before.map(|before| keep(&target, before)).transpose().map_err(StoreError::Write)?;
    replace(&target, after, before.is_some()).map_err(StoreError::Write)?;
    Ok(backup)
}

fn keep(file: &Path, text: &str) -> io::Result<PathBuf> {
    let named = |number| PathBuf::from(format!("{}.portwright-backup-{number}", file.display()));
    let free = (1..=BACKUPS_MAX).map(named).find(|path| !path.exists());
    let backup = free.ok_or_else(|| io::Error::other("there are too many backups beside it; remove some"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // Nobody else reads it before it has the rights of the file itself.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut kept = options.open(&backup)?;
    fs::set_permissions(&backup, fs::metadata(file)?.permissions())?;
    kept.write_all(text.as_bytes())?;
    kept.sync_all()?;
    Ok(backup)
}

/// Writes beside it and renames: whoever reads sees the old or the new.
fn replace(file: &Path, text: &str, exists: bool) -> io::Result<()> {
    let new = PathBuf::from(format!("{}.portwright-new-{}", file.display(), std::process::id()));
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It may hold tokens of other servers.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&new)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        if exists {
            let as_it_was = fs::metadata(file)?;
            fs::set_permissions(&new, as_it_was.permissions())?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt as _;
                // Another owner's file stays theirs; without the right to give it back, it is not taken.
                std::os::unix::fs::chown(&new, Some(as_it_was.uid()), Some(as_it_was.gid()))?;
            }
        }
        fs::rename(&new, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}
