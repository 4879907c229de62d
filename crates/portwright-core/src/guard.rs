//! [`Guard`]: one step of the chain that every call passes.
//!
//! A guard may refuse, let the call go on by [`Next::run`], and look at (or change) what comes back. It sees only the
//! call and its context, never bytes, so it works alike on every transport. A guard that cannot decide refuses.
//!
//! ```
//! use portwright_core::{Call, Context, Effects, Guard, Next, Refusal, Reply, async_trait};
//!
//! /// Lets nobody write who did not show a credential.
//! #[derive(Debug)]
//! struct Signed;
//!
//! #[async_trait]
//! impl Guard for Signed {
//!     fn name(&self) -> &'static str {
//!         "signed"
//!     }
//!
//!     async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
//!         let writes = call.target.as_ref().is_some_and(|target| target.effects != Effects::None);
//!         let known = cx.principal().is_some_and(|who| who.auth != portwright_core::Auth::Anonymous);
//!         if writes && !known {
//!             // Forbidden and unknown read the same.
//!             return Err(call.operation.not_found());
//!         }
//!         next.run(call, cx).await
//!     }
//! }
//! ```
//!
//! # Its place
//!
//! The server's own guards stand in an order that is fixed in its code: telemetry, audit, the fence against panics, the
//! deadline, who calls, how often, what they may do, whether arguments fit their schema, and the record of an intent.
//! Guards of one's own stand between what callers may do and whether arguments fit:
//!
//! - the principal is known; the arguments are *not* checked yet, so anything may stand there;
//! - what they change in a call is still held against the schema;
//! - a refusal is recorded, with the guard's name as the rule; a panic is a refusal without words; one that never
//!   decides is ended with the call's deadline;
//! - lists are not calls: a guard does not hide a tool, it refuses calls of it.
//!
//! [`Next::run`] is for once. A guard that runs the rest twice does the work twice.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::{Call, Reply};
use crate::context::Context;
use crate::refusal::Refusal;

/// One step of the chain.
#[async_trait]
pub trait Guard: Send + Sync {
    /// A short lower-case word, for logs and metrics.
    fn name(&self) -> &'static str;

    /// Judges the call. What stands before `next.run` sees the call on its way in, what stands after it the reply.
    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal>;
}

/// The end of the chain: what hands the call to its source.
#[async_trait]
pub trait Endpoint: Send + Sync {
    /// Hands the call over. Whoever comes here has passed every guard.
    async fn reach(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal>;
}

/// The rest of the chain.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    rest: &'a [Arc<dyn Guard>],
    end: &'a dyn Endpoint,
}

impl<'a> Next<'a> {
    /// A chain of `guards`, outermost first, before `end`.
    pub fn new(guards: &'a [Arc<dyn Guard>], end: &'a dyn Endpoint) -> Self {
        Self { rest: guards, end }
    }

    /// Lets the call go on.
    pub async fn run(self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        match self.rest.split_first() {
            Some((guard, rest)) => guard.check(call, cx, Next { rest, end: self.end }).await,
            None => self.end.reach(call, cx).await,
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rest.iter().map(|guard| guard.name())).finish()
    }
}
