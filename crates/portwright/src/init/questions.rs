//! The questions to a person at the terminal who gave no SOURCE.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

/// What is found here that a configuration could be made from: what to give as SOURCE, and what it is.
pub(super) fn found() -> Vec<(String, String)> {
    let mut found = Vec::new();
    if std::env::var("DATABASE_URL").is_ok_and(|url| url.contains("://")) {
        found.push(("${env:DATABASE_URL}".to_owned(), "the database that DATABASE_URL names".to_owned()));
    }
    let is_database = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        ["db", "sqlite", "sqlite3"].contains(&end)
    };
    let mut here: Vec<PathBuf> =
        std::fs::read_dir(".").into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_database).collect();
    here.sort();
    found.extend(here.into_iter().take(5).map(|path| {
        let name = path.strip_prefix(".").unwrap_or(&path).display().to_string();
        (name, "a database of SQLite".to_owned())
    }));
    for file in client_files().into_iter().filter(|path| path.is_file()) {
        found.push((file.display().to_string(), "the servers that a client starts".to_owned()));
    }
    found.push((".".to_owned(), "this folder, to read and search".to_owned()));
    found
}

fn client_files() -> Vec<PathBuf> {
    let mut files =
        vec![PathBuf::from(".mcp.json"), PathBuf::from(".vscode/mcp.json"), PathBuf::from(".cursor/mcp.json")];
    if let Some(home) = std::env::home_dir() {
        files.extend([
            home.join("Library/Application Support/Claude/claude_desktop_config.json"),
            home.join("AppData/Roaming/Claude/claude_desktop_config.json"),
            home.join(".config/Claude/claude_desktop_config.json"),
            home.join(".cursor/mcp.json"),
        ]);
    }
    files
}

/// Asks what to make a configuration from. None if the person leaves.
pub(super) fn ask(found: &[(String, String)], input: impl BufRead, out: impl Write) -> io::Result<Option<String>> {
    let (mut out, mut lines) = (out, input.lines());
    writeln!(out, "What should your AI client see?\n")?;
    for (number, (source, what)) in found.iter().enumerate() {
        writeln!(out, "  {}  {source:<28} {what}", number + 1)?;
    }
    writeln!(out, "\nA number, or a database URL, a folder, a file of SQLite, a client's configuration.")?;
    loop {
        write!(out, "> ")?;
        out.flush()?;
        let Some(line) = lines.next() else { return Ok(None) };
        let line = line?;
        let answer = line.trim();
        match answer.parse::<usize>() {
            Ok(number) => match number.checked_sub(1).and_then(|at| found.get(at)) {
                Some((source, _)) => return Ok(Some(source.clone())),
                None => writeln!(out, "There is no {number}.")?,
            },
            Err(_) if answer.is_empty() => {}
            Err(_) => return Ok(Some(answer.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ask;

    #[test]
    fn a_number_stands_for_what_was_found() {
        let found = [("shop.db".to_owned(), "a database".to_owned()), (".".to_owned(), "a folder".to_owned())];
        let answered = |typed: &str| {
            let mut out = Vec::new();
            let answer = ask(&found, typed.as_bytes(), &mut out).unwrap();
            (answer, String::from_utf8(out).unwrap())
        };
        assert_eq!(answered("2\n").0.as_deref(), Some("."));
        assert_eq!(answered("\n  postgres://h/x \n").0.as_deref(), Some("postgres://h/x"));
        let (answer, said) = answered("7\n1\n");
        assert_eq!(answer.as_deref(), Some("shop.db"));
        assert!(said.contains("There is no 7."), "{said}");
        assert_eq!(answered("").0, None);
    }
}
