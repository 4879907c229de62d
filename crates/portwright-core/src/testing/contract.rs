//! The contract that every source keeps, whatever it stands for.

mod calls;
mod lists;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::context::Context;
use crate::limits;
use crate::protocol::JsonObject;
use crate::source::Source;

/// A promise that a source broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPromise {
    /// Which one, in a few words that stay the same.
    pub promise: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.seen)
    }
}

/// Everything that `source` does against the contract, as far as its lists and wrong names tell. [`Contract`] goes
/// further when it is told which calls work.
pub async fn holds(source: Arc<dyn Source>) -> Vec<BrokenPromise> {
    Contract::of(source).check().await
}

/// The contract suite, told what a source can do.
pub struct Contract {
    source: Arc<dyn Source>,
    context: Box<dyn Fn() -> Context + Send + Sync>,
    works: Vec<(String, JsonObject)>,
    slow: Option<(String, JsonObject)>,
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Contract {
    /// For a source of which nothing more is known than its lists.
    pub fn of(source: Arc<dyn Source>) -> Self {
        Self { source, context: Box::new(super::context), works: Vec::new(), slow: None }
    }

    /// Every call is made in a context of this making.
    #[must_use]
    pub fn within(mut self, context: impl Fn() -> Context + Send + Sync + 'static) -> Self {
        self.context = Box::new(context);
        self
    }

    /// A call that works, and works again.
    #[must_use]
    pub fn works(mut self, tool: &str, arguments: JsonObject) -> Self {
        self.works.push((tool.to_owned(), arguments));
        self
    }

    /// A call that would take longer than [`limits::STOP_WAIT`] if nobody cancelled it.
    #[must_use]
    pub fn slow(mut self, tool: &str, arguments: JsonObject) -> Self {
        self.slow = Some((tool.to_owned(), arguments));
        self
    }

    /// Runs the suite. An empty list means that every promise holds.
    pub async fn check(&self) -> Vec<BrokenPromise> {
        let mut broken = Broken::default();
        let before = lists::Lists::of(&*self.source);
        let version = self.version();
        before.check(&mut broken);
        calls::unknown_names(self, &mut broken).await;
        calls::listed_resources(self, &before, &mut broken).await;
        calls::completions(self, &before, &mut broken).await;
        calls::working_calls(self, &before, &mut broken).await;
        calls::cancellation(self, &mut broken).await;
        calls::health(self, &mut broken).await;
        let silent = self.version() == version;
        broken.unless(
            !silent || lists::Lists::of(&*self.source) == before,
            "lists change only when changes says so",
            || "the lists differ, and changes was silent".to_owned(),
        );
        broken.0
    }

    fn version(&self) -> Option<u64> {
        self.source.changes().map(|watch| *watch.borrow())
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Broken(Vec<BrokenPromise>);

impl Broken {
    fn unless(&mut self, kept: bool, promise: &'static str, seen: impl FnOnce() -> String) {
        if !kept {
            self.0.push(BrokenPromise { promise, seen: seen() });
        }
    }
}

/// The suite hangs on nothing.
async fn bounded<T>(what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limits::CALL_WAIT, what).await.ok()
}
