//! What a file keeps when its contents are replaced: owner, rights, access list, extended attributes.

use std::fs::{File, Metadata};
use std::io;

/// Makes `new`, which is still empty, like `old`. What can't be kept fails, so that nothing is written.
pub(super) fn keep(new: &File, old: &File, meta: &Metadata) -> io::Result<()> {
    owner(new, meta)?;
    new.set_permissions(meta.permissions())?;
    // After the rights: an access list holds them too.
    attributes(new, old)
}

#[cfg(unix)]
fn owner(new: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = new.metadata()?;
    if (own.uid(), own.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn attributes(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}

/// The access list, as an attribute.
#[cfg(target_os = "linux")]
const ACCESS_LIST: &std::ffi::CStr = c"system.posix_acl_access";

#[cfg(target_os = "linux")]
fn attributes(new: &File, old: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr};
    let (had, has) = (names(old)?, names(new)?);
    // A folder gives its new files a list that this one may not have had.
    if has.iter().any(|name| name.as_c_str() == ACCESS_LIST) && !had.iter().any(|name| name.as_c_str() == ACCESS_LIST) {
        fremovexattr(new, ACCESS_LIST)?;
    }
    for name in had.iter().filter(|name| belongs_to_file(name)) {
        let value = value(old, name)?;
        if let Err(error) = fsetxattr(new, name.as_c_str(), &value, XattrFlags::empty()) {
            // A label that only the system may set is the system's to judge; the new file has the folder's.
            if !is_label(name) {
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Not what speaks of the old contents: rights of a program, and digests. The system takes them away at any write, too.
#[cfg(target_os = "linux")]
fn belongs_to_file(name: &std::ffi::CStr) -> bool {
    !matches!(name.to_bytes(), b"security.capability" | b"security.ima" | b"security.evm")
}

#[cfg(target_os = "linux")]
fn is_label(name: &std::ffi::CStr) -> bool {
    name.to_bytes().starts_with(b"security.") || name.to_bytes().starts_with(b"trusted.")
}

/// A file system without attributes has none to keep.
#[cfg(target_os = "linux")]
fn names(file: &File) -> io::Result<Vec<std::ffi::CString>> {
    let mut all = vec![0_u8; portwright_core::limits::ATTRIBUTE_BYTES_MAX];
    let length = match rustix::fs::flistxattr(file, &mut all[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => 0,
        Err(error) => return Err(error.into()),
    };
    let named = all[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    named.map(|name| std::ffi::CString::new(name).map_err(io::Error::from)).collect()
}

#[cfg(target_os = "linux")]
fn value(file: &File, name: &std::ffi::CStr) -> io::Result<Vec<u8>> {
    let mut value = vec![0_u8; portwright_core::limits::ATTRIBUTE_BYTES_MAX];
    let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}
