//! [`Problems`]: diagnostics with their places in the file; printed for people, or told as JSON.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use portwright_core::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::text::{Document, Span};

/// The file that diagnostics point into. `Debug` tells its path alone: literal secrets may stand in it.
#[derive(Default)]
pub struct Origin {
    /// As the user named it.
    pub path: PathBuf,
    /// With literal secrets starred out.
    pub(crate) text: String,
    pub(crate) document: Document,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("path", &self.path).finish_non_exhaustive()
    }
}

/// One diagnostic and the bytes it is about.
#[derive(Debug, Clone)]
struct Placed {
    diagnostic: Diagnostic,
    span: Span,
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone)]
pub struct Problems {
    origin: Arc<Origin>,
    placed: Vec<Placed>,
}

impl Problems {
    /// Diagnostics whose places are keys of the document.
    pub fn new(origin: Arc<Origin>, diagnostics: Vec<Diagnostic>) -> Self {
        let placed = diagnostics
            .into_iter()
            .map(|diagnostic| {
                let of_key = matches!(diagnostic.rule, "unknown-key" | "missing-key" | "bad-name" | "unused-param");
                let span = origin.document.span(&diagnostic.place, of_key);
                Placed { diagnostic, span }
            })
            .collect();
        Self::sorted(origin, placed)
    }

    /// Diagnostics of a text that is no document.
    pub(crate) fn of_text(origin: Arc<Origin>, found: Vec<(Diagnostic, Span)>) -> Self {
        let placed = found.into_iter().map(|(diagnostic, span)| Placed { diagnostic, span }).collect();
        Self::sorted(origin, placed)
    }

    fn sorted(origin: Arc<Origin>, mut placed: Vec<Placed>) -> Self {
        placed.sort_by(|one, other| {
            (one.span.start, &one.diagnostic.message).cmp(&(other.span.start, &other.diagnostic.message))
        });
        placed.dedup_by(|one, other| one.span == other.span && one.diagnostic == other.diagnostic);
        Self { origin, placed }
    }

    /// The file, as the user named it.
    pub fn path(&self) -> &Path {
        &self.origin.path
    }

    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// The diagnostics, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.placed.iter().map(|placed| &placed.diagnostic)
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// For people, each with its excerpt. Colours are ANSI sequences, which the printer drops where nobody sees them.
    pub fn render(&self, colours: bool) -> String {
        /// More than anybody reads; a file of another format makes thousands.
        const SHOWN: usize = 50;
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
        let mut out: Vec<String> = self.placed.iter().take(SHOWN).map(|placed| self.one(placed, &renderer)).collect();
        if self.placed.len() > SHOWN {
            out.push(format!("… and {} more", self.placed.len() - SHOWN));
        }
        out.join("\n\n")
    }

    fn one(&self, placed: &Placed, renderer: &Renderer) -> String {
        let Placed { diagnostic, span } = placed;
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Advice => Level::WARNING.with_name("advice"),
        };
        let path = self.origin.path.display().to_string();
        let (first, lines, within) = self.lines(span);
        let mut group: Group<'_> =
            Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.rule));
        if !self.origin.text.is_empty() {
            let annotation = AnnotationKind::Primary.span(within);
            group = group.element(Snippet::source(lines).line_start(first).path(path.as_str()).annotation(annotation));
        }
        if let Some(hint) = &diagnostic.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        renderer.render(&[group])
    }

    /// The number of the first line that the span touches, the lines themselves, and the span within them. Of a span
    /// over many lines only the first is shown.
    fn lines(&self, span: &Span) -> (usize, &str, Span) {
        let text = self.origin.text.as_str();
        let at = floor(text, span.start.min(text.len()));
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let stop = floor(text, span.end.clamp(at, end));
        (line_of(text, at), &text[start..end], at - start..stop - start)
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let told = |Placed { diagnostic, span }: &Placed| {
            let (line, _, within) = self.lines(span);
            let before = &self.origin.text[..floor(&self.origin.text, span.start.min(self.origin.text.len()))];
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
            let start = before.len() - column;
            let column = self.origin.text[start..start + within.start].chars().count() + 1;
            json!({
                "severity": match diagnostic.severity { Severity::Error => "error", Severity::Advice => "advice" },
                "rule": diagnostic.rule,
                "place": diagnostic.place.as_str(),
                "file": self.origin.path.display().to_string(),
                "line": line,
                "column": column,
                "message": diagnostic.message,
                "hint": diagnostic.hint,
            })
        };
        self.placed.iter().map(told).collect()
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
