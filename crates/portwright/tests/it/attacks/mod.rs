//! The attack suite: what is known to have broken servers like this one, tried on the built binary.
//!
//! One file of cases a class in `cases/`. Each class runs against a server of its own, every case on each transport that
//! it can be tried on, and afterwards the server must still serve honest callers, its data must be as they were, and its
//! audit and log must be whole. `cargo xtask attacks` prints what was tried, what stopped it, and what was seen.

mod attempt;
mod case;
mod postgres;
mod target;
mod tokens;

use std::fmt::Write;

use attempt::attempt;
use case::{Case, Deed};
use target::Target;

/// The classes of cases: a letter, what it is about, its cases.
const CLASSES: &[(&str, &str, &str)] = &[
    ("A", "files", include_str!("cases/files.txt")),
    ("B", "SQL", include_str!("cases/sql.txt")),
    ("E", "transports and browsers", include_str!("cases/transports.txt")),
    ("F", "who calls, and what they may", include_str!("cases/access.txt")),
    ("G", "input of every kind", include_str!("cases/input.txt")),
    ("H", "what comes out of sources", include_str!("cases/content.txt")),
    ("I", "secrets and logs", include_str!("cases/secrets.txt")),
];

/// Classes without cases here, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("C", "commands: no source starts a program"),
    ("D", "requests to inner addresses: tried on the HTTP client itself, since callers name no address"),
];

/// What came of one case.
struct Outcome {
    ways: Vec<&'static str>,
    /// What the first way was answered.
    seen: String,
    /// What went otherwise than the case says.
    wrong: Vec<String>,
}

/// Tries every case of a class, prints the report, and fails if any came through.
fn tried(letter: &str) {
    let (_, about, text) = CLASSES.iter().find(|(class, ..)| *class == letter).expect("a class");
    let cases = case::cases(text);
    let target = Target::start(&cases);
    let before = target.data();
    let outcomes: Vec<Outcome> =
        cases.iter().enumerate().map(|(number, case)| attempt(&target, number, case)).collect();
    let mut wrong: Vec<String> = cases
        .iter()
        .zip(&outcomes)
        .flat_map(|(case, outcome)| outcome.wrong.iter().map(move |wrong| format!("{}: {wrong}", case.title)))
        .collect();
    if target.data() != before {
        wrong.push("the data is not as it was".to_owned());
    }
    wrong.extend(target.aftermath());
    println!("{}", report(letter, about, &cases, &outcomes));
    assert!(wrong.is_empty(), "class {letter}:\n{}", wrong.join("\n"));
}

fn report(letter: &str, about: &str, cases: &[Case], outcomes: &[Outcome]) -> String {
    let stopped = outcomes.iter().filter(|outcome| outcome.wrong.is_empty()).count();
    let mut text = format!("\n{letter}: {about}: {} tried, {stopped} stopped", cases.len());
    for (case, outcome) in cases.iter().zip(outcomes) {
        let mark = if outcome.wrong.is_empty() { "stopped" } else { "THROUGH" };
        let _ = write!(text, "\n  {mark}  {}\n           {}; by {}", case.title, outcome.seen, case.by);
        let _ = write!(text, " ({})", outcome.ways.join(", "));
    }
    text
}

/// What is tried, for the reference pages.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Attacks that are tried\n\nWritten by `cargo xtask gen` from the cases of the tests. Each is tried on the built \
         binary, on every way\nthat it can come; `cargo xtask attacks` tries them all and prints what it saw.\n",
    );
    for (letter, about, text) in CLASSES {
        let _ = write!(page, "\n## {letter}: {about}\n\n| attack | comes by | what stops it |\n|---|---|---|\n");
        for case in case::cases(text) {
            let title = case.title.split_once(' ').map_or("", |(_, title)| title);
            let _ = writeln!(page, "| {title} | {} | {} |", case.deed.ways(), case.by);
        }
    }
    let baits = postgres::baits_in_all();
    let _ = write!(
        page,
        "\n## PostgreSQL\n\n{baits} statements that are shown to be dangerous first, then sent to both tools that take SQL, as a \
         superuser and\nas the owner of the data: what would write, stay on the session, tell what is not the data's, hold things up, kill\n\
         or lock. Each is refused, and not a byte of the cluster changes.\n\n## Not here\n\n"
    );
    for (letter, why) in ELSEWHERE {
        let _ = writeln!(page, "- {letter}: {why}.");
    }
    page
}

#[test]
fn paths_that_lead_somewhere_else() {
    tried("A");
}

#[test]
fn sql_that_would_do_more_than_read() {
    tried("B");
}

#[test]
fn requests_that_no_honest_client_sends() {
    tried("E");
}

#[test]
fn callers_who_are_not_who_they_say() {
    tried("F");
}

#[test]
fn input_that_would_break_or_exhaust() {
    tried("G");
}

#[test]
fn rows_that_were_written_for_the_model() {
    tried("H");
}

#[test]
fn secrets_that_would_get_out() {
    tried("I");
}

/// A suite in which nothing can come through would show nothing: what each kind of case looks for is found where it is.
#[test]
fn an_attack_that_comes_through_is_seen() {
    let text = "# X1 A row that is read\nby nothing\n% honest words\n- honest words\n\n# X2 A list\nby nothing\n> POST /mcp HTTP/1.1\n\
                > Host: {host}\n> Content-Type: application/json\n>\n> {list}\n= 403\n\n# X3 A search\nby nothing\n\
                @ query_customers {\"search_term\": \"ada\"}\n= refused\n\n# X4 A good token\nby nothing\n$ good\n= 401\n";
    let cases = case::cases(text);
    let target = Target::start(&cases);
    for (number, case) in cases.iter().enumerate() {
        let outcome = attempt(&target, number, case);
        assert!(!outcome.wrong.is_empty() && !outcome.ways.is_empty(), "{} was not seen", case.title);
    }
    assert!(matches!(cases[0].deed, Deed::Row(_)));
}
