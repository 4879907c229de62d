//! What the sources cost: the bytes of their lists, beside those of the servers that they replace, and the search of a
//! tree of files, beside ripgrep on the same tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::median;
use super::stdio::Pipes;
use crate::step::{Step, root};

/// Files of the tree, and lines of each.
const FILES: usize = 100_000;
const FILES_IN_FOLDER: usize = 100;
const LINES: usize = 40;
/// How long the source may take to open.
const OPEN_WAIT: Duration = Duration::from_secs(20);
/// How an answer to our messages is known.
const ID: &str = "\"id\":7";
/// Searches whose median counts.
const ROUNDS: usize = 7;

/// A kind with its table, its peer, and the bytes and tools of the peer's list.
const KINDS: &[(&str, &str, &str, usize, usize)] = &[
    ("files", "roots = [\".\"]\naccess = \"read-write\"", "server-filesystem 2026.8.31", 13_663, 14),
    ("github", "token = \"t\"\naccess = \"read-write\"\ntoolsets = [\"all\"]", "github-mcp-server 0.12.1", 61_718, 85),
    ("brave", "token = \"t\"", "brave-search-mcp-server 2.1.4", 117_111, 8),
];

pub(crate) fn run(as_json: bool) -> Result<()> {
    let build = ["build", "--release", "--locked", "--package", "portwright", "--bins"];
    Step::cargo("optimised build", &build, "Mend what the compiler says above.").run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let program = target.join("release/portwright");
    let scratch = tempfile::tempdir()?;
    let mut lists = Vec::new();
    for (kind, table, peer, peer_bytes, peer_tools) in KINDS {
        let config = scratch.path().join(format!("{kind}.toml"));
        fs::write(&config, format!("[sources.s]\nkind = \"{kind}\"\n{table}\n"))?;
        let listed = Command::new(&program).args(["list", "--json", "-c"]).arg(&config).output()?;
        ensure!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let listed: Value = serde_json::from_slice(&listed.stdout)?;
        let tools = listed["tools"].as_array().context("no tools")?;
        let bytes: usize = tools.iter().map(|tool| tool.to_string().len()).sum();
        lists.push(json!({
            "kind": kind, "tools": tools.len(), "bytes": bytes, "peer": peer, "peer_tools": peer_tools, "peer_bytes": peer_bytes,
            "bytes_a_tool_to_peers": per_tool(bytes, tools.len()) / per_tool(*peer_bytes, *peer_tools),
        }));
    }
    let search = search(&program, scratch.path())?;
    if as_json {
        println!("{}", json!({"lists": lists, "search": search}));
        return Ok(());
    }
    println!("tools/list              ours             peer               bytes a tool, to the peer's");
    for list in &lists {
        println!(
            "  {:<12} {:>3} tools {:>7} B   {:>3} tools {:>7} B   {:.2}   {}",
            list["kind"].as_str().unwrap_or_default(),
            list["tools"],
            list["bytes"],
            list["peer_tools"],
            list["peer_bytes"],
            list["bytes_a_tool_to_peers"].as_f64().unwrap_or_default(),
            list["peer"].as_str().unwrap_or_default(),
        );
    }
    match search {
        None => println!("ripgrep is not here (Debian: ripgrep); the search is left out"),
        Some(search) => println!(
            "search of {FILES} files      ours {} ms, rg {} ms, ratio {:.2}; the server's memory at its highest {} MiB",
            search["ours_ms"],
            search["rg_ms"],
            search["ratio"].as_f64().unwrap_or_default(),
            search["memory_mib"],
        ),
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far from where it matters")]
fn per_tool(bytes: usize, tools: usize) -> f64 {
    bytes as f64 / tools.max(1) as f64
}

/// The same search by both, in turns. Nothing is found, so that all is read.
fn search(program: &Path, scratch: &Path) -> Result<Option<Value>> {
    let rg = || {
        let mut rg = Command::new("rg");
        rg.args(["--fixed-strings", "--hidden", "--no-require-git", "--line-number"]).stdout(Stdio::null());
        rg
    };
    if rg().arg("--version").status().is_err() {
        return Ok(None);
    }
    let tree = scratch.join("tree");
    plant(&tree)?;
    let config = scratch.join("tree.toml");
    fs::write(&config, "[sources.s]\nkind = \"files\"\nroots = [\"tree\"]\n")?;
    let mut command = Command::new(program);
    command.args(["serve", "--stdio", "-c"]).arg(&config);
    let mut pipes = Pipes::start(command)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let listed = |pipes: &mut Pipes| {
        pipes.ask(json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}).to_string().into_bytes(), ID)
    };
    // The source opens beside the first messages.
    while !listed(&mut pipes)?.contains("search_files_content") {
        ensure!(begun.elapsed() < OPEN_WAIT, "the source does not open");
        std::thread::sleep(Duration::from_millis(20));
    }
    for round in 0..=ROUNDS {
        let query = format!("not-there-{round}");
        let arguments = json!({"path": ".", "query": query});
        let params = json!({"name": "search_files_content", "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).to_string();
        let start = Instant::now();
        let answer = pipes.ask(message.into_bytes(), ID)?;
        let took = start.elapsed();
        ensure!(answer.contains("nothing found"), "{answer}");
        let start = Instant::now();
        rg().arg(&query).arg(&tree).status()?;
        // The first round fills the cache of both.
        if round > 0 {
            ours.push(took);
            theirs.push(start.elapsed());
        }
    }
    let (ours, theirs): (Duration, Duration) = (median(&mut ours), median(&mut theirs));
    Ok(Some(json!({
        "files": FILES,
        "ours_ms": u64::try_from(ours.as_millis())?,
        "rg_ms": u64::try_from(theirs.as_millis())?,
        "ratio": ours.as_secs_f64() / theirs.as_secs_f64(),
        "memory_mib": pipes.memory_peak()? / 1024 / 1024,
    })))
}

fn plant(tree: &Path) -> Result<()> {
    let text: String = (0..LINES)
        .flat_map(|line| ["line ", if line % 2 == 0 { "of a text" } else { "of another" }, " that is read\n"])
        .collect();
    for number in 0..FILES {
        let folder = tree.join(format!("f{}", number / FILES_IN_FOLDER));
        if number % FILES_IN_FOLDER == 0 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("{number}.txt")), &text)?;
    }
    Ok(())
}
