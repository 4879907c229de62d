//! Reading text: by line, by byte, from the end. A file is never held whole, however large it is.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roots::{Folders, Stop};
use super::scope::{Opened, Scope};
use super::text::{SAMPLE_BYTES, Written, cut, sniff};
use super::{media, words};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReadText {
    /// File
    path: String,
    /// First line, from 1
    #[serde(default)]
    #[schemars(range(min = 1))]
    offset: Option<u64>,
    /// Most lines
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
    /// First lines only
    #[serde(default)]
    #[schemars(range(min = 1))]
    head: Option<u64>,
    /// Last lines only
    #[serde(default)]
    #[schemars(range(min = 1))]
    tail: Option<u64>,
    /// First byte, from 0, instead of a line
    #[serde(default)]
    byte_offset: Option<u64>,
    /// Number the lines in the text
    #[serde(default)]
    line_numbers: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TextRead {
    path: String,
    content: String,
    /// The number of its first line, where that is known.
    first_line: Option<u64>,
    lines: u64,
    size: u64,
    encoding: Option<&'static str>,
    next_offset: Option<u64>,
    next_byte_offset: Option<u64>,
}

/// What part of a text is wanted.
#[derive(Debug, Clone, Copy)]
enum Part {
    Lines { first: u64, count: u64 },
    Last(u64),
    Bytes(u64),
}

pub(super) async fn text(folders: Arc<Folders>, wanted: ReadText, cx: Context) -> Result<Answer<TextRead>, Refusal> {
    let part = part(&wanted)?;
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    let read = folders.work(&cx, move |stop| {
        let opened = scope.open(&scope.spot(&wanted.path)?)?;
        Ok((one(opened, part, bytes_max, stop)?, wanted.line_numbers))
    });
    let (read, numbers) = read.await?;
    if read.next_offset.is_some() || read.next_byte_offset.is_some() {
        cx.note(|trail| trail.truncated = true);
    }
    let text = told(&read, numbers);
    Ok(Answer::told(read, text))
}

fn part(wanted: &ReadText) -> Result<Part, Refusal> {
    let (lines, last) = (wanted.offset.or(wanted.limit).or(wanted.head).is_some(), wanted.tail.is_some());
    if [lines, last, wanted.byte_offset.is_some()].iter().filter(|one| **one).count() > 1 {
        return Err(Refusal::invalid(
            "ask for lines (`offset`, `limit`, `head`), for the last ones (`tail`), or by `byte_offset`: one of them",
        ));
    }
    Ok(match (wanted.tail, wanted.byte_offset) {
        (Some(count), _) => Part::Last(count),
        (_, Some(byte)) => Part::Bytes(byte),
        _ => {
            let count = wanted.limit.unwrap_or(u64::MAX).min(wanted.head.unwrap_or(u64::MAX));
            Part::Lines { first: wanted.offset.unwrap_or(1).max(1), count }
        }
    })
}

/// For clients that read text alone: the content, and a word where more follows.
fn told(read: &TextRead, numbers: bool) -> String {
    let mut text = match (numbers, read.first_line) {
        (true, Some(first)) => {
            let numbered = read.content.lines().zip(first..).map(|(line, number)| format!("{number:>6}\t{line}\n"));
            numbered.collect()
        }
        _ => read.content.clone(),
    };
    match (read.next_offset, read.next_byte_offset) {
        (Some(line), _) => _ = write!(text, "\n[more follows: go on with offset {line}]"),
        (_, Some(byte)) => _ = write!(text, "\n[more follows: go on with byte_offset {byte}]"),
        _ => {}
    }
    text
}

/// Reads a part of an open file.
fn one(opened: Opened, part: Part, bytes_max: usize, stop: &Stop) -> Result<TextRead, Refusal> {
    let Opened { mut file, meta, path } = opened;
    let failed = |error: io::Error| words::refuse(error, &path);
    let mut sample = Vec::new();
    (&mut file).take(SAMPLE_BYTES as u64).read_to_end(&mut sample).map_err(failed)?;
    let whole = (sample.len() as u64) < SAMPLE_BYTES as u64;
    let Some(written) = sniff(&sample, whole) else {
        let kind = media::mime(&path, &sample);
        return Err(Refusal::failed(format!(
            "`{path}` is no text ({kind}, {} bytes); read_media_file reads images and sounds",
            meta.len()
        )));
    };
    let mut read = if written.has_plain_lines() {
        file.seek(SeekFrom::Start(written.mark as u64)).map_err(failed)?;
        let mut source = Source { written, start: written.mark as u64, path: &path, bytes_max, stop };
        source.part(file, part)?
    } else {
        let text = whole_text(&mut file, written, meta.len(), &path)?;
        let utf8 = Written { encoding: encoding_rs::UTF_8, mark: 0 };
        if matches!(part, Part::Bytes(_)) {
            return Err(Refusal::invalid(format!("`{path}` is written in {}; ask for its lines", written.name())));
        }
        let mut source = Source { written: utf8, start: 0, path: &path, bytes_max, stop };
        source.part(Cursor::new(text.into_bytes()), part)?
    };
    read.size = meta.len();
    read.encoding = (written.encoding != encoding_rs::UTF_8).then(|| written.name());
    read.path = path;
    Ok(read)
}

fn whole_text(file: &mut File, written: Written, size: u64, path: &str) -> Result<String, Refusal> {
    let failed = |error: io::Error| words::refuse(error, path);
    if size > limits::WHOLE_FILE_BYTES_MAX {
        return Err(Refusal::failed(format!("`{path}` is written in {} and too large to be read", written.name())));
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(written.mark as u64)).map_err(failed)?;
    file.take(limits::WHOLE_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(written.decode(&bytes).0.into_owned())
}

/// A text whose lines end with the byte 10.
struct Source<'a> {
    written: Written,
    /// Where the text begins.
    start: u64,
    path: &'a str,
    bytes_max: usize,
    stop: &'a Stop,
}

impl Source<'_> {
    fn part(&mut self, mut from: impl Read + Seek, part: Part) -> Result<TextRead, Refusal> {
        match part {
            Part::Lines { first, count } => self.lines(BufReader::with_capacity(SAMPLE_BYTES, from), first, count),
            Part::Last(count) => self.last(&mut from, count),
            Part::Bytes(byte) => self.bytes(&mut from, byte),
        }
    }

    fn failed(&self, error: io::Error) -> Refusal {
        words::refuse(error, self.path)
    }

    fn lines(&self, mut from: impl BufRead, first: u64, count: u64) -> Result<TextRead, Refusal> {
        let mut line = 1;
        while line < first {
            self.stop.check()?;
            let buffer = from.fill_buf().map_err(|error| self.failed(error))?;
            if buffer.is_empty() {
                let last = line;
                return Err(Refusal::failed(format!(
                    "`{}` ends with line {last}; there is no line {first}",
                    self.path
                )));
            }
            let mut used = buffer.len();
            for (at, _) in buffer.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                line += 1;
                if line == first {
                    used = at + 1;
                    break;
                }
            }
            from.consume(used);
        }
        let mut raw = Vec::new();
        let mut lines = 0;
        let mut ended = false;
        while lines < count && raw.len() <= self.bytes_max {
            let left = (self.bytes_max + 1 - raw.len()) as u64;
            let before = raw.len();
            (&mut from).take(left).read_until(b'\n', &mut raw).map_err(|error| self.failed(error))?;
            ended = raw.len() == before;
            if ended {
                break;
            }
            lines += u64::from(raw.last() == Some(&b'\n'));
        }
        let more = !ended && !from.fill_buf().map_err(|error| self.failed(error))?.is_empty();
        let over = raw.len() > self.bytes_max;
        let whole_lines = raw.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        Ok(match whole_lines {
            // As many whole lines as there is room for.
            Some(end) if over || more => {
                let end = if over { last_line_end(&raw, self.bytes_max).unwrap_or(end) } else { end };
                self.read(&raw[..end], Some(first), |lines| (Some(first + lines), None))
            }
            None if over => {
                let text = self.written.decode(&raw).0;
                let kept = cut(&text, self.bytes_max).len().min(self.bytes_max);
                self.read(&raw[..kept], Some(first), |_| (Some(first + 1), None))
            }
            _ => self.read(&raw, Some(first), |_| (None, None)),
        })
    }

    fn last(&self, from: &mut (impl Read + Seek), count: u64) -> Result<TextRead, Refusal> {
        let end = from.seek(SeekFrom::End(0)).map_err(|error| self.failed(error))?;
        let (mut at, mut raw) = (end, Vec::new());
        let mut start = None;
        while at > self.start && raw.len() <= self.bytes_max && start.is_none() {
            self.stop.check()?;
            let size = (at - self.start).min(SAMPLE_BYTES as u64);
            at -= size;
            from.seek(SeekFrom::Start(at)).map_err(|error| self.failed(error))?;
            let mut block = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + raw.len());
            from.take(size).read_to_end(&mut block).map_err(|error| self.failed(error))?;
            block.append(&mut raw);
            raw = block;
            // The end of the last line begins no further one.
            let body = raw.strip_suffix(b"\n").unwrap_or(&raw);
            let ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
            start = usize::try_from(count - 1).ok().and_then(|skip| ends.into_iter().nth(skip));
        }
        let mut kept = &raw[start.unwrap_or(0)..];
        if kept.len() > self.bytes_max {
            let from = kept.len() - self.bytes_max;
            let line = kept[from..].iter().position(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
            kept = &kept[line..];
        }
        let first = (at == self.start && start.is_none() && kept.len() == raw.len()).then_some(1);
        Ok(self.read(kept, first, |_| (None, None)))
    }

    fn bytes(&self, from: &mut (impl Read + Seek), byte: u64) -> Result<TextRead, Refusal> {
        let end = from.seek(SeekFrom::End(0)).map_err(|error| self.failed(error))?;
        if byte >= end && byte > 0 {
            return Err(Refusal::failed(format!("`{}` has {end} bytes; there is no byte {byte}", self.path)));
        }
        let start = byte.max(self.start);
        from.seek(SeekFrom::Start(start)).map_err(|error| self.failed(error))?;
        let mut raw = Vec::new();
        from.take(self.bytes_max as u64).read_to_end(&mut raw).map_err(|error| self.failed(error))?;
        let mut next = start + raw.len() as u64;
        if next < end && self.written.encoding == encoding_rs::UTF_8 {
            // Not in the middle of a character.
            let whole = raw.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
            let cut = std::str::from_utf8(&raw[whole..]).is_err();
            if cut && raw.len() - whole < 4 {
                next -= (raw.len() - whole) as u64;
                raw.truncate(whole);
            }
        }
        Ok(self.read(&raw, None, |_| (None, (next < end).then_some(next))))
    }

    fn read(&self, raw: &[u8], first_line: Option<u64>, next: impl Fn(u64) -> (Option<u64>, Option<u64>)) -> TextRead {
        let content = self.written.decode(raw).0.into_owned();
        let lines = content.lines().count() as u64;
        let (next_offset, next_byte_offset) = next(lines);
        TextRead {
            path: String::new(),
            content,
            first_line,
            lines,
            size: 0,
            encoding: None,
            next_offset,
            next_byte_offset,
        }
    }
}

/// Where the last line ends that ends within so many bytes.
fn last_line_end(raw: &[u8], bytes_max: usize) -> Option<usize> {
    raw[..bytes_max.min(raw.len())].iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReadMany {
    /// Files
    #[schemars(length(min = 1, max = 50))]
    paths: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ManyRead {
    files: Vec<FileRead>,
}

/// A file, or why it was not read: one that can't be read does not hide the others.
#[derive(Debug, Serialize, JsonSchema)]
struct FileRead {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) async fn many(folders: Arc<Folders>, wanted: ReadMany, cx: Context) -> Result<Answer<ManyRead>, Refusal> {
    if wanted.paths.len() > limits::FILES_AT_ONCE_MAX {
        return Err(Refusal::invalid(format!("ask for {} files at most", limits::FILES_AT_ONCE_MAX)));
    }
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = folders.plan.bytes_max;
    let work = folders.work(&cx, move |stop| {
        let mut files = Vec::new();
        let mut left = bytes_max;
        for path in wanted.paths {
            stop.check()?;
            let part = Part::Lines { first: 1, count: u64::MAX };
            let read = scope.spot(&path).and_then(|spot| scope.open(&spot)).and_then(|opened| {
                if left == 0 {
                    return Err(Refusal::failed("there is no room left in this answer; ask for it alone"));
                }
                one(opened, part, left, stop)
            });
            files.push(match read {
                Ok(read) => {
                    left = left.saturating_sub(read.content.len());
                    let TextRead { path, content, next_offset, .. } = read;
                    FileRead { path, content: Some(content), next_offset, error: None }
                }
                Err(refusal) => {
                    let error = Some(refusal.public().to_owned());
                    FileRead { path, content: None, next_offset: None, error }
                }
            });
        }
        Ok(files)
    });
    let files = work.await?;
    if files.iter().any(|file| file.next_offset.is_some()) {
        cx.note(|trail| trail.truncated = true);
    }
    let text = files.iter().map(|file| {
        let body = file.content.as_deref().or(file.error.as_deref()).unwrap_or_default();
        let more = file.next_offset.map(|line| format!("\n[more follows: offset {line}]")).unwrap_or_default();
        format!("{}:\n{body}{more}\n", file.path)
    });
    let text = text.collect::<Vec<_>>().join("\n---\n");
    Ok(Answer::told(ManyRead { files }, text))
}
