//! What is wrong with the arguments of one call, as one refusal.

use std::fmt::Write;

use portwright_core::{Refusal, limits};

use super::echo::short;
use super::shape::Known;

/// Arguments that a refusal names as known.
const NAMES_MAX: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Faults {
    lines: Vec<String>,
    more: bool,
    /// Whether the list of known arguments would help.
    names_wanted: bool,
}

impl Faults {
    /// Adds a fault of the argument at `place` (empty: of the arguments as a whole), unless it is there already.
    pub(super) fn add(&mut self, place: &str, what: &str) {
        let line = if place.is_empty() { format!("the arguments: {what}") } else { format!("`{place}`: {what}") };
        if self.lines.contains(&line) {
            return;
        }
        if self.lines.len() < limits::FAULTS_MAX {
            self.lines.push(line);
        } else {
            self.more = true;
        }
    }

    /// Adds an argument that the schema does not know.
    pub(super) fn unknown(&mut self, name: &str, known: &[Known]) {
        self.names_wanted = true;
        let names = known.iter().map(|known| known.name.as_str());
        self.add(&short(name), &unknown(name, names, "argument"));
    }

    pub(super) fn refusal(self, known: &[Known]) -> Refusal {
        let mut text = String::from("the arguments do not fit.");
        if !self.lines.is_empty() {
            text.push_str(" Mend these and call again:");
        }
        for line in &self.lines {
            let _ = write!(text, "\n- {line}");
        }
        if self.more {
            text.push_str("\n- and more");
        }
        if self.names_wanted || self.lines.is_empty() {
            text.push('\n');
            text.push_str(&list(known));
        }
        Refusal::invalid(text)
    }
}

/// `is unknown; did you mean …?`
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>, what: &str) -> String {
    const NEAR_ENOUGH: f64 = 0.8;
    // Distances take time with the product of the lengths, so only names that could be meant are compared.
    let near = known
        .filter(|_| name.len() <= limits::NAME_BYTES_MAX)
        .filter(|known| known.len() <= limits::NAME_BYTES_MAX)
        .map(|known| (strsim::jaro_winkler(&plain(known), &plain(name)), known))
        .filter(|(nearness, _)| *nearness >= NEAR_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match near {
        Some((_, known)) => format!("unknown {what}; did you mean `{}`?", short(known)),
        None => format!("unknown {what}"),
    }
}

/// `customerId`, `customer-id` and `customer_id` are one name to a model.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn list(known: &[Known]) -> String {
    if known.is_empty() {
        return "It takes no arguments.".to_owned();
    }
    let mut text = String::from("Known arguments: ");
    for (at, argument) in known.iter().take(NAMES_MAX).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let required = if argument.required { " (required)" } else { "" };
        let _ = write!(text, "{comma}`{}`{required}", short(&argument.name));
    }
    if known.len() > NAMES_MAX {
        let _ = write!(text, " and {} more", known.len() - NAMES_MAX);
    }
    text.push('.');
    text
}
