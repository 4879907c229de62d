//! The Debian package and its service.

use std::fs;
use std::process::Command;

use super::{package, succeeded, works};
use crate::harness::files::root;
use crate::harness::skip;

#[test]
fn the_debian_package_unpacks_and_runs() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        return skip("dpkg-deb is not here, so no Debian package was made");
    }
    let folder = tempfile::tempdir().expect("a folder");
    succeeded(Command::new("dpkg-deb").arg("-x").arg(package(".deb")).arg(folder.path()));
    works(&folder.path().join("usr/bin/portwright"), &[]);
    let fields = succeeded(Command::new("dpkg-deb").arg("-f").arg(package(".deb")));
    for field in ["Package: portwright", "Depends: libc6 (>= 2.", "Installed-Size: "] {
        assert!(fields.contains(field), "{field}: {fields}");
    }
    let listed = succeeded(Command::new("dpkg-deb").arg("-c").arg(package(".deb")));
    assert!(listed.lines().all(|line| line.contains("root/root") && !line.contains("rw-rw")), "{listed}");
    for file in [
        "usr/share/man/man1/portwright.1.gz",
        "usr/lib/systemd/system/portwright.service",
        "usr/share/doc/portwright/copyright",
    ] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    let configuration = folder.path().join("etc/portwright/portwright.toml");
    let mut check = Command::new(folder.path().join("usr/bin/portwright"));
    succeeded(check.args(["check", "--offline", "-c"]).arg(configuration));
}

#[test]
fn the_service_is_one_that_systemd_takes() {
    let unit = root().join("packaging/systemd/portwright.service");
    let text = fs::read_to_string(&unit).expect("a unit");
    for line in ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n"] {
        assert!(text.contains(line), "{line}");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip("systemd-analyze is not here, so the unit was read but not verified");
    }
    // The program is not installed on the machine that tests it.
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("portwright.service");
    fs::write(&copy, text.replace("/usr/bin/portwright", env!("CARGO_BIN_EXE_portwright"))).expect("written");
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&copy).output().expect("it runs");
    let words = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<_> = words.lines().filter(|line| line.contains("portwright.service")).collect();
    assert!(ours.is_empty(), "{words}");
}
