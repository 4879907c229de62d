//! The tasks that only start other programs: `check`, `gen`, `interop`, `conformance` and `attacks`.
//!
//! Tests run under plain `cargo test`, not nextest: its process for each test would take from them what the tests of one
//! program share, a PostgreSQL server and the clients' warm caches, and it runs no documentation tests.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::step::Step;

/// The tests that drive the binary with other people's clients.
const INTEROP: &str = "interop::";

/// Everything that must hold before a commit. Stops at the first step that fails; all tests run, whichever fail.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    Step::cargo("format", &["fmt", "--all", "--check"], "Run `cargo fmt --all`.").run()?;
    Step::cargo(
        "lints",
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        "Mend what clippy says above; where the code is right, `#[expect(.., reason = \"..\")]` says why.",
    )
    .run()?;
    Step::cargo(
        "documentation of the libraries",
        &["doc", "--no-deps", "--locked", "--package", "portwright-core", "--package", "portwright"],
        "The links in the documentation must lead somewhere, and portwright-core leaves nothing public untold.",
    )
    .env("RUSTDOCFLAGS", "-D warnings")
    .run()?;
    Step::cargo(
        "fuzz targets",
        &["check", "--manifest-path", "fuzz/Cargo.toml", "--lib", "--bins", "--locked"],
        "They stand in a workspace of their own, and follow what they try.",
    )
    .run()?;
    Step::cargo("build", &["build", "--workspace", "--locked"], "Mend what the compiler says above.").run()?;
    let mut count = Step::cargo(
        "tests",
        &["test", "--workspace", "--locked", "--no-fail-fast", "--", "--skip", INTEROP],
        "A test program could not be built or broke off; see above.",
    )
    .count()?;
    // On its own, for its table, and so that many clients do not start while other tests want the processors.
    count += matrix().count()?;
    println!("== all: {:.1} s", start.elapsed().as_secs_f64());
    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
    if count.failed > 0 {
        bail!("tests failed; run one again with `cargo test --package PACKAGE NAME -- --nocapture`");
    }
    Ok(())
}

/// Writes docs/ref anew. The test that compares them does the writing, so that one list of pages serves both.
pub(crate) fn generate() -> Result<()> {
    Step::cargo(
        "generated pages",
        &["test", "--locked", "--package", "portwright", "--test", "it", "--", "tidy::reference"],
        "The pages come from the binary's own output; mend it first.",
    )
    .env("PORTWRIGHT_GENERATE", "1")
    .run()
}

/// Prints the table of clients, transports and databases.
pub(crate) fn interop() -> Result<()> {
    Step::cargo(
        "an example whose tool tells of its progress",
        &["build", "--locked", "--package", "portwright", "--example", "steps"],
        "Mend what the compiler says above.",
    )
    .run()?;
    matrix().run()
}

fn matrix() -> Step {
    Step::cargo(
        "interoperability",
        &["test", "--locked", "--package", "portwright", "--test", "it", "--", INTEROP, "--nocapture"],
        "The table above names what each client saw. If clients are missing, ./test installs them.",
    )
}

/// Prints the table of the conformance suite's scenarios.
pub(crate) fn conformance() -> Result<()> {
    Step::cargo(
        "conformance",
        &["test", "--locked", "--package", "portwright", "--test", "it", "--", "conformance::", "--nocapture"],
        "The table above names what the suite found. If the suite is missing, ./test installs it.",
    )
    .run()
}

/// Prints every attack that is tried, and what stopped it.
pub(crate) fn attacks() -> Result<()> {
    Step::cargo(
        "attacks",
        &[
            "test",
            "--locked",
            "--package",
            "portwright",
            "--test",
            "it",
            "--",
            "attacks::",
            "--nocapture",
            "--test-threads=1",
        ],
        "What came through is marked THROUGH above.",
    )
    .run()
}
