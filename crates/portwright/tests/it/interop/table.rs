//! The table: clients down, ways across; below it, what the marks in it mean.

use std::fmt::Write;

use super::clients::Client;
use super::judge::Verdict;
use super::ways::Way;

/// What a whole conversation shows.
const ABILITIES: usize = 8;

/// Reasons in the order in which they are met; the same one is told once.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

impl Notes {
    fn mark(&mut self, text: String) -> usize {
        let at = self.0.iter().position(|note| *note == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        at + 1
    }
}

/// One line a client, one column a way.
pub(super) fn table(database: &str, ways: &[Way], rows: &[(Client, Vec<Verdict>)]) -> String {
    let mut notes = Notes::default();
    let mut text = format!("\n{:<22}", format!("on {database}"));
    for way in ways {
        let _ = write!(text, " {:<14}", way.title());
    }
    for (client, verdicts) in rows {
        let _ = write!(text, "\n{:<22}", client.title());
        for (way, verdict) in ways.iter().zip(verdicts) {
            let _ = write!(text, " {:<14}", cell(*client, *way, verdict, &mut notes));
        }
    }
    text.push_str(
        "\n\npass: list, call, read, prompt, complete, cancel, progress and error; or as many of them as stand there.",
    );
    for (at, note) in notes.0.iter().enumerate() {
        let _ = write!(text, "\n[{}] {note}", at + 1);
    }
    text.push('\n');
    text
}

fn cell(client: Client, way: Way, verdict: &Verdict, notes: &mut Notes) -> String {
    if let Some(first) = verdict.wrong.first() {
        let first: String = first.chars().take(100).collect();
        return format!("FAIL [{}]", notes.mark(format!("{}: {first}", client.title())));
    }
    if let Some(closed) = client.closed(way) {
        return format!("-    [{}]", notes.mark(format!("{}: {}", client.title(), closed.why)));
    }
    let gaps = client.gaps(way);
    if gaps.is_empty() {
        return "pass".to_owned();
    }
    let whys: Vec<&str> = gaps.iter().map(|gap| gap.why).collect();
    let mark = notes.mark(format!("{}: {}", client.title(), whys.join("; ")));
    format!("pass {}/{} [{mark}]", ABILITIES - gaps.len(), ABILITIES)
}
