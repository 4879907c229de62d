//! Reads the file behind a resource: regular files only, bounded, and never stuck on something that only looks like one.
//!
//! The path comes from the operator's configuration and from nowhere else. Links are followed: what they lead to counts.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use portwright_core::limits;

/// Why a file can't be read. For the log: it names the path.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("{} can't be opened", .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("{} is larger than {} bytes", .0.display(), limits::RESOURCE_FILE_BYTES_MAX)]
    TooLarge(PathBuf),
    #[error("{} can't be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
}

/// Its bytes. Blocks.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = open(path)?;
    let size = judge(path, &file.metadata().map_err(|error| FileError::Read(path.to_owned(), error))?)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limits::RESOURCE_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| FileError::Read(path.to_owned(), error))?;
    // It may have grown since it was judged.
    if bytes.len() as u64 > limits::RESOURCE_FILE_BYTES_MAX {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

/// Whether it could be read now, without reading it. Blocks.
pub(super) fn probe(path: &Path) -> Result<(), FileError> {
    let file = open(path)?;
    judge(path, &file.metadata().map_err(|error| FileError::Read(path.to_owned(), error))?).map(drop)
}

fn open(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a FIFO waits for a writer, unless told not to.
        options.custom_flags(libc::O_NONBLOCK);
    }
    options.open(path).map_err(|error| FileError::Open(path.to_owned(), error))
}

fn judge(path: &Path, meta: &Metadata) -> Result<u64, FileError> {
    if !meta.is_file() {
        return Err(FileError::NotRegular(path.to_owned()));
    }
    if meta.len() > limits::RESOURCE_FILE_BYTES_MAX {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    Ok(meta.len())
}
