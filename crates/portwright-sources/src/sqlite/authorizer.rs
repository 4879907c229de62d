//! What SQLite's compiler may be asked for: an allow-list, judged for each part of each statement as it is prepared,
//! also inside views and triggers.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Whose statement is prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// A caller's or the configuration's, which may read.
    Reader = 0,
    /// The same, where it may write.
    Writer = 1,
    /// One of this module's own constants: catalogs, transactions.
    Own = 2,
}

/// The authorizer's side of a connection.
#[derive(Debug, Default)]
pub(super) struct Gate {
    mode: AtomicU8,
    /// What was denied first, in words.
    denied: Mutex<Option<String>>,
}

impl Gate {
    pub(super) fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was denied since the mode was set.
    pub(super) fn denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn judge(&self, asked: AuthContext<'_>) -> Authorization {
        let verdict = match self.mode.load(Ordering::Relaxed) {
            mode if mode == Mode::Own as u8 => own(asked.action),
            mode if mode == Mode::Writer as u8 => write(asked.action),
            _ => read(asked.action),
        };
        match verdict {
            Ok(()) => Authorization::Allow,
            Err(words) => {
                self.denied.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(words);
                Authorization::Deny
            }
        }
    }
}

/// What this module's own statements do: read catalogs, open virtual tables, begin and end transactions.
fn own(action: AuthAction<'_>) -> Result<(), String> {
    match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } | AuthAction::Unknown { .. } => Err("this".into()),
        _ => Ok(()),
    }
}

fn read(action: AuthAction<'_>) -> Result<(), String> {
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => Ok(()),
        AuthAction::Function { function_name } => function(function_name),
        // Full-text tables ask for it when they are read.
        AuthAction::Pragma { pragma_name, pragma_value: None } if pragma_name.eq_ignore_ascii_case("data_version") => {
            Ok(())
        }
        other => Err(words(other)),
    }
}

fn write(action: AuthAction<'_>) -> Result<(), String> {
    match action {
        AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::DropVtable { .. }
        | AuthAction::Reindex { .. }
        | AuthAction::Analyze { .. } => Ok(()),
        AuthAction::CreateVtable { module_name, .. } if MODULES.iter().any(|m| module_name.eq_ignore_ascii_case(m)) => {
            Ok(())
        }
        other => read(other),
    }
}

fn function(name: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    if FUNCTIONS.binary_search(&lower.as_str()).is_ok() {
        Ok(())
    } else {
        Err(format!("the function {name}() is not available here"))
    }
}

/// What a statement that would write gets to hear.
pub(super) const READ_ONLY: &str =
    "this source is read-only; only statements that read (SELECT, WITH … SELECT, VALUES) run";

/// What was asked for, in words that say what works instead.
fn words(action: AuthAction<'_>) -> String {
    match action {
        AuthAction::Pragma { pragma_name, .. } => {
            format!("PRAGMA {pragma_name} is not available here; describe_table and list_tables tell about the schema")
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => "other databases can't be attached".into(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            "transactions are begun and ended by the server: each call is one".into()
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempTrigger { .. }
        | AuthAction::DropTempView { .. } => {
            "temporary objects are not available; use WITH … AS (…) in one statement".into()
        }
        AuthAction::CreateVtable { module_name, .. } => {
            format!("tables of the module {module_name} can't be made here")
        }
        _ => READ_ONLY.into(),
    }
}

/// Modules of virtual tables that keep their data in this database.
const MODULES: &[&str] = &["fts3", "fts4", "fts5", "rtree", "rtree_i32"];

/// Every function that a statement may call, in order. What is not here does not run: functions that load code, reach
/// files, or change how the connection works.
pub(super) const FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "bm25",
    "ceil",
    "ceiling",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "fts5_get_locale",
    "fts5_insttoken",
    "fts5_locale",
    "fts5_source_id",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_insert",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_array_insert",
    "jsonb_each",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_patch",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    "jsonb_tree",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "match",
    "matchinfo",
    "max",
    "median",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "offsets",
    "percent_rank",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "randomblob",
    "rank",
    "regexp",
    "replace",
    "round",
    "row_number",
    "rtreecheck",
    "rtreedepth",
    "rtreenode",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "snippet",
    "soundex",
    "sqlite_compileoption_get",
    "sqlite_compileoption_used",
    "sqlite_source_id",
    "sqlite_version",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "subtype",
    "sum",
    "tan",
    "tanh",
    "time",
    "timediff",
    "total",
    "total_changes",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unistr",
    "unistr_quote",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
];
