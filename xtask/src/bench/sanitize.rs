//! `cargo xtask bench --texts FOLDER`: what the sanitize guard finds in labelled texts, and what it costs.
//!
//! The folder holds `positive.jsonl` (texts with orders in them) and `negative.jsonl` (texts without), each line an object
//! with `text`, `source` and `category`. Nothing is learned from them, so each source stands for itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use portwright_server::guard::sanitize::{characters, injection};
use serde_json::Value;

/// How often all texts are judged for the time.
const ROUNDS: u32 = 3;

#[derive(Default)]
struct Tally {
    texts: usize,
    orders: usize,
}

pub(super) fn run(folder: &Path) -> Result<()> {
    let (positive, negative) = (folder.join("positive.jsonl"), folder.join("negative.jsonl"));
    if !positive.exists() || !negative.exists() {
        println!("SKIPPED: there are no labelled texts in {}", folder.display());
        return Ok(());
    }
    let mut fastest = Duration::MAX;
    let mut bytes = 0;
    let mut tallies = Vec::new();
    for _ in 0..ROUNDS {
        let (mut spent, mut read) = (Duration::ZERO, 0);
        tallies.clear();
        for (name, file) in [("found", &positive), ("false", &negative)] {
            let mut tally: BTreeMap<String, Tally> = BTreeMap::new();
            for (source, text) in texts(file)? {
                let started = Instant::now();
                let mut found = characters::Found::default();
                let clean = characters::clean(&text, &mut found);
                let order = injection::judge(&clean, found).is_order();
                spent += started.elapsed();
                read += text.len();
                let of_source = tally.entry(source).or_default();
                of_source.texts += 1;
                of_source.orders += usize::from(order);
            }
            tallies.push((name, tally));
        }
        fastest = fastest.min(spent);
        bytes = read;
    }
    for (name, tally) in &tallies {
        let (orders, texts) = tally.values().fold((0, 0), |sum, of| (sum.0 + of.orders, sum.1 + of.texts));
        println!("{name:<7} {orders:>5} of {texts:>5}  all");
        for (source, of) in tally {
            println!("        {:>5} of {:>5}  {source}", of.orders, of.texts);
        }
    }
    let kilobytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1024.0;
    println!("{:.1} µs a kB, characters and orders", fastest.as_secs_f64() * 1e6 / kilobytes);
    Ok(())
}

/// The texts of a file with their sources; packages of one kind count as one source.
fn texts(file: &Path) -> Result<Vec<(String, String)>> {
    let read = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut texts = Vec::new();
    for line in read.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| file.display().to_string())?;
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let source = match field("source") {
            source if source.contains("README") && field("category").starts_with("hard") => {
                "security READMEs".to_owned()
            }
            source if source.contains("README") => "READMEs".to_owned(),
            source => source,
        };
        texts.push((source, field("text")));
    }
    Ok(texts)
}
