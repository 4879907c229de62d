//! Keys of a real file: added, used, expired, revoked, and what becomes of a file that is broken.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portwright_core::{Auth, limits};

use super::super::BadCredential;
use super::super::key::Key;
use super::{Entry, KeyFile, KeyFileError, Keys, last_uses};

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("folder");
    Place { path: folder.path().join("keys.toml"), _folder: folder }
}

/// Writes an entry, and gives the key as its holder has it.
fn add(path: &Path, name: &str, change: impl FnOnce(&mut Entry)) -> String {
    let key = Key::generate().expect("random bytes");
    let mut entry = Entry::of(&key, vec!["analyst".to_owned()], Timestamp::now(), None);
    change(&mut entry);
    let insert = |file: &mut KeyFile| {
        file.keys.insert(name.to_owned(), entry);
        Ok::<_, ()>(())
    };
    KeyFile::change(path, insert).expect("written").expect("changed");
    key.reveal().expose().to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_key_proves_who_calls() {
    let place = place();
    let (ada, old) = (add(&place.path, "ada", |_| {}), add(&place.path, "old", |old| old.expires = Some(old.created)));
    let gone = add(&place.path, "gone", |gone| gone.revoked = Some(gone.created));
    let keys = Keys::open(&place.path).expect("opened");
    let principal = keys.judge(&ada).expect("ada");
    assert_eq!((&*principal.id, principal.auth), ("ada", Auth::Key));
    assert_eq!(principal.roles, [Arc::<str>::from("analyst")]);
    assert_eq!(keys.judge(&old).unwrap_err(), BadCredential::Expired);
    assert_eq!(keys.judge(&gone).unwrap_err(), BadCredential::Revoked);
    let (id, other) = (&ada[..20], &old[20..]);
    let stranger = Key::generate().expect("random bytes").reveal();
    for wrong in [&format!("{id}{other}"), stranger.expose(), "", "ada", &ada[..ada.len() - 1], &format!("{ada} ")] {
        assert_eq!(keys.judge(wrong).unwrap_err(), BadCredential::Unknown, "{wrong}");
    }
    let text = std::fs::read_to_string(&place.path).expect("read");
    assert!(!text.contains(&ada[20..]) && text.contains("sha256:"), "only hashes are kept");
    assert!(!format!("{keys:?}").contains(&ada[20..]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&place.path).expect("there").permissions().mode() & 0o077, 0);
    }
}

#[test]
fn the_file_is_followed() {
    let place = place();
    let keys = Keys::open(&place.path).expect("a file that is not there has no keys");
    let ada = add(&place.path, "ada", |_| {});
    until("ada", || keys.judge(&ada).is_ok());
    // A file that was broken by hand: nobody is locked out by a slip.
    let whole = std::fs::read_to_string(&place.path).expect("read");
    std::fs::write(&place.path, "[keys.ada\n").expect("written");
    std::thread::sleep(limits::KEY_FILE_LOOK_EVERY);
    assert!(keys.judge(&ada).is_ok());
    std::fs::write(&place.path, whole).expect("written");
    let revoke = |file: &mut KeyFile| {
        file.keys.get_mut("ada").expect("ada").revoked = Some(Timestamp::now());
        Ok::<_, ()>(())
    };
    KeyFile::change(&place.path, revoke).expect("written").expect("changed");
    until("the end of ada", || keys.judge(&ada) == Err(BadCredential::Revoked));
    let bob = add(&place.path, "bob", |_| {});
    until("bob", || keys.judge(&bob).is_ok());
    std::fs::remove_file(&place.path).expect("removed");
    until("the end of all", || keys.judge(&bob) == Err(BadCredential::Unknown));
}

#[test]
fn the_last_use_is_written_down() {
    let place = place();
    let (ada, bob) = (add(&place.path, "ada", |_| {}), add(&place.path, "bob", |_| {}));
    for used in [&ada, &bob, &ada] {
        let keys = Keys::open(&place.path).expect("opened");
        keys.judge(used).expect("valid");
    }
    let uses = last_uses(&place.path);
    assert_eq!(uses.len(), 2, "{uses:?}");
    assert!(uses.keys().all(|id| ada.contains(id.as_str()) || bob.contains(id.as_str())));
}

#[test]
fn files_that_are_none_are_told() {
    let place = place();
    add(&place.path, "ada", |_| {});
    let whole = std::fs::read_to_string(&place.path).expect("read");
    let twice = whole.replace("[keys.ada]", "[keys.eve]").replace(&whole[..whole.find("[keys").expect("a key")], "");
    for (text, words) in [
        ("keys = 1".to_owned(), "is no file of keys"),
        (whole.replace("sha256:", "md5:"), "the hash of `ada` can't be read"),
        (format!("{whole}\n{twice}"), "two keys have the id"),
        (whole.replace("created", "creatde"), "is no file of keys"),
        ("#".repeat(limits::KEY_FILE_BYTES_MAX + 1), "larger than"),
    ] {
        std::fs::write(&place.path, text).expect("written");
        let error = Keys::open(&place.path).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        let refused = KeyFile::change(&place.path, |_| Ok::<_, ()>(())).expect_err("not written over");
        assert!(matches!(refused, KeyFileError::Malformed(..)), "{refused}");
    }
}

#[test]
fn a_refused_change_writes_nothing() {
    let place = place();
    add(&place.path, "ada", |_| {});
    let before = std::fs::read_to_string(&place.path).expect("read");
    let refused = KeyFile::change(&place.path, |file| {
        file.keys.clear();
        Err::<(), _>("no")
    });
    assert_eq!(refused.expect("read"), Err("no"));
    assert_eq!(std::fs::read_to_string(&place.path).expect("read"), before);
    let held = std::fs::File::open(place.path.with_extension("toml.lock")).expect("a lock");
    held.lock().expect("held");
    let busy = KeyFile::change(&place.path, |_| Ok::<_, ()>(())).expect_err("another holds it");
    assert!(matches!(busy, KeyFileError::Busy(_)), "{busy}");
}
