//! What a file is besides its contents outlives a write.
#![cfg(target_os = "linux")]

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use rustix::fs::{XattrFlags, fgetxattr, fsetxattr, setxattr};
use serde_json::json;

use super::{Place, data};

const ACCESS_LIST: &CStr = c"system.posix_acl_access";
const DEFAULT_LIST: &CStr = c"system.posix_acl_default";
const NOBODY: u32 = 65_534;

/// A list in the kernel's form: owner rw, one more user r, group r, mask r, others nothing.
fn list(user: u32) -> Vec<u8> {
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in
        [(1_u16, 6_u16, u32::MAX), (2, 4, user), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        list.extend(tag.to_le_bytes().into_iter().chain(rights.to_le_bytes()).chain(id.to_le_bytes()));
    }
    list
}

fn attribute(place: &Place, name: &str, attribute: &CStr) -> Option<Vec<u8>> {
    let mut value = [0_u8; 1024];
    let length = fgetxattr(File::open(place.root.join(name)).unwrap(), attribute, &mut value[..]).ok()?;
    Some(value[..length].to_vec())
}

/// Sets it; says so where this file system has none of the kind.
fn set(place: &Place, name: &str, attribute: &CStr, value: &[u8]) -> bool {
    let file = File::open(place.root.join(name)).unwrap();
    let done = fsetxattr(file, attribute, value, XattrFlags::empty());
    if let Err(error) = done {
        eprintln!("SKIPPED: no {} here: {error}", attribute.to_string_lossy());
    }
    done.is_ok()
}

#[tokio::test]
async fn owner_rights_access_list_and_attributes_outlive_a_write() {
    let place = Place::new();
    let source = place.writable().await;
    for (name, tool) in [("a.txt", "write_file"), ("b.txt", "edit_file"), ("c.txt", "copy_file")] {
        place.write(name, "one\n");
        place.write("from.txt", "two\n");
        let path = place.root.join(name);
        let owned = chown(&path, Some(NOBODY), Some(NOBODY)).is_ok();
        if !owned {
            eprintln!("SKIPPED: the owner; only root gives files away");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let noted = set(&place, name, c"user.note", b"mine \xff");
        let empty = set(&place, name, c"user.empty", b"");
        let listed = set(&place, name, ACCESS_LIST, &list(12_345));
        let before = fs::metadata(&path).unwrap();
        let arguments = match tool {
            "write_file" => json!({"path": name, "content": "two\n"}),
            "edit_file" => json!({"path": name, "edits": [{"oldText": "one", "newText": "two"}]}),
            _ => json!({"source": "from.txt", "destination": name, "overwrite": true}),
        };
        data(&source, tool, arguments).await;
        assert_eq!(place.read(name), b"two\n");
        let after = fs::metadata(&path).unwrap();
        assert_ne!(before.ino(), after.ino(), "{tool} wrote into the file that was there");
        assert_eq!((before.mode(), before.uid(), before.gid()), (after.mode(), after.uid(), after.gid()), "{tool}");
        assert!(!owned || after.uid() == NOBODY);
        assert!(!noted || attribute(&place, name, c"user.note").as_deref() == Some(&b"mine \xff"[..]), "{tool}");
        assert!(!empty || attribute(&place, name, c"user.empty").as_deref() == Some(&[][..]), "{tool}");
        assert!(!listed || attribute(&place, name, ACCESS_LIST) == Some(list(12_345)), "{tool}");
    }
}

#[tokio::test]
async fn a_folders_list_for_new_files_opens_no_old_one() {
    let place = Place::new();
    let source = place.writable().await;
    place.write("private.txt", "one\n");
    fs::set_permissions(place.root.join("private.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    if let Err(error) = setxattr(&place.root, DEFAULT_LIST, &list(12_345), XattrFlags::empty()) {
        eprintln!("SKIPPED: no access lists here: {error}");
        return;
    }
    data(&source, "write_file", json!({"path": "private.txt", "content": "two\n"})).await;
    assert_eq!(attribute(&place, "private.txt", ACCESS_LIST), None);
    assert_eq!(fs::metadata(place.root.join("private.txt")).unwrap().permissions().mode() & 0o777, 0o640);
    data(&source, "write_file", json!({"path": "new.txt", "content": "n"})).await;
    assert!(attribute(&place, "new.txt", ACCESS_LIST).is_some(), "a new file has what its folder gives");
}
