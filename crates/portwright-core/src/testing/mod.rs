//! For tests of sources and guards: the contract every source keeps, and stand-ins for what stands around one.
//!
//! Nothing here panics: what is wrong comes back as a value, and the test that asked decides.
//!
//! ```
//! use std::sync::Arc;
//! use portwright_core::testing::Contract;
//! use portwright_core::{Context, Refusal, Tools};
//!
//! let dice = Tools::new("dice").tool("roll", "Rolls a fair die.", |(): (), _: Context| async {
//!     Ok::<_, Refusal>("4".to_owned())
//! });
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let broken = Contract::of(Arc::new(dice)).works("roll", Default::default()).check().await;
//! assert!(broken.is_empty(), "{broken:?}");
//! # });
//! ```

mod clock;
mod contract;
mod faulty;
mod recorder;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;

pub use clock::ManualClock;
pub use contract::{BrokenPromise, Contract, holds};
pub use faulty::{Faulty, HIDDEN};
pub use recorder::{Recorder, Said};

use crate::call::{Call, Effects, Operation, Reply, Target};
use crate::context::{Context, TransportKind};
use crate::guard::Endpoint;
use crate::protocol::JsonObject;
use crate::refusal::Refusal;
use crate::source::Source;

/// A context such as a call from within the process has.
pub fn context() -> Context {
    Context::new("test", TransportKind::InProcess)
}

/// A call of `tool` on `source`, as a catalog without renaming would make it. It has no target if there is no such
/// tool, and no check of its arguments.
pub fn call_of(source: &dyn Source, tool: &str, arguments: JsonObject) -> Call {
    let target = source.tools().into_iter().find(|offered| offered.name == tool).map(|offered| {
        Arc::new(Target {
            source: "test".into(),
            name: tool.to_owned(),
            aliases: Vec::new(),
            narrow_aliases: Vec::new(),
            effects: Effects::of(&offered),
            tool: Some(Arc::new(offered)),
            arguments: None,
            tasks: source.task_support(tool),
            drifted: false,
        })
    });
    Call { operation: Operation::CallTool { name: tool.to_owned(), arguments }, target }
}

/// The end of a chain: hands every call to one source.
#[derive(Debug)]
pub struct Direct(pub Arc<dyn Source>);

#[async_trait]
impl Endpoint for Direct {
    async fn reach(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        match &call.operation {
            Operation::CallTool { name, arguments } => self.0.call(name, arguments, cx).await.map(Reply::Tool),
            Operation::ReadResource { uri } => self.0.read(uri, cx).await.map(Reply::Resource),
            Operation::Subscribe { uri } => self.0.subscribe(uri, cx).await.map(|()| Reply::Subscribed),
            Operation::GetPrompt { name, arguments } => self.0.get_prompt(name, arguments, cx).await.map(Reply::Prompt),
            Operation::Complete { reference, argument, context } => {
                self.0.complete(reference, argument, context.as_ref(), cx).await.map(Reply::Completion)
            }
        }
    }
}
