//! [`SqlSource`]: a database as a source.

use std::sync::Arc;

use portwright_core::{Health, Source, async_trait};

use super::config::SqlPlan;
use super::database::Database;

/// A database as a source: declared tools, own tools, live schema.
#[derive(Debug)]
pub struct SqlSource<D: Database> {
    database: Arc<D>,
    plan: SqlPlan,
}

impl<D: Database> SqlSource<D> {
    /// Asks the database about each declared statement, and is then ready to serve. A statement that the database
    /// refuses is left out and asked about again later; it is no reason to fail.
    pub async fn open(database: Arc<D>, plan: SqlPlan) -> Arc<Self> {
        Arc::new(Self { database, plan })
    }
}

#[async_trait]
impl<D: Database> Source for SqlSource<D> {
    async fn health(&self) -> Health {
        self.database.health().await
    }
}
