//! [`Watch`]: whether the configuration's files changed on the disk: the file itself and those that it takes secrets
//! from. It looks at them now and then, which works on every file system and for files that are swapped by a link.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use portwright_core::Pointer;

use super::reference::{self, Surroundings};
use super::text::Document;
use super::{Environment, base, locate};

/// What tells a file's states apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// Device and number: a file that was put in another's place.
    place: (u64, u64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self { modified: file.modified().ok(), bytes: file.len(), place: place(&file) })
    }
}

#[cfg(unix)]
fn place(file: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (file.dev(), file.ino())
}

#[cfg(not(unix))]
fn place(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// The files of a configuration, as they were when it was read last.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    environment: Environment,
    files: Vec<PathBuf>,
    read: Vec<Option<Stamp>>,
    /// What the last look saw, if it was not what was read.
    seen: Option<Vec<Option<Stamp>>>,
}

impl Watch {
    /// Begins before the file is read, so that no change is missed.
    pub(crate) fn new(path: PathBuf, environment: Environment) -> Self {
        let mut watch = Self { path, environment, files: Vec::new(), read: Vec::new(), seen: None };
        watch.renew();
        watch
    }

    /// The configuration file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the files are other ones than were read, and have been so for two looks: a file that is just being
    /// written is left alone, since half of it may be a valid configuration as well.
    pub(crate) fn look(&mut self) -> bool {
        let now = stamps(&self.files);
        if now == self.read {
            self.seen = None;
            return false;
        }
        if self.seen.as_ref() != Some(&now) {
            self.seen = Some(now);
            return false;
        }
        true
    }

    /// The files are about to be read: from here on, changes are new ones.
    pub(crate) fn renew(&mut self) {
        // The stamp of the file comes before its text, and so do those of the files that the text names.
        let own = Stamp::of(&self.path);
        self.files = std::iter::once(self.path.clone()).chain(self.named()).collect();
        self.read = stamps(&self.files);
        self.read[0] = own;
        self.seen = None;
    }

    /// The files that the configuration refers to.
    fn named(&self) -> Vec<PathBuf> {
        let Ok(text) = locate::read(&self.path) else { return Vec::new() };
        let Ok(document) = Document::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)) else { return Vec::new() };
        let Environment { variable, names, .. } = self.environment;
        let base = base(&self.path);
        let around = Surroundings { variable: &variable, variables: &names, base: &base };
        let mut found = Vec::new();
        reference::walk(&mut document.value.clone(), &Pointer::root(), &mut |text, _| {
            found.extend(around.files(text));
        });
        found.sort();
        found.dedup();
        found
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Watch;
    use crate::config::Environment;

    #[test]
    fn changes_are_seen_once_they_stand_still() {
        let folder = tempfile::tempdir().unwrap();
        let (config, secret) = (folder.path().join("portwright.toml"), folder.path().join("secret"));
        fs::write(&config, "[server]\nname = \"a\"\ntitle = \"${file:secret}\"\n").unwrap();
        let mut watch = Watch::new(config.clone(), Environment::default());
        assert!(!watch.look() && !watch.look());
        for change in
            [|| (true, "the secret appears"), || (true, "the secret is another one"), || (false, "the secret is gone")]
        {
            let (write, what) = change();
            if write {
                fs::write(&secret, what).unwrap();
            } else {
                fs::remove_file(&secret).unwrap();
            }
            assert!(!watch.look(), "{what}: it may be half written");
            assert!(watch.look(), "{what}");
            watch.renew();
            assert!(!watch.look(), "{what}: it was read");
        }
        fs::write(&config, "[server]\n").unwrap();
        assert!(!watch.look());
        fs::write(&config, "[server]\nname = \"longer\"\n").unwrap();
        assert!(!watch.look(), "it is still being written");
        assert!(watch.look());
        // Put in its place, with nothing else changed.
        watch.renew();
        let other = folder.path().join("other");
        fs::copy(&config, &other).unwrap();
        fs::rename(&other, &config).unwrap();
        assert!(!watch.look() && watch.look());
    }
}
