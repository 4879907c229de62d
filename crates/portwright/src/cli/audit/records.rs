//! The records of a file, as they are read: which of them are wanted, and how a person sees one.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read};
use std::path::Path;

use clap::Args;
use globset::{Glob, GlobMatcher};
use jiff::{Timestamp, civil, tz::TimeZone};
use portwright_core::{HumanDuration, limits};
pub(super) use portwright_server::guard::audit::search::Wanted;
use serde_json::{Map, Value};

use crate::cli::error::CliError;
use crate::cli::print::{BAD, CAREFUL, FAINT, GOOD, safe, styled};

/// Which records are wanted. All of what is given must hold.
#[derive(Debug, Default, Args)]
pub(super) struct WantedArgs {
    /// Who called
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// The tool, prompt or URI; `*` and `?` stand for anything
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    name: Option<GlobMatcher>,
    /// The source
    #[arg(long)]
    source: Option<String>,
    /// The operation, such as `tools/call`
    #[arg(long)]
    operation: Option<String>,
    /// How it ended: ok, failed, refused, timed_out, cancelled, input_required, intent
    #[arg(long)]
    outcome: Option<String>,
    /// Something that was noticed, such as `stray`
    #[arg(long)]
    flag: Option<String>,
    /// The id of one call, as an internal fault tells it
    #[arg(long)]
    id: Option<String>,
    /// Not older than this: `2h`, `2026-11-23`, `2026-11-23T08:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Older than this
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    Glob::new(text).map(|glob| glob.compile_matcher()).map_err(|error| error.to_string())
}

/// A moment, a day (its start, UTC), or so long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(day) = text.parse::<civil::Date>() {
        let start = day.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        return Ok(start.timestamp());
    }
    let ago = text.parse::<HumanDuration>().ok().and_then(|ago| jiff::SignedDuration::try_from(ago.0).ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .ok_or_else(|| "write `2h`, a day such as `2026-11-23`, or a moment such as `2026-11-23T08:00:00Z`".to_owned())
}

impl WantedArgs {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            principal: self.principal.clone(),
            auth: None,
            name: self.name.clone(),
            source: self.source.clone(),
            operation: self.operation.clone(),
            outcome: self.outcome.clone(),
            flag: self.flag.clone(),
            id: self.id.clone(),
            since: self.since,
            until: self.until,
            text: None,
        }
    }
}

/// Says at once that a file can't be read.
pub(super) fn readable(file: &Path) -> Result<(), CliError> {
    let unreadable = |words: String| CliError::usage(format!("{} can't be read: {words}", file.display()));
    match std::fs::metadata(file) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(unreadable("it is no file".to_owned())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

pub(super) fn unreadable(file: &Path, error: &io::Error) -> CliError {
    CliError::usage(format!("{} can't be read: {error}", file.display()))
}

/// The next whole line, without its end; none at the end of the file, also where a record is not yet whole.
pub(super) fn next_line<'a>(lines: &mut impl BufRead, line: &'a mut Vec<u8>) -> io::Result<Option<&'a [u8]>> {
    line.clear();
    lines.take(limits::AUDIT_LINE_BYTES_MAX as u64).read_until(b'\n', line)?;
    if line.len() == limits::AUDIT_LINE_BYTES_MAX && !line.ends_with(b"\n") {
        return Err(io::Error::other("a line is longer than any audit record; is this an audit file?"));
    }
    Ok(line.strip_suffix(b"\n"))
}

/// A line as a record; none for what is none, which `audit verify` tells of.
pub(super) fn record(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

/// A record as one line for a person.
pub(super) fn told(record: &Map<String, Value>) -> String {
    let text = |key: &str| safe(record.get(key).and_then(Value::as_str).unwrap_or("·")).replace(['\n', '\t'], " ");
    let outcome = text("outcome");
    let colour = match outcome.as_str() {
        "ok" => GOOD,
        "intent" => FAINT,
        "cancelled" | "timed_out" => CAREFUL,
        _ => BAD,
    };
    let mut line = format!(
        "{} {} {} {} {}",
        styled(FAINT, &text("ts")),
        text("principal"),
        text("operation"),
        text("name"),
        styled(colour, &outcome)
    );
    if let Some(took) = record.get("duration_ms").and_then(Value::as_f64) {
        let _ = write!(line, " {took} ms");
    }
    let flags = record.get("flags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for flag in flags {
        line.push_str(&styled(CAREFUL, &format!(" [{}]", safe(flag))));
    }
    line
}

/// A record as a row of a table.
pub(super) fn row(record: &Map<String, Value>) -> Value {
    let mut row = Map::new();
    for (column, key) in [
        ("time", "ts"),
        ("principal", "principal"),
        ("operation", "operation"),
        ("name", "name"),
        ("source", "source"),
        ("outcome", "outcome"),
        ("error", "error"),
        ("ms", "duration_ms"),
        ("bytes", "result_bytes"),
    ] {
        row.insert(column.to_owned(), record.get(key).cloned().unwrap_or(Value::Null));
    }
    let flags = record.get("flags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    row.insert("flags".to_owned(), flags.collect::<Vec<_>>().join(" ").into());
    row.into()
}
