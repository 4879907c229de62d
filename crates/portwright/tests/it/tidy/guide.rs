//! The guide leads somewhere: every page is in the book, every link has an end, and every command is one.

use std::path::Path;
use std::process::Command;

use crate::harness::files::{File, files, root, text};
use crate::harness::server::binary;

use super::report;

/// The pages that people read, and the README.
fn pages() -> Vec<File> {
    let mut pages = files("docs", &[".md"]);
    pages.push(File { path: "README.md".to_owned(), text: text("README.md") });
    pages
}

#[test]
fn every_page_is_in_the_book() {
    let summary = text("docs/SUMMARY.md");
    let pages = files("docs", &[".md"]).into_iter().map(|page| page.path);
    let missing: Vec<_> = pages
        .filter_map(|path| path.strip_prefix("docs/").map(str::to_owned))
        .filter(|path| path != "SUMMARY.md" && !summary.contains(&format!("({path})")))
        .collect();
    report("each page under docs/ is in docs/SUMMARY.md", &missing);
}

#[test]
fn links_lead_somewhere() {
    let mut findings = Vec::new();
    for page in pages() {
        let folder = root().join(&page.path).parent().map(Path::to_owned).expect("a folder");
        let targets = page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            match std::fs::read_to_string(folder.join(file)) {
                Err(_) if folder.join(file).exists() => {}
                Err(_) => findings.push(format!("{}: {target}", page.path)),
                Ok(text) if anchor.is_some_and(|anchor| !has_heading(&text, anchor)) => {
                    findings.push(format!("{}: no such heading: {target}", page.path));
                }
                Ok(_) => {}
            }
        }
    }
    report("links in the documents lead to files and headings that exist", &findings);
}

/// Whether a heading has that anchor, as readers of Markdown make it.
fn has_heading(text: &str, anchor: &str) -> bool {
    let slug = |line: &str| -> String {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    text.lines().any(|line| line.starts_with('#') && slug(line) == anchor)
}

/// The lines of a page that show how the program is called, each with its number. A line that ends with `\` goes on.
fn commands(page: &File) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut fenced, mut goes_on) = (false, false);
    for (index, line) in page.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let code = fenced || line.starts_with("    ");
        let line = line.trim().trim_start_matches("$ ");
        if goes_on {
            if let Some((_, last)) = found.last_mut() {
                *last = format!("{} {line}", last.trim_end_matches('\\'));
            }
        } else if code && line.starts_with("portwright ") {
            found.push((index + 1, line.to_owned()));
        } else {
            continue;
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// Words as a shell would split them; comments, redirections and what follows a pipe are left out.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(mark), letter) if letter == mark => quote = None,
            (None, '\'' | '"') => (quote, open) = (Some(letter), true),
            (None, '#') if word.is_empty() && !open => break,
            (None, '|' | '>' | '&' | ';') => break,
            (None, ' ') => {
                if !word.is_empty() || open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, letter) => word.push(letter),
        }
    }
    if !word.is_empty() || open {
        words.push(word);
    }
    words
}

/// The help of a command is printed only where everything before it could be read.
#[test]
fn commands_in_the_documents_are_commands() {
    let mut findings = Vec::new();
    let mut tried = 0;
    for page in pages().iter().filter(|page| !page.path.starts_with("docs/ref/")) {
        for (number, line) in commands(page) {
            let mut words = words(&line);
            words.remove(0);
            let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
            words.insert(end, "--help".to_owned());
            let told = Command::new(binary()).args(&words[..=end]).output().expect("the binary runs");
            tried += 1;
            if !told.status.success() {
                let why = String::from_utf8_lossy(&told.stderr);
                findings.push(format!(
                    "{}:{number}: {line}\n    {}",
                    page.path,
                    why.lines().next().unwrap_or_default()
                ));
            }
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
    report("commands in the documents are ones that the program takes", &findings);
}
