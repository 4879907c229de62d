//! `cargo xtask fuzz`: builds the fuzz targets with the stable compiler and runs them, one after the other.
//!
//! Coverage comes from LLVM's own instrumentation, which stable rustc can switch on; the sanitizers, which it can't, would
//! find little in code without `unsafe`. `cargo fuzz` needs a nightly compiler for them and finds the same layout.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{Step, root};

const TARGETS: &[&str] = &["message", "http", "files", "sql", "policy", "sanitize"];
/// What `cargo fuzz` passes, without its sanitizer.
const INSTRUMENTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                            -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";
/// The longest input, in bytes: room for a conversation of many messages.
const INPUT_BYTES_MAX: u32 = 8192;
/// The longest that one input may take, in seconds.
const INPUT_SECONDS_MAX: u32 = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Only this target.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    target: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let triple = host()?;
    let folder = root().join("fuzz");
    let builds = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| folder.join("target"), |dir| PathBuf::from(dir).join("fuzz"));
    let manifest = folder.join("Cargo.toml").display().to_string();
    // With a target named, the flags are not for build scripts and macros.
    Step::cargo(
        "instrumented build",
        &["build", "--release", "--locked", "--bins", "--manifest-path", &manifest, "--target", &triple],
        "Mend what the compiler says above.",
    )
    .env("RUSTFLAGS", INSTRUMENTED)
    .env("CARGO_TARGET_DIR", &builds.display().to_string())
    .run()?;
    let chosen = |target: &&&str| options.target.as_deref().is_none_or(|chosen| chosen == **target);
    for target in TARGETS.iter().filter(chosen) {
        println!("== {target}: {} s", options.seconds);
        let (corpus, artifacts) = (folder.join("corpus").join(target), folder.join("artifacts").join(target));
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(&artifacts)?;
        let mut command = Command::new(builds.join(&triple).join("release").join(target));
        command.arg(&corpus).arg(folder.join("seeds").join(target));
        command.arg(format!("-max_total_time={}", options.seconds)).arg(format!("-max_len={INPUT_BYTES_MAX}"));
        command.arg(format!("-timeout={INPUT_SECONDS_MAX}")).arg("-print_final_stats=1");
        command.arg(format!("-dict={}", folder.join("words.dict").display()));
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        if !command.status().with_context(|| format!("{target} could not be started"))?.success() {
            bail!("{target} found something; what it was given is in {}", artifacts.display());
        }
    }
    Ok(())
}

/// This machine, as rustc names it.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc could not be started")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not name its host")?;
    Ok(line.to_owned())
}
