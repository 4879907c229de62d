//! The words and the contracts of Portwright, for people who write sources and guards.
//!
//! Portwright serves databases, files, APIs and other servers over the Model Context Protocol (MCP). Whatever it
//! serves is a *source*, and whatever judges a call on its way is a *guard*. This crate says what the two are. It opens
//! no socket and no file, and knows neither a server nor a single source.
//!
//! # The way of one call
//!
//! ```text
//! client ─▶ transport ─▶ session ─▶ guards ─▶ catalog ─▶ source
//!                                                          │
//! client ◀──── a reply, a refusal, or a word meanwhile ◀───┘
//! ```
//!
//! A client sends `tools/call`. The transport turns bytes into a message, the session knows the protocol's revision, and
//! from there on neither matters: what goes on is a [`Call`], an operation with what its name stands for, beside a
//! [`Context`], which knows who calls, until when, and the way back.
//!
//! The call passes the guards, one inside the other. Each may refuse, and each sees what comes back. The innermost hands
//! it to the catalog, which knows the one source that owns the name, and the source does the work. What comes back is a
//! [`Reply`] or a [`Refusal`]: words for the caller and, apart from them, a cause for the log. While it works, a source
//! may speak to the client through its [`Downstream`].
//!
//! # A source in five lines
//!
//! Most sources are a few functions. [`Tools`] makes one of them; schemas come from the types:
//!
//! ```
//! use portwright_core::{Context, Refusal, Source, Tools};
//!
//! let dice = Tools::new("dice").tool("roll", "Rolls a fair die.", |(): (), _: Context| async {
//!     Ok::<_, Refusal>("4".to_owned())
//! });
//! assert_eq!(dice.tools()[0].name, "roll");
//! ```
//!
//! The crate `portwright` serves it: `App::new("games").source("dice", dice).run()`.
//!
//! # The chapters
//!
//! 1. [`call`]: one operation of a client and its answer.
//! 2. [`context`]: what is known around a call.
//! 3. [`refusal`]: why there is no reply, in two languages.
//! 4. [`tool`]: a source made of functions.
//! 5. [`source`]: the contract itself, and how a source comes out of the configuration.
//! 6. [`downstream`]: what a source may say while it works.
//! 7. [`task`]: calls that go on after their client was answered.
//! 8. [`guard`]: one step of the chain, and what it may do.
//! 9. [`diagnostic`], [`secret`], [`human`], [`icon`]: what a configuration holds, and how its faults are told.
//! 10. `testing` (a feature of that name): the contract every source keeps, as a suite to run.
//!
//! For reference: [`principal`] (who calls), [`fetch`] (pages of other hosts),
//! [`trace`] (traces that began elsewhere), [`limits`] (every bound, with its reason), [`clock`], [`template`]
//! (resources with variables), and [`protocol`], the protocol's own types, which are those of the official SDK.

#![warn(missing_docs)]

pub mod call;
pub mod clock;
pub mod context;
pub mod diagnostic;
pub mod downstream;
pub mod fetch;
pub mod guard;
pub mod human;
pub mod icon;
pub mod limits;
pub mod principal;
pub mod protocol;
pub mod refusal;
pub mod secret;
pub mod source;
pub mod task;
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tool;
pub mod trace;
pub mod waiting;

pub use async_trait::async_trait;
pub use call::{Call, CheckArguments, Effects, Operation, Reply, Target};
pub use clock::{Clock, SystemClock};
pub use context::{Context, ReadResource, Trail, TransportKind};
pub use diagnostic::{Diagnostic, Pointer, Severity};
pub use downstream::{Answer, Downstream, InputRequired, LogLevel, Question, QuestionKind, Root, Sampled, Silent};
pub use fetch::{Fetch, FetchError, FetchRequest, Fetched, Method};
pub use guard::{Endpoint, Guard, Next};
pub use human::{ByteSize, HumanDuration};
pub use icon::IconTable;
pub use principal::{Auth, Principal};
pub use refusal::{Refusal, RefusalKind};
pub use secret::Secret;
pub use source::{Alias, ConnectError, Declared, Health, PoolUse, Source, SourceConfig, SourceKind, SourceSpec};
pub use task::{Background, Begun, TASKS_EXTENSION, TaskSupport};
pub use template::UriTemplate;
pub use tool::{Tools, TypedTool};
pub use trace::{CLIENT_SPAN, TraceContext};
pub use waiting::{Places, Wait, Waiting};
