//! `cargo xtask dist`: the packages of one platform, from one binary: an archive, npm packages, a wheel, a Debian
//! package, an MCP bundle, the registry's description, and their checksums.
//!
//! What the packages say stands in `packaging/`, with `@NAMES@` where a value is filled in.

mod archive;
mod bundle;
mod debian;
mod npm;
mod platform;
mod registry;
mod wheel;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::step::{Step, root};
use platform::Platform;

/// What `cargo xtask dist` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Pack this binary instead of building one with the profile `dist`
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the packages go
    #[arg(short, long, value_name = "FOLDER", default_value = "target/packages")]
    output: PathBuf,
}

/// What every package is made of.
#[derive(Debug)]
struct Dist {
    /// The program, stripped.
    binary: PathBuf,
    platform: Platform,
    version: String,
    output: PathBuf,
    /// For what is laid out before it is packed.
    scratch: tempfile::TempDir,
    values: BTreeMap<&'static str, String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let dist = Dist::new(options)?;
    let mut made = vec![archive::make(&dist)?];
    made.extend(npm::make(&dist)?);
    made.push(wheel::make(&dist)?);
    let bundle = bundle::make(&dist)?;
    made.push(registry::make(&dist, &bundle)?);
    made.push(bundle);
    made.extend(debian::make(&dist)?);
    let mut sums = String::new();
    made.sort();
    for path in &made {
        let bytes = fs::read(path)?;
        let name = name_of(path)?;
        println!("{:>12} bytes  {}", bytes.len(), path.display());
        let _ = writeln!(sums, "{}  {name}", hex(&Sha256::digest(&bytes)));
    }
    fs::write(dist.output.join("SHA256SUMS"), sums)?;
    Ok(())
}

impl Dist {
    fn new(options: &Options) -> Result<Self> {
        let built = match &options.binary {
            Some(binary) => binary.clone(),
            None => build()?,
        };
        let scratch = tempfile::tempdir()?;
        let platform = Platform::here()?;
        let binary = scratch.path().join(platform.file);
        fs::copy(&built, &binary).with_context(|| format!("{} can't be read", built.display()))?;
        strip(&binary);
        let told = Command::new(&binary).arg("--version").output().context("the binary can't be started")?;
        let told = String::from_utf8(told.stdout)?;
        let version = told.split_whitespace().nth(1).context("the binary does not tell its version")?.to_owned();
        let glibc = platform::glibc_of(&fs::read(&binary)?);
        fs::create_dir_all(&options.output)?;
        let output = fs::canonicalize(&options.output)?;
        let values = BTreeMap::from([
            ("VERSION", version.clone()),
            ("DESCRIPTION", env!("CARGO_PKG_DESCRIPTION").to_owned()),
            ("LICENSE", env!("CARGO_PKG_LICENSE").to_owned()),
            ("REPOSITORY", env!("CARGO_PKG_REPOSITORY").to_owned()),
            ("PLATFORM", format!("{}-{}", platform.npm_os, platform.npm_cpu)),
            ("OS", platform.npm_os.to_owned()),
            ("CPU", platform.npm_cpu.to_owned()),
            ("MCPB_OS", platform.npm_os.to_owned()),
            ("FILE", platform.file.to_owned()),
            ("DEBIAN_ARCH", platform.debian.to_owned()),
            ("GLIBC", glibc.map_or_else(|| "2.17".to_owned(), |(major, minor)| format!("{major}.{minor}"))),
        ]);
        Ok(Self { binary, platform, version, output, scratch, values })
    }

    /// A template of `packaging/` with its values.
    fn filled(&self, template: &str) -> Result<String> {
        let path = root().join("packaging").join(template);
        let text = fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
        self.fill(&text)
    }

    fn fill(&self, text: &str) -> Result<String> {
        let filled =
            self.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value));
        if let Some(left) =
            filled.split('@').skip(1).step_by(2).find(|part| part.len() > 1 && part.chars().all(is_name))
        {
            bail!("nothing is known for @{left}@");
        }
        Ok(filled)
    }

    /// An empty folder to lay something out in.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.path().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// What the program itself prints, for manual pages and completions.
    fn printed(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let told = Command::new(&self.binary).args(arguments).output()?;
        ensure!(told.status.success(), "`portwright {}` failed", arguments.join(" "));
        Ok(told.stdout)
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
}

fn build() -> Result<PathBuf> {
    let arguments = ["build", "--profile", "dist", "--locked", "--package", "portwright"];
    Step::cargo("the binary", &arguments, "Mend what the compiler says above.").run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("dist").join(Platform::here()?.file))
}

/// Takes out what only a debugger needs, where the tool for it is there. The profile `dist` has done it already.
fn strip(binary: &Path) {
    let _ = Command::new("strip").arg(binary).status();
}

/// Runs a tool in a folder, and passes on what it says if it fails.
fn tool(program: &str, arguments: &[&str], folder: &Path) -> Result<String> {
    let told = Command::new(program).args(arguments).current_dir(folder).output();
    let told = told.with_context(|| format!("`{program}` can't be started; install it"))?;
    let words = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "`{program} {}` failed:\n{words}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&told.stdout).into_owned())
}

/// Whether a tool is there.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|told| told.status.success())
}

fn name_of(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).context("a package without a name")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Gives a file its mode, where files have one.
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}
