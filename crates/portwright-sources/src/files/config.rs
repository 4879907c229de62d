//! The kind `files`: from `[sources.NAME]` to open folders.

use std::path::PathBuf;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSetBuilder};
use portwright_core::{
    ByteSize, ConnectError, Diagnostic, Pointer, Severity, Source, SourceConfig, SourceKind, SourceSpec, async_trait,
    limits,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::FilesSource;
use super::exclude::Exclude;
use super::roots::{Folders, Plan};
use super::toolbox::toolbox;
use super::watch::Watch;
use crate::shared::own::{self, OwnPlan};

/// The kind `files`.
#[derive(Debug, Clone, Copy)]
pub struct Files;

/// What the kind adds to `[sources.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FilesTable {
    /// The folders to serve; relative to the configuration file. `~` is the home folder.
    roots: Vec<String>,
    /// Files and folders that are not there for anybody, as globs of paths within a root: `.env`, `**/*.pem`, `private/**`.
    /// Case makes no difference.
    exclude: Vec<String>,
    /// What becomes of files that have several names (hard links), since another name may lie outside of the roots.
    /// Default: `read`.
    hard_links: HardLinks,
    /// Whether the folders that a client has open (its roots) narrow what its calls reach. They never widen it.
    /// Default: false.
    client_roots: bool,
    /// Bytes of text that one call gives. Default: `64KiB`.
    max_bytes: Option<ByteSize>,
}

/// What becomes of files with several names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum HardLinks {
    /// They are read, and never written to.
    #[default]
    Read,
    /// They are neither read nor written to.
    Refuse,
    /// They are read and replaced like others; a file that is replaced keeps its old contents under its other names.
    Write,
}

impl SourceKind for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn summary(&self) -> &'static str {
        "Folders of files"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        own::schema::<FilesTable>(generator)
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let (table, plan, mut problems) = own::decode::<FilesTable, _>(&spec, &toolbox());
        let place = spec.place();
        let declared = spec.tools.iter().chain(&spec.resources);
        problems.extend(declared.map(|one| {
            let message = "a source of kind `files` takes no declared tools and resources";
            Diagnostic::error(one.place.clone(), "wrong-source", message).hint("remove `source`, or name a database")
        }));
        if table.roots.is_empty() && !problems.iter().any(|problem| problem.place == place.join("roots")) {
            let missing = Diagnostic::error(place.clone(), "missing-key", "`roots` is missing");
            problems.push(missing.hint("roots = [\"docs\"]"));
        }
        let roots: Vec<_> = table
            .roots
            .iter()
            .enumerate()
            .filter_map(|(index, root)| {
                let place = place.join("roots").join(index);
                folder(&spec, root, &place, &mut problems).map(|path| (path, place))
            })
            .collect();
        let exclude = exclude(&table.exclude, &place.join("exclude"), &mut problems);
        let bytes =
            table.max_bytes.map_or(limits::FILE_BYTES_MAX, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
        if !(1024..=limits::RESULT_BYTES_CEILING).contains(&bytes) {
            let message = format!(
                "{} is not between 1KiB and {}",
                ByteSize(bytes as u64),
                ByteSize(limits::RESULT_BYTES_CEILING as u64)
            );
            problems.push(Diagnostic::error(place.join("max_bytes"), "out-of-range", message));
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        let files = Plan {
            name: spec.name.clone(),
            exclude,
            hard_links: table.hard_links,
            client_roots: table.client_roots,
            bytes_max: bytes,
        };
        Ok(Box::new(FilesConfig { roots, files, own: plan }))
    }
}

/// A root's absolute path.
fn folder(spec: &SourceSpec, written: &str, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<PathBuf> {
    let mut wrong = |message: String| problems.push(Diagnostic::error(place.clone(), "wrong-value", message));
    let path = match written.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let Some(home) = std::env::home_dir() else {
                wrong("there is no home folder for `~` to mean".to_owned());
                return None;
            };
            home.join(rest.trim_start_matches('/'))
        }
        _ => spec.base.join(written),
    };
    if written.is_empty() || written.contains('\0') {
        wrong("a root is a folder's path".to_owned());
        return None;
    }
    match std::path::absolute(&path) {
        Ok(path) => Some(path),
        Err(error) => {
            wrong(format!("`{written}` can't be made an absolute path: {error}"));
            None
        }
    }
}

fn exclude(written: &[String], place: &Pointer, problems: &mut Vec<Diagnostic>) -> Exclude {
    let mut set = GlobSetBuilder::new();
    for (index, pattern) in written.iter().enumerate() {
        // A name alone is left out wherever it stands, and a folder with all that is in it.
        let plain = pattern.trim_end_matches('/').trim_end_matches("/**");
        let anywhere =
            if plain.contains('/') { plain.trim_start_matches('/').to_owned() } else { format!("**/{plain}") };
        for pattern in [anywhere.clone(), format!("{anywhere}/**")] {
            match GlobBuilder::new(&pattern).case_insensitive(true).literal_separator(true).build() {
                Ok(glob) => _ = set.add(glob),
                Err(error) => {
                    let message = error.to_string();
                    problems.push(Diagnostic::error(place.join(index), "wrong-value", message));
                    break;
                }
            }
        }
    }
    Exclude::new(set.build().unwrap_or_default())
}

/// Folders that are configured but not yet open.
#[derive(Debug)]
struct FilesConfig {
    roots: Vec<(PathBuf, Pointer)>,
    files: Plan,
    own: OwnPlan,
}

#[async_trait]
impl SourceConfig for FilesConfig {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let (roots, plan) = (self.roots.clone(), self.files.clone());
        let folders = tokio::task::spawn_blocking(move || Folders::open(&roots, plan)).await;
        let folders = folders.map_err(|error| ConnectError::new("the folders can't be opened").because(error))??;
        let watch = Watch::new();
        Ok(Arc::new(FilesSource { folders: Arc::new(folders), offer: toolbox().offer(&self.own), watch }))
    }
}
