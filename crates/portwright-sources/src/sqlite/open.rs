//! [`Conn`]: one connection with all its walls up.
//!
//! Read-only by several of them, since no single one holds: the file is opened read-only, the authorizer knows a short
//! list of allowed actions, nothing can be attached, no code can be loaded, and every statement has its bounds.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::authorizer::{Gate, Mode};
use super::stop::Stop;
use portwright_core::limits;

/// Bytes of one value, unless the plan allows results that need more. Larger ones can't be read. It bounds what one call
/// of a function can take, since SQLite does not look at the deadline within one: `printf('%.*c', …)` in memory, and
/// `instr`, `trim` and `LIKE` in time, which grows with the square of the length.
pub(super) const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that SQLite may hold in all, over all connections of the process. Some of its functions build their value before
/// they look at its length (`json_group_array`, `json_pretty`), so that one call could otherwise take gigabytes. Sorts and
/// hash tables count: they stay in memory, since the temporary files that they would spill to know no bound.
const HEAP_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Steps of SQLite's machine between two looks at the deadline.
const STEPS_PER_LOOK: i32 = 1000;

/// Statements of the configuration that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;

/// Virtual tables that are opened in advance.
const VIRTUAL_TABLES_MAX: i64 = 100;

/// Which file a connection has open; another one under the same name is another database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path)?;
        Ok(Self(file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        use std::time::SystemTime;
        let created = std::fs::metadata(path)?.created().unwrap_or(SystemTime::UNIX_EPOCH);
        let age = created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self(age.as_secs(), u64::from(age.subsec_nanos())))
    }
}

/// A connection.
pub(super) struct Conn {
    pub(super) db: Connection,
    pub(super) gate: Arc<Gate>,
    pub(super) identity: Identity,
    /// It may write.
    pub(super) writes: bool,
    running: Arc<Mutex<Option<Arc<Stop>>>>,
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conn").field("identity", &self.identity).field("writes", &self.writes).finish_non_exhaustive()
    }
}

/// What is opened, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    /// Absolute, so that SQLite can't take it for a URI.
    pub(super) path: &'a Path,
    pub(super) writes: bool,
    /// Nobody writes to the file, so SQLite needs no locks and no files beside it.
    pub(super) immutable: bool,
    /// Bytes that one value may have.
    pub(super) value_bytes_max: usize,
}

impl Conn {
    pub(super) fn open(opening: Opening<'_>) -> rusqlite::Result<Self> {
        let Opening { path, writes, immutable, value_bytes_max } = opening;
        let cannot_open = |error: std::io::Error| {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
        };
        let identity = Identity::of(path).map_err(cannot_open)?;
        let how = if writes { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
        let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let db = if immutable {
            Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(path, flags)?
        };
        let conn = Self { db, gate: Arc::default(), identity, writes, running: Arc::default() };
        conn.raise_walls(value_bytes_max)
    }

    fn raise_walls(mut self, value_bytes_max: usize) -> rusqlite::Result<Self> {
        let db = &mut self.db;
        for (limit, bound) in [
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_LENGTH, i32::try_from(value_bytes_max).unwrap_or(i32::MAX)),
            // Declared statements and this module's own may be longer than what a model may send.
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 4 * i32::try_from(limits::SQL_BYTES_MAX).unwrap_or(i32::MAX / 4)),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 20),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            db.set_limit(limit, bound)?;
        }
        for (config, value) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
            // A misspelt column in double quotes is an error, not a text.
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        ] {
            db.set_db_config(config, value)?;
        }
        db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        let gate = self.gate.clone();
        gate.set(Mode::Own);
        db.authorizer(Some(move |asked: rusqlite::hooks::AuthContext<'_>| gate.judge(asked)))?;
        db.execute_batch(&format!("PRAGMA hard_heap_limit = {HEAP_BYTES_MAX}; PRAGMA temp_store = MEMORY"))?;
        let running = self.running.clone();
        let must_stop = move || {
            running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|stop| stop.must_stop())
        };
        let asks_again = must_stop.clone();
        db.progress_handler(STEPS_PER_LOOK, Some(must_stop))?;
        db.busy_handler(Some(move |tries: i32| {
            std::thread::sleep(Duration::from_millis(u64::try_from(tries).unwrap_or(0).clamp(1, 20)));
            !asks_again()
        }))?;
        self.open_virtual_tables();
        Ok(self)
    }

    /// Virtual tables prepare statements of their own when they are first used, some of which would write (R-Trees);
    /// that happens here, under this module's own name, and not under a caller's.
    fn open_virtual_tables(&self) {
        let names = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual' LIMIT ?1";
            let mut statement = self.db.prepare(sql)?;
            statement.query_map([VIRTUAL_TABLES_MAX], |row| row.get(0))?.collect()
        };
        for name in names().unwrap_or_default() {
            let quoted = name.replace('"', "\"\"");
            // One whose module is not here fails, and fails again for whoever asks for it.
            let _ = self.db.prepare(&format!("SELECT 1 FROM main.\"{quoted}\" LIMIT 0"));
        }
    }

    /// Puts the next statements under a run's deadline and cancellation.
    pub(super) fn run_under(&self, stop: Option<Arc<Stop>>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }
}

/// A URI by which SQLite opens the file without locks.
fn immutable_uri(path: &Path) -> String {
    let path = path.to_string_lossy();
    let escaped = path.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    format!("file:{}?immutable=1", escaped.collect::<Vec<_>>().concat())
}
