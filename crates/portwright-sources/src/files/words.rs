//! What is told when the file system says no: what the caller can mend, without the host's own paths and numbers.

use std::io;

use portwright_core::Refusal;

/// A path that no root holds.
pub(super) fn outside(path: &str) -> String {
    format!("`{path}` is not in the folders that are served here; list_allowed_directories tells them")
}

/// Why `path` could not be opened, listed or changed.
pub(super) fn refuse(error: io::Error, path: &str) -> Refusal {
    use io::ErrorKind as Kind;
    let words = match error.kind() {
        Kind::NotFound => format!("there is no `{path}`"),
        // How a path that leads out of its root is told depends on who noticed it first.
        Kind::CrossesDevices => outside(path),
        Kind::PermissionDenied if error.raw_os_error().is_none() => outside(path),
        Kind::PermissionDenied => format!("this server has no right to `{path}`"),
        Kind::NotADirectory => format!("`{path}` is not a folder, or a part of it is not"),
        Kind::IsADirectory => format!("`{path}` is a folder"),
        Kind::AlreadyExists => format!("`{path}` exists already"),
        Kind::DirectoryNotEmpty => format!("the folder `{path}` is not empty"),
        Kind::InvalidFilename | Kind::InvalidInput => format!("`{path}` is not a name that this file system takes"),
        Kind::StorageFull | Kind::QuotaExceeded => "there is no room left for it".to_owned(),
        Kind::ReadOnlyFilesystem => format!("`{path}` lies on a file system that can't be written to"),
        Kind::FileTooLarge => format!("`{path}` would become too large"),
        #[cfg(unix)]
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            format!("`{path}` is a link that leads in a circle, or to one")
        }
        #[cfg(unix)]
        _ if error.raw_os_error() == Some(libc::ENXIO) => {
            format!("`{path}` is no regular file but a pipe, a socket or a device")
        }
        _ => format!("`{path}` can't be used"),
    };
    Refusal::failed(words).because(error)
}
