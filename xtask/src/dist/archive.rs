//! The archive that needs no package system: program, licences, manual pages, completions.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::{Dist, tool};
use crate::step::root;

pub(super) fn make(dist: &Dist) -> Result<PathBuf> {
    let name = format!("portwright-{}-{}", dist.version, dist.platform.archive);
    let folder = dist.folder("archive")?.join(&name);
    fs::create_dir_all(folder.join("completions"))?;
    fs::create_dir_all(folder.join("man"))?;
    fs::copy(&dist.binary, folder.join(dist.platform.file))?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(file), folder.join(file))?;
    }
    for shell in ["bash", "zsh", "fish"] {
        fs::write(
            folder.join("completions").join(format!("portwright.{shell}")),
            dist.printed(&["completions", shell])?,
        )?;
    }
    fs::write(folder.join("man/portwright.1"), dist.printed(&["man"])?)?;
    let path = dist.output.join(format!("{name}.tar.gz"));
    let place = path.display().to_string();
    tool("tar", &["--owner=0", "--group=0", "-czf", &place, &name], &dist.folder("archive")?)?;
    Ok(path)
}
