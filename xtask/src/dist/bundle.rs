//! An MCP bundle: what desktop clients install with one click. The person chooses the configuration there.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use zip::ZipWriter;

use super::Dist;
use super::wheel::options;

pub(super) fn make(dist: &Dist) -> Result<PathBuf> {
    let path = dist.output.join(format!("portwright-{}-{}.mcpb", dist.version, dist.platform.archive));
    let mut zip = ZipWriter::new(File::create(&path)?);
    zip.start_file("manifest.json", options(0o644))?;
    zip.write_all(dist.filled("mcpb/manifest.json")?.as_bytes())?;
    zip.start_file(format!("server/{}", dist.platform.file), options(0o755))?;
    zip.write_all(&fs::read(&dist.binary)?)?;
    zip.finish()?;
    Ok(path)
}
