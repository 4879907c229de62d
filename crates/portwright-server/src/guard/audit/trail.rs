//! A whole trail, file after file: one chain from the oldest record that is kept to the head.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::head::{self, Said};
use super::verify::{Broken, Chain, Verified};
use super::{beside, rotate};

/// An unbroken trail: a file and those that were rotated away from it. `Display` for people, `Serialize` for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifiedTrail {
    /// Oldest first.
    pub files: Vec<PathBuf>,
    /// The last record that was retired with its file, as the chain itself says.
    pub retired_seq: Option<u64>,
    #[serde(flatten)]
    pub all: Verified,
}

impl fmt::Display for VerifiedTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.all.records)?;
        if self.files.len() > 1 {
            write!(f, " in {} files", self.files.len())?;
        }
        f.write_str(", unbroken")?;
        if let Some(retired) = self.retired_seq {
            write!(f, "; older files, up to record {retired}, were retired as the plan said")?;
        }
        Ok(())
    }
}

/// Where a trail is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{broken}")]
pub struct BrokenTrail {
    pub file: PathBuf,
    #[serde(flatten)]
    pub broken: Broken,
}

/// Checks the chain through all files of `file`'s trail, and that none of them was taken away. A file that was rotated
/// away is checked alone when it is named itself.
pub fn verify_trail(file: &Path) -> Result<VerifiedTrail, BrokenTrail> {
    const TRIES: usize = 3;
    let alone = rotate::is_old(file);
    let listed = || {
        let files = if alone { Ok(vec![file.to_owned()]) } else { rotate::files_of(file) };
        files.map_err(|error| BrokenTrail {
            file: file.to_owned(),
            broken: Broken { line: 0, what: format!("the folder can't be read: {error}") },
        })
    };
    let mut tries = 1;
    loop {
        // The head first: files only grow.
        let head = head::read_at(&beside(file, ".head")).unwrap_or(Said::Nonsense);
        let files = listed()?;
        let verdict = follow(&files, Chain::new(head), alone);
        // A server that rotated meanwhile moved what was being read.
        if verdict.is_ok() || tries == TRIES || listed()? == files {
            return verdict;
        }
        tries += 1;
    }
}

fn follow(files: &[PathBuf], mut chain: Chain, alone: bool) -> Result<VerifiedTrail, BrokenTrail> {
    for file in files {
        chain.read(file).map_err(|broken| BrokenTrail { file: file.clone(), broken })?;
    }
    let retired_seq = chain.retired_seq.filter(|seq| *seq > 0);
    // Only a file that a rotation began says that there was one before it in this trail.
    let begun = chain.first.as_ref().filter(|first| first.retired_seq.is_some());
    if let (false, Some(first), Some(oldest)) = (alone, begun, files.first())
        && retired_seq.is_none_or(|retired| retired + 1 < first.link.seq)
    {
        let last = first.link.seq.saturating_sub(1);
        let what =
            format!("before it, the file that ends with record {last} was taken away: no record says it was retired");
        return Err(BrokenTrail { file: oldest.clone(), broken: Broken { line: 1, what } });
    }
    let last = files.last().cloned().unwrap_or_default();
    let all = chain.end().map_err(|broken| BrokenTrail { file: last, broken })?;
    Ok(VerifiedTrail { files: files.to_vec(), retired_seq, all })
}
