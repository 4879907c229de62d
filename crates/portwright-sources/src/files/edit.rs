//! Edits: a text in a file becomes another, exactly where it stands, or nothing changes.

use std::fmt::Write;
use std::io::Read;
use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::roots::Folders;
use super::scope::Scope;
use super::text::{cut, sniff};
use super::write::Place;
use super::{digest, words};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct EditFile {
    /// File
    path: String,
    /// Made in this order
    #[schemars(length(min = 1, max = 200))]
    edits: Vec<Edit>,
    /// Only show the difference
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// Only if the file still has this digest
    #[serde(default)]
    expected_sha256: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Edit {
    /// Exact, and found once
    #[serde(rename = "oldText")]
    old_text: String,
    /// What it becomes
    #[serde(rename = "newText")]
    new_text: String,
    /// Wherever it is found
    #[serde(default, rename = "replaceAll")]
    replace_all: bool,
    /// How often it must be there
    #[serde(default, rename = "expectedMatches")]
    expected_matches: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edited {
    path: String,
    replaced: usize,
    diff: String,
    written: bool,
    sha256: Option<String>,
}

pub(super) async fn edit(folders: Arc<Folders>, wanted: EditFile, cx: Context) -> Result<Answer<Edited>, Refusal> {
    if wanted.edits.is_empty() || wanted.edits.len() > limits::EDITS_MAX {
        return Err(Refusal::invalid(format!("make 1 to {} edits at a time", limits::EDITS_MAX)));
    }
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    let edited = folders.work(&cx, move |_| change(&scope, &wanted, bytes_max)).await?;
    let text =
        if edited.written { edited.diff.clone() } else { format!("{}\n[dry run: nothing was written]", edited.diff) };
    Ok(Answer::told(edited, text))
}

fn change(scope: &Scope, wanted: &EditFile, bytes_max: usize) -> Result<Edited, Refusal> {
    let place = Place::of(scope, &wanted.path)?;
    let path = place.path.clone();
    let Some((file, meta)) = &place.old else {
        return Err(Refusal::failed(format!("there is no `{path}`; write_file makes new files")));
    };
    if meta.len() > limits::WHOLE_FILE_BYTES_MAX {
        return Err(Refusal::failed(format!("`{path}` is too large to be edited")));
    }
    let mut bytes = Vec::new();
    let read = file.take(limits::WHOLE_FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| words::refuse(error, &path))?;
    if wanted.expected_sha256.as_ref().is_some_and(|expected| !digest::of_bytes(&bytes).eq_ignore_ascii_case(expected))
    {
        return Err(Refusal::failed(format!("`{path}` is not what it was when its digest was taken; read it again")));
    }
    let no_text = || {
        Refusal::failed(format!("`{path}` is no text, or not in one encoding throughout; it can't be edited safely"))
    };
    let written = sniff(&bytes, true).ok_or_else(no_text)?;
    let (old, broken) = written.decode(&bytes[written.mark..]);
    // What does not come back byte for byte would be changed where nobody asked for it.
    if broken || written.encode(&old).as_deref() != Some(&bytes) {
        return Err(no_text());
    }
    let (new, replaced) = apply(&old, &wanted.edits, &path)?;
    let encoded = written.encode(&new).ok_or_else(|| {
        Refusal::failed(format!("`{path}` is written in {}, which lacks a character of the new text", written.name()))
    })?;
    let diff = diff(&old, &new, &path, bytes_max);
    let changed = encoded != bytes;
    if changed && !wanted.dry_run {
        place.replace(&encoded, false)?;
    }
    let written = !wanted.dry_run;
    Ok(Edited { path, replaced, diff, written, sha256: written.then(|| digest::of_bytes(&encoded)) })
}

/// The text after all edits, each made on what the one before left.
fn apply(old: &str, edits: &[Edit], path: &str) -> Result<(String, usize), Refusal> {
    let (mut text, mut replaced) = (old.to_owned(), 0);
    for (index, edit) in edits.iter().enumerate() {
        let which = if edits.len() == 1 { "`oldText`".to_owned() } else { format!("`oldText` of edit {}", index + 1) };
        if edit.old_text.is_empty() {
            return Err(Refusal::invalid(format!("{which} is empty; say which text is to be replaced")));
        }
        let (from, to) = in_line_ends(&text, edit);
        let count = text.matches(from.as_str()).count();
        if count == 0 {
            return Err(Refusal::failed(missing(&text, &from, &which, path)));
        }
        match edit.expected_matches {
            Some(expected) if expected != count => {
                return Err(Refusal::failed(format!(
                    "{which} stands {count} times in `{path}`, not {expected}; nothing was changed"
                )));
            }
            None if count > 1 && !edit.replace_all => {
                return Err(Refusal::failed(format!(
                    "{which} stands {count} times in `{path}`; add lines around it until it is the only one, or set replaceAll; nothing was changed"
                )));
            }
            _ => {}
        }
        text = text.replace(from.as_str(), &to);
        replaced += count;
    }
    Ok((text, replaced))
}

/// An edit in the line ends of the text, where its own are plain ones and the text's are not.
fn in_line_ends(text: &str, edit: &Edit) -> (String, String) {
    let (old, new) = (&edit.old_text, &edit.new_text);
    let windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    if windows && !old.contains("\r\n") && !new.contains("\r\n") {
        return (old.replace('\n', "\r\n"), new.replace('\n', "\r\n"));
    }
    (old.clone(), new.clone())
}

/// Why a text was not found: the nearest line that begins like it, if blanks make the difference.
fn missing(text: &str, wanted: &str, which: &str, path: &str) -> String {
    let mut words = format!("{which} is not in `{path}`; nothing was changed");
    let first = wanted.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let near = text.lines().zip(1..).find(|(line, _)| !first.is_empty() && line.trim() == first);
    if let Some((line, number)) = near {
        let _ = write!(
            words,
            ". Line {number} is like its first line: `{}`. Take blanks and the lines after it as they are in the file",
            cut(line, 200)
        );
    }
    words
}

/// The difference as `diff -u` writes it. Line ends that changed are shown.
fn diff(old: &str, new: &str, path: &str, bytes_max: usize) -> String {
    let shown = |text: &str| text.replace('\r', "␍");
    let (old, new) = if old.contains('\r') || new.contains('\r') {
        (shown(old), shown(new))
    } else {
        (old.to_owned(), new.to_owned())
    };
    let diff = TextDiff::from_lines(&old, &new);
    let mut unified = diff.unified_diff();
    let whole = unified.context_radius(3).header(path, path).to_string();
    if whole.len() <= bytes_max {
        return whole;
    }
    format!("{}\n[the difference goes on]", cut(&whole, bytes_max))
}
