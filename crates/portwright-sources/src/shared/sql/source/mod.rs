//! [`SqlSource`]: a database as a source.

mod calls;
mod completing;

use std::sync::{Arc, PoisonError, RwLock};

use portwright_core::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, JsonObject, ReadResourceResult, Reference,
    Resource, ResourceTemplate, Tool,
};
use portwright_core::{Alias, Context, Diagnostic, Health, PoolUse, Refusal, Source, async_trait, limits};
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::SqlPlan;
use super::database::Database;
use super::offer::{self, Offer};
use super::own::OwnTool;
use super::params::Params;
use crate::shared::own::{self, OwnPlan};

/// A database as a source: declared tools, own tools, live schema.
#[derive(Debug)]
pub struct SqlSource<D: Database> {
    shared: Arc<Shared<D>>,
    /// Ends the task that asks again about statements that were left out.
    _asking: DropGuard,
}

#[derive(Debug)]
struct Shared<D: Database> {
    database: Arc<D>,
    plan: SqlPlan,
    /// The parameters of the own tools, made once.
    own: Vec<(OwnTool, Params)>,
    /// The tools that only this kind of database has.
    more: own::Offer<D>,
    offer: RwLock<Arc<Offer>>,
    changes: watch::Sender<u64>,
    /// Rung when a result did not look as described.
    stale: Notify,
}

impl<D: Database> SqlSource<D> {
    /// Asks the database about each declared statement, and is then ready to serve. A statement that the database
    /// refuses is left out and asked about again later; it is no reason to fail.
    pub async fn open(database: Arc<D>, plan: SqlPlan) -> Arc<Self> {
        let offer = offer::ask(&*database, &plan, None, true).await;
        for (name, _, words) in offer.left_out(&plan) {
            tracing::warn!(source = %plan.name, name, reason = words, "declaration left out");
        }
        let offer = RwLock::new(Arc::new(offer));
        let own = plan.own_tools.iter().map(|tool| (*tool, tool.params(&plan, database.dialect()))).collect();
        let chosen = OwnPlan { access: plan.access, tools: plan.more_tools.clone() };
        let more = D::toolbox().offer(&chosen);
        let (changes, stale) = (watch::Sender::new(0), Notify::new());
        let shared = Arc::new(Shared { database, plan, own, more, offer, changes, stale });
        let asking = CancellationToken::new();
        let ends = asking.clone();
        let task = shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ends.cancelled() => {}
                () = task.keep_asking() => {}
            }
        });
        Arc::new(Self { shared, _asking: asking.drop_guard() })
    }
}

impl<D: Database> Shared<D> {
    fn offer(&self) -> Arc<Offer> {
        self.offer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks again about what was left out, with growing pauses, and about everything when a result was not as
    /// described.
    async fn keep_asking(&self) {
        let (first, longest) = limits::DESCRIBE_PAUSE;
        let mut pause = first;
        loop {
            let all = if self.offer().left_out(&self.plan).next().is_some() {
                tokio::select! {
                    () = self.stale.notified() => true,
                    () = tokio::time::sleep(pause) => false,
                }
            } else {
                pause = first;
                self.stale.notified().await;
                true
            };
            if self.ask_again(all).await {
                pause = first;
            } else {
                pause = (pause * 2).min(longest);
            }
            if all {
                // A source whose results never look as described must not ask without end.
                tokio::time::sleep(first).await;
            }
        }
    }

    /// Whether the lists have changed.
    async fn ask_again(&self, all: bool) -> bool {
        let before = self.offer();
        let now = offer::ask(&*self.database, &self.plan, Some(&before), all).await;
        let changed = !now.lists_as(&before);
        *self.offer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(now);
        if changed {
            tracing::info!(source = %self.plan.name, "declarations changed");
            self.changes.send_modify(|count| *count += 1);
        }
        changed
    }
}

#[async_trait]
impl<D: Database> Source for SqlSource<D> {
    fn tools(&self) -> Vec<Tool> {
        let mut tools = self.shared.offer().tools.clone();
        tools.extend(self.shared.more.tools());
        tools
    }

    fn aliases(&self) -> Vec<Alias> {
        let offered = |name: &str| self.shared.offer().tools.iter().any(|tool| tool.name == name);
        let pair = |(alias, tool): &(&str, OwnTool)| {
            let pairs = OwnTool::renamed(alias).iter().map(|(other, own)| ((*other).to_owned(), (*own).to_owned()));
            let mut alias = Alias::new(*alias, tool.name());
            alias.renamed = pairs.collect();
            alias
        };
        let own = OwnTool::ALIASES.iter().filter(|(_, tool)| offered(tool.name())).map(pair);
        own.chain(self.shared.more.aliases()).collect()
    }

    fn resources(&self) -> Vec<Resource> {
        self.shared.offer().resources.clone()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        self.shared.offer().templates.clone()
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.shared.call(tool, arguments, cx).await
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        self.shared.read(uri, cx).await
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        self.shared.complete(reference, argument, context, cx).await.map(CompleteResult::new)
    }

    async fn health(&self) -> Health {
        let Shared { database, plan, .. } = &*self.shared;
        let offer = self.shared.offer();
        let left_out: Vec<&str> = offer.left_out(plan).map(|(name, ..)| name).collect();
        match database.health().await {
            Health::Ready if !left_out.is_empty() => Health::Degraded(format!(
                "left out, since the database refuses their SQL: {}; `portwright check` tells why",
                left_out.join(", ")
            )),
            health => health,
        }
    }

    async fn inspect(&self) -> Vec<Diagnostic> {
        let Shared { database, plan, .. } = &*self.shared;
        let mut found = self.shared.offer().diagnostics(plan);
        found.extend(database.privileges().await);
        found.extend(plan.advice.iter().cloned());
        found
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.shared.changes.subscribe())
    }

    fn pool(&self) -> Option<PoolUse> {
        self.shared.database.pool_use()
    }

    async fn close(&self) {
        self.shared.database.close().await;
    }
}
