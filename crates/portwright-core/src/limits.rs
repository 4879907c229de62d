//! Every bound of the system: unit, default, reason. What the plan may change says so.

use std::time::Duration;

mod apis;
mod approvals;
mod asking;
mod audit;
mod brave;
mod dashboard;
mod definitions;
mod files;
mod github;
mod kubernetes;
mod listener;
mod postgres;
mod replicas;
mod store;
mod telemetry;
mod tokens;

pub use apis::*;
pub use approvals::*;
pub use asking::*;
pub use audit::*;
pub use brave::*;
pub use dashboard::*;
pub use definitions::*;
pub use files::*;
pub use github::*;
pub use kubernetes::*;
pub use listener::*;
pub use postgres::*;
pub use replicas::*;
pub use store::*;
pub use telemetry::*;
pub use tokens::*;

/// Bytes of one message from a client, on any transport. Large enough for a pasted document, small enough that a
/// thousand of them fit in memory.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Levels of nesting in a message. serde_json's own bound; deeper input is a stack attack.
pub const MESSAGE_DEPTH_MAX: usize = 128;

/// Bytes of a JSON-RPC id that is a string. It is echoed and logged.
pub const REQUEST_ID_BYTES_MAX: usize = 256;

/// Messages of a batch, where the protocol revision has batches (2025-03-26).
pub const BATCH_MESSAGES_MAX: usize = 32;

/// Bytes of a method, tool or prompt name.
pub const NAME_BYTES_MAX: usize = 256;

/// Bytes of a URI.
pub const URI_BYTES_MAX: usize = 8 * 1024;

/// Entries of one page of a list. Clients page by cursor.
pub const PAGE_ENTRIES: usize = 250;

/// Calls that one session may have in flight.
pub const SESSION_CALLS_MAX: usize = 64;

/// Sessions of the `initialize` lifecycle, and conversations over HTTP+SSE and WebSocket, in all. The session that was
/// idle longest makes room.
pub const SESSIONS_MAX: usize = 10_000;

/// Streams that wait for changes (`subscriptions/listen`, GET), in all.
pub const STREAMS_MAX: usize = 4096;

/// How often an open stream gets a comment, so that proxies keep it, and a WebSocket a ping: one whose client leaves
/// three of them without any sign of life is closed.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a client may take a list for fresh; a change is told at once to those who listen.
pub const LIST_FRESH: Duration = Duration::from_secs(30);

/// Sessions of one principal. One caller can't take them all.
pub const SESSIONS_OF_ONE_MAX: usize = 2_500;

/// How long a session may be idle before it ends. The plan may change it.
pub const SESSION_IDLE: Duration = Duration::from_mins(30);

/// Messages that wait for one slow reader before it is shed.
pub const OUTBOX_MESSAGES_MAX: usize = 64;

/// Events of its event streams that a session keeps for a client that lost one.
pub const REPLAY_EVENTS_MAX: usize = 256;

/// Bytes of those events; an answer that is larger is told once.
pub const REPLAY_BYTES_MAX: usize = 256 * 1024;

/// How long they are kept after a stream's end. Clients reconnect within seconds.
pub const REPLAY_KEPT: Duration = Duration::from_mins(2);

/// How long a client is asked to wait before it takes up a stream that was closed.
pub const STREAM_RETRY: Duration = Duration::from_millis(500);

/// How long the first calls and lists wait for sources that are still opening.
pub const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// How long a source's word on its health is passed on before it is asked again.
pub const HEALTH_TTL: Duration = Duration::from_secs(1);

/// Bytes of a client's name and version in its `clientInfo`; what is longer is left out.
pub const CLIENT_INFO_BYTES_MAX: usize = 4 * 1024;

/// How long a call may take. The plan may change it (`limits.call_timeout`).
pub const CALL_WAIT: Duration = Duration::from_secs(30);

/// Resources that one session or subscription may watch.
pub const WATCHED_MAX: usize = 128;

/// Bytes of the URIs of what one session or subscription watches.
pub const WATCHED_BYTES_MAX: usize = 64 * 1024;

/// Changes that wait for the streams that tell of them. Who falls behind is told that everything changed.
pub const CHANGES_MAX: usize = 256;

/// How long a call may take that goes on as a task. The plan may change it (`limits.task_timeout`).
pub const TASK_WAIT: Duration = Duration::from_mins(30);

/// How long a task is kept for its client, from its beginning. Longer than it may run, so that there is time to fetch
/// the result. The plan may change it (`limits.task_ttl`).
pub const TASK_TTL: Duration = Duration::from_hours(1);

/// How often a client should ask how its task is.
pub const TASK_POLL: Duration = Duration::from_secs(1);

/// Tasks, in all, running or kept. One more is refused, for what is kept was promised.
pub const TASKS_MAX: usize = 2048;

/// Tasks of one principal. One caller can't take them all.
pub const TASKS_OF_ONE_MAX: usize = 128;

/// Bytes of one task's result as JSON.
pub const TASK_RESULT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of the results that are kept, in all.
pub const TASK_RESULTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of the results that are kept of one principal.
pub const TASK_RESULTS_OF_ONE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes of a task's message; what is longer is cut.
pub const TASK_MESSAGE_BYTES_MAX: usize = 512;

/// Tasks that one subscription may follow.
pub const TASKS_FOLLOWED_MAX: usize = 64;

/// Changes of tasks that wait for those who follow them. Who misses some is told of all that they follow.
pub const TASK_CHANGES_MAX: usize = 256;

/// How long a source may take to stop by itself once its call was cancelled or timed out, before the call is dropped:
/// long enough for a database to cancel a statement.
pub const STOP_WAIT: Duration = Duration::from_secs(2);

/// How often it is looked whether the configuration's files changed.
pub const CONFIG_LOOK: Duration = Duration::from_secs(1);

/// Pages of one list of a server behind us.
pub const UPSTREAM_PAGES_MAX: usize = 1_000;

/// Entries of one list of a server behind us.
pub const UPSTREAM_ENTRIES_MAX: usize = 10_000;

/// How often it is looked whether a source that a reload took away still has calls.
pub const RETIRE_LOOK: Duration = Duration::from_millis(100);

/// How long calls that were called off have for their records and answers, once their sources have stopped.
pub const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// How long calls in flight may take to end when the server stops. The plan may change it (`listen.drain`).
pub const DRAIN_WAIT: Duration = Duration::from_secs(30);

/// How long a source may take to open before the attempt counts as failed.
pub const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// The first and the longest pause between attempts to open a source that is down.
pub const RECONNECT_PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// How long a source may take to say how it is.
pub const HEALTH_WAIT: Duration = Duration::from_secs(2);

/// Reads that may be nested within a call: a prompt that embeds a resource is one deep.
pub const NESTED_READS_MAX: u8 = 2;

/// Rows of a query's result. The plan may change it (`max_rows`).
pub const ROWS_MAX: usize = 200;

/// Bytes of a query's rows as JSON. The plan may change it (`max_bytes`).
pub const RESULT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an SQL statement that a model writes.
pub const SQL_BYTES_MAX: usize = 32 * 1024;

/// Tables that one reading of a database's schema returns.
pub const SCHEMA_TABLES_MAX: usize = 1000;

/// Rows of one result that the plan may set at most, so that a slip of the pen is no memory bomb.
pub const ROWS_CEILING: usize = 100_000;
/// Bytes of one result that the plan may set at most.
pub const RESULT_BYTES_CEILING: usize = 64 * 1024 * 1024;
/// Connections to one database that the plan may set at most.
pub const POOL_CEILING: usize = 1000;
/// Parameters of one declared statement.
pub const PARAMS_MAX: usize = 100;

/// The first and the longest pause between attempts to describe a declared statement that the database refused.
pub const DESCRIBE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// How long a statement may run. The plan may change it (`timeout`).
pub const STATEMENT_WAIT: Duration = Duration::from_secs(10);

/// Connections of one database pool. The plan may change it (`pool.max`).
pub const POOL_MAX: usize = 8;

/// How long a call may wait for a connection. The plan may change it (`pool.wait`).
pub const POOL_WAIT: Duration = Duration::from_secs(5);

/// Bytes of a file that is a declared resource.
pub const RESOURCE_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes that a prompt may render to, embedded resources included.
pub const PROMPT_BYTES_MAX: usize = 1024 * 1024;

/// Resources that one prompt may embed.
pub const PROMPT_RESOURCES_MAX: usize = 32;

/// Times that a prompt's template is rendered until it has every resource it asks for. One is enough for a template
/// that asks for none, two for one that always asks for the same.
pub const PROMPT_ROUNDS_MAX: usize = 4;

/// Steps a prompt's template may take (minijinja's fuel).
pub const PROMPT_FUEL: u64 = 100_000;

/// Bytes of a configuration file.
pub const CONFIG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of a file that holds a secret.
pub const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a tool's input schema as JSON. It is compiled once and sent with every list.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// Levels of nesting in a tool's input schema, a reference counting as one more.
pub const SCHEMA_DEPTH_MAX: usize = 64;

/// Bytes of a compiled pattern of an input schema.
pub const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Faults of a call's arguments that one refusal lists.
pub const FAULTS_MAX: usize = 8;

/// Bytes of one prompt argument or completion value.
pub const PROMPT_ARGUMENT_BYTES_MAX: usize = 64 * 1024;

/// Audit records that wait for the writer. A full queue refuses calls when the audit is required.
pub const AUDIT_QUEUE_MAX: usize = 4096;

/// Processes that may share one audit plan, each with a file of its own.
pub const AUDIT_WRITERS_MAX: usize = 64;

/// How long a call may wait for its audit record to be written.
pub const AUDIT_WAIT: Duration = Duration::from_secs(5);

/// Bytes of one value in an audit record or log line; longer ones are cut.
pub const AUDIT_VALUE_BYTES_MAX: usize = 1024;

/// How long the audit waits after a failed write before it tries again.
pub const AUDIT_RETRY: Duration = Duration::from_millis(250);

/// How long the audit waits after a rotation that failed before it tries again; the file grows meanwhile.
pub const AUDIT_ROTATE_RETRY: Duration = Duration::from_mins(1);

/// Bytes of the smallest file that may be rotated by size: fewer would make a file of nearly every record.
pub const AUDIT_ROTATE_BYTES_MIN: u64 = 64 * 1024;

/// Argument names in one audit record, and values in one list of it; the rest is counted.
pub const AUDIT_ENTRIES_MAX: usize = 64;

/// Bytes of all argument values in one audit record; what does not fit is left out.
pub const AUDIT_ARGUMENTS_BYTES_MAX: usize = 16 * 1024;

/// Flags in one audit record.
pub const AUDIT_FLAGS_MAX: usize = 16;

/// Bytes of lines that the audit appends at once. What stands after the head file's record is never more than this.
pub const AUDIT_BATCH_BYTES: usize = 512 * 1024;

/// Levels of nesting of argument values in an audit record.
pub const AUDIT_DEPTH_MAX: usize = 8;

/// Bytes of one line of the audit file. No record of ours comes near it; a longer line is not ours.
pub const AUDIT_LINE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of the file of API keys: some ten thousand keys.
pub const KEY_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often the file of API keys is looked at: a revoked key is known everywhere after this.
pub const KEY_FILE_LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the last use of API keys is written down. It is for people, who can wait.
pub const KEY_USES_NOTE_EVERY: Duration = Duration::from_secs(30);

/// How long our own client waits for a server's greeting. Longer than a package runner's first download of a server
/// would be endless; shorter would miss slow ones.
pub const CLIENT_CONNECT_WAIT: Duration = Duration::from_mins(1);

/// How long our own client waits for an answer.
pub const CLIENT_CALL_WAIT: Duration = Duration::from_mins(2);

/// How long a person may take to agree to a login in their browser.
pub const LOGIN_WAIT: Duration = Duration::from_mins(5);

/// How long a browser may take to ask for the page that it comes back to.
pub const LOGIN_PAGE_WAIT: Duration = Duration::from_secs(5);

/// Bytes of the head of such a request: the code and the browser's own headers.
pub const LOGIN_PAGE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of the configuration file of an MCP client; some keep much else in it.
pub const CLIENT_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of one message that our own client takes from a server over WebSocket. More than any answer ought to have.
pub const CLIENT_MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of text in a reply that are cleaned on the spot; a larger reply is cleaned on a thread that may block. A tenth
/// of a second of work would hold up other calls.
pub const SANITIZE_INLINE_BYTES_MAX: usize = 256 * 1024;

/// Encoded payloads of one text that are decoded and looked at.
pub const PAYLOADS_MAX: usize = 64;

/// Bytes of one encoded payload that are decoded. Orders are short.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024;

/// Rules that a call's record names when its reply looked like an order.
pub const INJECTION_RULES_MAX: usize = 4;

/// Expressions of the plan that redact.
pub const REDACT_PATTERNS_MAX: usize = 32;

/// Bytes of a pattern in a rule of the plan.
pub const RULE_PATTERN_BYTES_MAX: usize = 256;

/// Bytes of a page that the server fetches for itself: keys of an issuer, its metadata.
pub const FETCHED_BYTES_MAX: usize = 256 * 1024;

/// How long such a page may take, with connecting.
pub const FETCH_WAIT: Duration = Duration::from_secs(10);

/// How long a call over its limit may wait for room. Longer than a hiccup, shorter than a client's patience. The plan may
/// change it.
pub const LIMIT_QUEUE_WAIT: Duration = Duration::from_secs(1);

/// The longest such wait that the plan may ask for. Who waits holds memory and a connection.
pub const LIMIT_QUEUE_WAIT_MAX: Duration = Duration::from_mins(1);

/// Calls of one principal that wait for room.
pub const LIMIT_QUEUE_MAX: usize = 64;

/// When a call is told to come again for which there was no place among those that run. Nobody knows when they end.
pub const LIMIT_PLACE_RETRY: Duration = Duration::from_secs(1);

/// How long a debt of result bytes shuts its owner out at most, beyond the time that fills the bucket.
pub const LIMIT_DEBT_WAIT: Duration = Duration::from_hours(1);

/// Principals whose use is kept apart. One account takes some hundred bytes.
pub const LIMIT_ACCOUNTS_MAX: usize = 65_536;

/// Parts of the table of accounts, each with its own lock.
pub const LIMIT_SHARDS: usize = 64;

/// How long after room was looked for in vain in a part of that table it is looked for again.
pub const LIMIT_SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The longest time over which a limit counts.
pub const LIMIT_PER_MAX: Duration = Duration::from_hours(24);

/// Bytes of a trace's state that are handed on. The specification asks for at least as many.
pub const TRACE_STATE_BYTES_MAX: usize = 512;

/// Bytes of an icon's address, which may be the picture itself. It stands in every list.
pub const ICON_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a condition in a rule of the plan.
pub const CONDITION_BYTES_MAX: usize = 1024;

/// Bytes of arguments that a condition looks at. It does not hold for larger ones.
pub const CONDITION_ARGUMENTS_BYTES_MAX: usize = 64 * 1024;

/// Lists that a catalog keeps ready, one for each set of roles that was asked for.
pub const LIST_VIEWS_MAX: usize = 64;
