//! The words and the contracts of Portwright.
//!
//! This crate is for people who write sources and guards. It opens no socket and no file, and it knows neither a
//! server nor a single source. Read it in this order:
//!
//! 1. [`call`]: one operation of a client ([`Call`]) and its answer ([`Reply`]).
//! 2. [`context`]: what is known around a call: who calls, over which transport, until when.
//! 3. [`refusal`]: why there is no reply, in words for the caller and words for the log.
//! 4. [`source`]: the owner of tools, resources and prompts, and how it comes out of the configuration.
//! 5. [`guard`]: one step of the chain that every call passes on its way to a source.
//! 6. [`downstream`]: what a source may say to the client while it works, and ask it.
//! 7. [`task`]: calls that go on after their client was answered.
//!
//! The protocol's own types are those of the official SDK, re-exported by [`protocol`].

pub mod call;
pub mod clock;
pub mod context;
pub mod diagnostic;
pub mod downstream;
pub mod guard;
pub mod human;
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
pub mod waiting;

pub use async_trait::async_trait;
pub use call::{Call, CheckArguments, Effects, Operation, Reply, Target};
pub use clock::{Clock, SystemClock};
pub use context::{Context, ReadResource, Trail, TransportKind};
pub use diagnostic::{Diagnostic, Pointer, Severity};
pub use downstream::{Answer, Downstream, InputRequired, LogLevel, Question, QuestionKind, Root, Sampled, Silent};
pub use guard::{Endpoint, Guard, Next};
pub use human::{ByteSize, HumanDuration};
pub use principal::{Auth, Principal};
pub use refusal::{Refusal, RefusalKind};
pub use secret::Secret;
pub use source::{ConnectError, Declared, Health, Source, SourceConfig, SourceKind, SourceSpec};
pub use task::{Background, Begun, TASKS_EXTENSION, TaskSupport};
pub use template::UriTemplate;
pub use waiting::{Wait, Waiting};
