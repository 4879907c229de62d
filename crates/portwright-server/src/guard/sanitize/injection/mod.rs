//! Orders to the model in text that should only tell it something.
//!
//! Rules score each sentence and its neighbours; the verdict names them and the words they saw, so that a person can see
//! why. There is no statistical model beside them: trained on public sets, leaving one source out at a time, it added
//! false alarms and found nothing that the rules had missed.
//! It is a net with holes: what it catches is fenced, what it misses must not be able to do harm,
//! which is the work of policies and least privilege.

mod decode;
mod rules;
mod vocabulary;
mod words;

use std::fmt;

use super::characters::Found;
use words::Word;

/// The score from which text counts as an order.
pub const THRESHOLD: f32 = 0.9;

/// How far hits may stand apart to count together, in bytes.
const NEAR_BYTES: usize = 600;

/// The score from which a decoded payload counts.
const TELLING: f32 = 0.3;

/// What encoding an order adds to it: nobody encodes a friendly word.
const DISGUISE: f32 = 0.5;

/// What is left of the weight of an example.
const QUOTED: f32 = 0.3;

/// The longest sentence that is judged as a whole, in words; a longer one is judged in parts.
const SENTENCE_WORDS_MAX: usize = 40;

/// Something that speaks for an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    rule: &'static str,
    weight: f32,
    start: usize,
    end: usize,
}

/// What was made of a text.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// At least [`THRESHOLD`] for an order.
    pub score: f32,
    /// The rules that spoke for it, the weightiest first, each with the words it saw.
    pub reasons: Vec<Reason>,
}

/// Why a text was taken for an order.
#[derive(Debug, Clone)]
pub struct Reason {
    pub rule: &'static str,
    pub weight: f32,
    pub words: String,
}

impl Verdict {
    pub fn is_order(&self) -> bool {
        self.score >= THRESHOLD
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.score)?;
        for reason in &self.reasons {
            write!(f, "\n  {:<12} {:>5.2}  {}", reason.rule, reason.weight, reason.words)?;
        }
        Ok(())
    }
}

/// Compiles what is compiled once. False if a list of ours is broken, which a test holds not to be.
pub(super) fn prepare() -> bool {
    vocabulary::sense("all");
    rules::prepare()
}

/// Judges a text that was cleaned of `found`.
pub fn judge(text: &str, found: Found) -> Verdict {
    let mut hits = Vec::new();
    collect(text, &mut hits);
    for payload in decode::payloads(text) {
        let mut inner = Vec::new();
        collect(&payload.text, &mut inner);
        let score = densest(&inner).0 - if payload.whole { densest(&hits).0 } else { 0.0 };
        if score >= TELLING {
            hits.push(Hit { rule: "encoded", weight: score + DISGUISE, start: payload.start, end: payload.end });
        }
    }
    hits.sort_by_key(|hit| hit.start);
    let (mut score, near) = densest(&hits);
    let hiding = hiding(found);
    score += hiding;
    let mut verdict = Verdict { score, reasons: Vec::new() };
    if score >= THRESHOLD {
        if hiding > 0.0 {
            verdict.reasons.push(Reason { rule: "hidden", weight: hiding, words: String::new() });
        }
        verdict.reasons.extend(near.iter().map(|hit| reason(hit, text)));
        verdict.reasons.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    }
    verdict
}

/// Honest text is not written so that a reader does not see it.
fn hiding(found: Found) -> f32 {
    const MANY: u32 = 8;
    let hidden = if found.hidden >= MANY { 0.9 } else { 0.0 };
    let lookalikes: f32 = match found.lookalikes {
        0 => 0.0,
        1 | 2 => 0.3,
        _ => 0.9,
    };
    let steered = if found.directions > 0 { 0.2 } else { 0.0 };
    hidden + lookalikes + steered
}

fn reason(hit: &Hit, text: &str) -> Reason {
    const WORDS_BYTES_MAX: usize = 80;
    let end = hit.end.min(text.floor_char_boundary(hit.start + WORDS_BYTES_MAX));
    let words = text.get(hit.start..end).unwrap_or_default();
    Reason { rule: hit.rule, weight: hit.weight, words: words.escape_debug().to_string() }
}

/// All hits of a text.
fn collect(text: &str, hits: &mut Vec<Hit>) {
    rules::marks(text, hits);
    let words = words::words(text);
    for sentence in sentences(&words) {
        rules::apply(sentence, hits);
    }
    if hits.iter().any(|hit| is_quoted(text, hit)) && is_about_security(&words) {
        for hit in hits.iter_mut().filter(|hit| is_quoted(text, hit)) {
            hit.weight *= QUOTED;
        }
    }
    hits.sort_by_key(|hit| hit.start);
}

/// Whether words stand in quotes, as an example does.
fn is_quoted(text: &str, hit: &Hit) -> bool {
    const QUOTES: [char; 6] = ['"', '\'', '`', '“', '«', '|'];
    let before = text[..hit.start].trim_end_matches(['[', '(']);
    before.ends_with(QUOTES) || text[hit.start..hit.end].contains(['"', '`', '“'])
}

/// Text that is about attacks shows them.
fn is_about_security(words: &[Word]) -> bool {
    const KINDS_MIN: u32 = 4;
    let kinds = words.iter().fold(0u64, |kinds, word| {
        if word.sense & vocabulary::ATTACK == 0 { kinds } else { kinds | 1 << (word.hash % 64) }
    });
    kinds.count_ones() >= KINDS_MIN
}

fn sentences(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    words.chunk_by(|_, next| !next.first).flat_map(|sentence| sentence.chunks(SENTENCE_WORDS_MAX))
}

/// The highest sum of different rules that stand near each other, and the hits of it.
fn densest(hits: &[Hit]) -> (f32, Vec<Hit>) {
    let mut best = (0.0, Vec::new());
    let mut near: Vec<Hit> = Vec::new();
    for hit in hits {
        near.retain(|earlier| earlier.end + NEAR_BYTES >= hit.start);
        match near.iter_mut().find(|earlier| earlier.rule == hit.rule) {
            Some(same) if same.weight > hit.weight => {}
            Some(same) => *same = *hit,
            None => near.push(*hit),
        }
        let score = near.iter().map(|hit| hit.weight).sum();
        if score > best.0 {
            best = (score, near.clone());
        }
    }
    best
}
