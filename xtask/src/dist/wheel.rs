//! A wheel that carries the program: installers put it among the scripts, so that `uvx portwright` starts it.

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Dist, platform};
use crate::step::root;

pub(super) fn make(dist: &Dist) -> Result<PathBuf> {
    let binary = fs::read(&dist.binary)?;
    let tag = format!("py3-none-{}", dist.platform.wheel(platform::glibc_of(&binary)));
    let name = format!("portwright-{}", dist.version);
    let path = dist.output.join(format!("{name}-{tag}.whl"));
    let mut wheel = Wheel { zip: ZipWriter::new(File::create(&path)?), record: String::new() };
    for file in ["__init__.py", "__main__.py"] {
        wheel.add(
            &format!("portwright/{file}"),
            &fs::read(root().join("packaging/pypi/portwright").join(file))?,
            0o644,
        )?;
    }
    wheel.add(&format!("{name}.data/scripts/{}", dist.platform.file), &binary, 0o755)?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
        wheel.add(&format!("{name}.dist-info/licenses/{file}"), &fs::read(root().join(file))?, 0o644)?;
    }
    wheel.add(&format!("{name}.dist-info/METADATA"), dist.filled("pypi/METADATA")?.as_bytes(), 0o644)?;
    let about = format!("Wheel-Version: 1.0\nGenerator: portwright-xtask\nRoot-Is-Purelib: false\nTag: {tag}\n");
    wheel.add(&format!("{name}.dist-info/WHEEL"), about.as_bytes(), 0o644)?;
    wheel.finish(&format!("{name}.dist-info/RECORD"))?;
    Ok(path)
}

/// A wheel is a zip archive with a list of its files.
struct Wheel {
    zip: ZipWriter<File>,
    record: String,
}

impl Wheel {
    fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        self.zip.start_file(name, options(mode))?;
        self.zip.write_all(bytes)?;
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let _ = writeln!(self.record, "{name},sha256={digest},{}", bytes.len());
        Ok(())
    }

    fn finish(mut self, record: &str) -> Result<()> {
        let _ = writeln!(self.record, "{record},,");
        self.zip.start_file(record, options(0o644))?;
        self.zip.write_all(self.record.as_bytes())?;
        self.zip.finish()?;
        Ok(())
    }
}

/// Compressed, with the date that zip archives begin at: the same input gives the same wheel.
pub(super) fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(mode)
}
