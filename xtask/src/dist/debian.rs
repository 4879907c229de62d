//! A Debian package: program, service, manual page, completions, and a configuration to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Dist, has, set_mode, tool};
use crate::step::root;

/// None where there is no dpkg, or no Debian for the platform.
pub(super) fn make(dist: &Dist) -> Result<Option<PathBuf>> {
    if dist.platform.debian.is_empty() || !has("dpkg-deb") {
        println!("no Debian package: dpkg-deb is not here");
        return Ok(None);
    }
    let folder = dist.folder("debian")?;
    let put = |place: &str, bytes: &[u8], mode: u32| -> Result<()> {
        let path = folder.join(place);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(&path, bytes)?;
        set_mode(&path, mode)
    };
    let own = |place: &str| fs::read(root().join(place));
    put("usr/bin/portwright", &fs::read(&dist.binary)?, 0o755)?;
    put("usr/lib/systemd/system/portwright.service", &own("packaging/systemd/portwright.service")?, 0o644)?;
    put("etc/portwright/portwright.toml", &own("packaging/debian/portwright.toml")?, 0o644)?;
    put("usr/share/man/man1/portwright.1", &dist.printed(&["man"])?, 0o644)?;
    tool("gzip", &["-9n", "usr/share/man/man1/portwright.1"], &folder)?;
    for (shell, place) in [
        ("bash", "usr/share/bash-completion/completions/portwright"),
        ("zsh", "usr/share/zsh/vendor-completions/_portwright"),
        ("fish", "usr/share/fish/vendor_completions.d/portwright.fish"),
    ] {
        put(place, &dist.printed(&["completions", shell])?, 0o644)?;
    }
    for (file, place) in
        [("README.md", "README.md"), ("LICENSE-APACHE", "LICENSE-APACHE"), ("LICENSE-MIT", "LICENSE-MIT")]
    {
        put(&format!("usr/share/doc/portwright/{place}"), &own(file)?, 0o644)?;
    }
    put("usr/share/doc/portwright/copyright", dist.filled("debian/copyright")?.as_bytes(), 0o644)?;
    put("DEBIAN/conffiles", &own("packaging/debian/conffiles")?, 0o644)?;
    let control = fs::read_to_string(root().join("packaging/debian/control"))?;
    let control = control.replace("@INSTALLED_KB@", &(bytes_in(&folder)? / 1024).to_string());
    put("DEBIAN/control", dist.fill(&control)?.as_bytes(), 0o644)?;
    let path = dist.output.join(format!("portwright_{}_{}.deb", dist.version, dist.platform.debian));
    let place = path.display().to_string();
    tool("dpkg-deb", &["--build", "--root-owner-group", ".", &place], &folder)?;
    Ok(Some(path))
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
