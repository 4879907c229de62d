//! `server.json`: what the MCP registry lists, with the bundle's checksum.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::{Dist, hex, name_of};

pub(super) fn make(dist: &Dist, bundle: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(crate::step::root().join("packaging/registry/server.json"))?;
    let text = text.replace("@BUNDLE@", name_of(bundle)?);
    let text = text.replace("@BUNDLE_SHA256@", &hex(&Sha256::digest(fs::read(bundle)?)));
    let path = dist.output.join("server.json");
    fs::write(&path, dist.fill(&text)?)?;
    Ok(path)
}
