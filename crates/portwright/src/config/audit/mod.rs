//! `[audit]`: the file of records, its rotation, how long old files are kept, and where copies go.

#[cfg(feature = "postgres")]
mod postgres;
mod sinks;

use std::path::{Path, PathBuf};

use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer, limits};
use portwright_server::guard::audit::{Arguments, AuditPlan, Durability, Rotation};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use sinks::output_taken;

use super::plan::{file_in, positive};

/// The record of every call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditSection {
    /// The file, one JSON object a line; relative to the configuration's folder.
    file: PathBuf,
    /// What is kept of a call's arguments.
    #[serde(default)]
    arguments: ArgumentsSection,
    /// Whether a call that can't be recorded is refused.
    #[serde(default = "required")]
    required: bool,
    /// When a record counts as written.
    #[serde(default)]
    durability: DurabilitySection,
    /// When a new file is begun. The old one gets a name with its time, and the chain goes on in the new one.
    rotate: Option<RotateSection>,
    /// How long a file is kept after its last record, such as `90d`. For ever where nothing is said.
    keep: Option<HumanDuration>,
    /// Most old files that are kept. Any number where nothing is said.
    keep_files: Option<usize>,
    /// Standard output gets a copy of each record.
    stdout: Option<sinks::StdoutSection>,
    /// A table in PostgreSQL gets a copy of each record.
    postgres: Option<sinks::PostgresSection>,
    /// A receiver of OpenTelemetry logs gets a copy of each record.
    otlp: Option<sinks::OtlpSection>,
}

/// When a new file of records is begun: at whatever comes first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RotateSection {
    /// When the file is so large, such as `100MiB`.
    size: Option<ByteSize>,
    /// When the file's first record is so old, such as `1d`.
    every: Option<HumanDuration>,
}

fn required() -> bool {
    true
}

/// What is kept of a call's arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ArgumentsSection {
    /// Nothing.
    None,
    /// Their names. The default.
    #[default]
    Keys,
    /// Their values, with secrets taken out.
    Values,
}

/// When a record counts as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DurabilitySection {
    /// When the operating system has it: it survives the end of the process. The default.
    #[default]
    Process,
    /// When the disk has it: it survives a power cut.
    Disk,
}

/// The section → the plan of the guard.
pub(super) fn plan(section: AuditSection, base: &Path, problems: &mut Vec<Diagnostic>) -> Option<AuditPlan> {
    let rotation = rotation(&section, problems);
    let place = Pointer::root().join("audit").join("file");
    let sinks = sinks::plans((section.stdout, section.postgres, section.otlp), base, problems);
    problems.extend(sinks::contradiction(&sinks, section.required));
    let file = file_in(base, section.file, place, "such as `audit.jsonl`", problems)?;
    Some(AuditPlan {
        arguments: match section.arguments {
            ArgumentsSection::None => Arguments::None,
            ArgumentsSection::Keys => Arguments::Keys,
            ArgumentsSection::Values => Arguments::Values,
        },
        durability: match section.durability {
            DurabilitySection::Process => Durability::Process,
            DurabilitySection::Disk => Durability::Disk,
        },
        required: section.required,
        rotation,
        sinks,
        ..AuditPlan::new(file)
    })
}

fn rotation(section: &AuditSection, problems: &mut Vec<Diagnostic>) -> Rotation {
    let place = Pointer::root().join("audit");
    let (size, every) = section.rotate.as_ref().map_or((None, None), |rotate| (rotate.size, rotate.every));
    for (key, said) in [("keep", section.keep.is_some()), ("keep_files", section.keep_files.is_some())] {
        if said && size.is_none() && every.is_none() {
            let message = "without `rotate` there are never any old files";
            let hint = "add rotate = { size = \"100MiB\", every = \"1d\" }";
            problems.push(Diagnostic::error(place.clone().join(key), "out-of-range", message).hint(hint));
        }
    }
    if size.is_some_and(|size| size.0 < limits::AUDIT_ROTATE_BYTES_MIN) {
        let message = format!("must be at least {}", ByteSize(limits::AUDIT_ROTATE_BYTES_MIN));
        let at = place.clone().join("rotate").join("size");
        problems.push(Diagnostic::error(at, "out-of-range", message).hint("such as `100MiB`"));
    }
    if section.keep_files == Some(0) {
        let message = "must be at least 1";
        let hint = "the file that was rotated last is always kept";
        problems.push(Diagnostic::error(place.clone().join("keep_files"), "out-of-range", message).hint(hint));
    }
    let mut wait = |wait: Option<HumanDuration>, at: Pointer| wait.map(|wait| positive(wait.0, at, problems));
    Rotation {
        size_bytes: size.map(|size| size.0),
        every: wait(every, place.clone().join("rotate").join("every")),
        keep: wait(section.keep, place.join("keep")),
        keep_files: section.keep_files,
    }
}
