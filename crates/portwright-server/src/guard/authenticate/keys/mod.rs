//! API keys: those of a file that `portwright keys` writes. A server follows the file, so that a key that was added or
//! revoked is known within a second.

mod file;
#[cfg(test)]
mod tests;
mod used;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use portwright_core::{Auth, Principal, limits};

use super::BadCredential;
use super::key::{Key, KeyHash};
pub use file::{Entry, KeyFile, KeyFileError};
pub use used::{LastUses, last_uses};

/// The keys of a file.
#[derive(Debug)]
pub struct Keys {
    path: PathBuf,
    holders: ArcSwap<HashMap<String, Holder>>,
    watch: Mutex<Watch>,
}

/// One key's holder.
#[derive(Debug)]
struct Holder {
    hash: KeyHash,
    principal: Arc<Principal>,
    entry: Entry,
    /// Seconds since 1970; zero if it was not used by this process.
    used: AtomicI64,
}

/// When the file was looked at, and when uses were written down.
#[derive(Debug)]
struct Watch {
    looked: Instant,
    seen: Option<(SystemTime, u64)>,
    noted: Instant,
}

impl Keys {
    /// Reads the file. One that is not there yet has no keys.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let seen = stamp(path);
        let holders = holders(KeyFile::read_or_new(path)?, &HashMap::new());
        let watch = Watch { looked: Instant::now(), seen, noted: Instant::now() };
        Ok(Self { path: path.to_owned(), holders: ArcSwap::from_pointee(holders), watch: Mutex::new(watch) })
    }

    /// Whose key this is.
    pub fn judge(&self, text: &str) -> Result<Arc<Principal>, BadCredential> {
        self.follow();
        let key = Key::parse(text).ok_or(BadCredential::Unknown)?;
        let holders = self.holders.load();
        let holder = holders.get(key.id());
        // As much work for an unknown id as for a known one.
        let known = key.hash().is(holder.map_or(&KeyHash::NONE, |holder| &holder.hash));
        let holder = holder.filter(|_| known).ok_or(BadCredential::Unknown)?;
        let now = Timestamp::now();
        if holder.entry.revoked.is_some() {
            return Err(BadCredential::Revoked);
        }
        if !holder.entry.is_valid(now) {
            return Err(BadCredential::Expired);
        }
        holder.used.store(now.as_second(), Ordering::Relaxed);
        Ok(holder.principal.clone())
    }

    /// Looks at the file, at most once in a while.
    fn follow(&self) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.looked.elapsed() < limits::KEY_FILE_LOOK_EVERY {
            return;
        }
        watch.looked = Instant::now();
        let seen = stamp(&self.path);
        if seen != watch.seen {
            watch.seen = seen;
            self.reload();
        }
        if watch.noted.elapsed() >= limits::KEY_USES_NOTE_EVERY {
            watch.noted = Instant::now();
            self.note();
        }
    }

    /// A file that is gone has no keys. One that can't be read leaves those that were known, and says so.
    fn reload(&self) {
        let before = self.holders.load();
        match KeyFile::read(&self.path) {
            Ok(file) => {
                let now = holders(file, &before);
                tracing::info!(keys = now.len(), "the file of keys was read again");
                self.holders.store(Arc::new(now));
            }
            Err(KeyFileError::Unreadable(_, error)) if error.kind() == std::io::ErrorKind::NotFound => {
                tracing::warn!("the file of keys is gone, so no key is valid");
                self.holders.store(Arc::default());
            }
            Err(error) => tracing::error!(%error, "the file of keys can't be read; the keys that were known stay"),
        }
    }

    /// Writes down when keys were used.
    fn note(&self) {
        let holders = self.holders.load();
        let used = holders.iter().filter_map(|(id, holder)| {
            let at = holder.used.swap(0, Ordering::Relaxed);
            Some((id.clone(), Timestamp::from_second(at).ok().filter(|_| at > 0)?))
        });
        let used: LastUses = used.collect();
        if !used.is_empty()
            && let Err(error) = used::add(&self.path, used)
        {
            tracing::warn!(%error, "the last use of keys can't be written down");
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.note();
    }
}

/// What changes when a file does.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn holders(file: KeyFile, before: &HashMap<String, Holder>) -> HashMap<String, Holder> {
    let holder = |(name, entry): (String, Entry)| {
        let hash = KeyHash::parse(&entry.hash)?;
        let mut principal = Principal::new(name, Auth::Key);
        principal.roles = entry.roles.iter().map(|role| role.as_str().into()).collect();
        let used = before.get(&entry.id).map_or(0, |holder| holder.used.load(Ordering::Relaxed));
        let id = entry.id.clone();
        Some((id, Holder { hash, principal: Arc::new(principal), entry, used: AtomicI64::new(used) }))
    };
    file.keys.into_iter().filter_map(holder).collect()
}
