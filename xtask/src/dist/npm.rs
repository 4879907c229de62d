//! Two npm packages: one that people name, and one with the program for this platform, which it depends on.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Dist, set_mode, tool};
use crate::step::root;

pub(super) fn make(dist: &Dist) -> Result<[PathBuf; 2]> {
    let folder = dist.folder("npm")?;
    fs::create_dir_all(folder.join("bin"))?;
    fs::write(folder.join("package.json"), dist.filled("npm/package.json")?)?;
    let script = folder.join("bin/portwright.js");
    fs::copy(root().join("packaging/npm/bin/portwright.js"), &script)?;
    set_mode(&script, 0o755)?;
    fs::copy(root().join("README.md"), folder.join("README.md"))?;

    let platform = dist.folder("npm-platform")?;
    fs::create_dir_all(platform.join("bin"))?;
    fs::write(platform.join("package.json"), dist.filled("npm/platform.json")?)?;
    let program = platform.join("bin").join(dist.platform.file);
    fs::copy(&dist.binary, &program)?;
    set_mode(&program, 0o755)?;

    Ok([pack(dist, &folder)?, pack(dist, &platform)?])
}

fn pack(dist: &Dist, folder: &std::path::Path) -> Result<PathBuf> {
    let place = dist.output.display().to_string();
    let told = tool("npm", &["pack", "--silent", "--ignore-scripts", "--pack-destination", &place], folder)?;
    let name = told.lines().rfind(|line| !line.trim().is_empty()).context("npm did not name what it packed")?;
    Ok(dist.output.join(name.trim()))
}
