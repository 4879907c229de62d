//! [`Shop`]: a small shop in a database, and the configuration that serves it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::postgres::Postgres;

/// Customers in the shop; the first is Ada Lovelace. Six times crossed with themselves, they are a slow report.
pub(crate) const CUSTOMERS: usize = 40;

/// A configuration with the database that it serves and the audit that it writes.
#[derive(Debug)]
pub(crate) struct Shop {
    folder: TempDir,
    database: Database,
}

#[derive(Debug)]
enum Database {
    Sqlite,
    Postgres(Box<Postgres>),
    /// A PostgreSQL server of someone else.
    Elsewhere,
}

impl Shop {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.sqlite");
        let connection = rusqlite::Connection::open(&file).expect("a database");
        connection.execute_batch(&data("datetime('now', '-1 day')")).expect("filled");
        let shop = Self { folder, database: Database::Sqlite };
        shop.configure(&format!("kind = \"sqlite\"\npath = {:?}\n", file.display().to_string()), "");
        shop
    }

    pub(crate) fn postgres() -> Self {
        Self::on(Postgres::with(&postgres_data()))
    }

    /// On a server that another shop owns.
    pub(crate) fn elsewhere(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shop = Self { folder, database: Database::Elsewhere };
        shop.configure(&format!("kind = \"postgres\"\nurl = \"{url}\"\n"), "");
        shop
    }

    /// On a server that may be down.
    pub(crate) fn on(postgres: Postgres) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = format!("kind = \"postgres\"\nurl = \"{}\"\n", postgres.url(None));
        let shop = Self { folder, database: Database::Postgres(Box::new(postgres)) };
        shop.configure(&source, "");
        shop
    }

    /// Writes the configuration anew, with more keys for `[sources.shop]` and more tables.
    pub(crate) fn configure(&self, source: &str, more: &str) {
        let text = format!(
            "[server]\nname = \"shop\"\n\n[audit]\nfile = {:?}\nrequired = true\n\n[sources.shop]\n{source}\n{}\n{more}",
            self.audit_file().display().to_string(),
            declarations(!matches!(self.database, Database::Sqlite)),
        );
        std::fs::write(self.config(), text).expect("written");
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("portwright.toml")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> Option<&Postgres> {
        match &self.database {
            Database::Sqlite | Database::Elsewhere => None,
            Database::Postgres(postgres) => Some(postgres),
        }
    }

    pub(crate) fn database_mut(&mut self) -> Option<&mut Postgres> {
        match &mut self.database {
            Database::Sqlite | Database::Elsewhere => None,
            Database::Postgres(postgres) => Some(postgres),
        }
    }

    pub(crate) fn audit_file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// The audit's records so far; a last line that is still being written is left out.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.audit_file()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The records that say how a call ended; a call with effects has one of its intent before.
    pub(crate) fn outcomes(&self) -> Vec<Value> {
        self.audit().into_iter().filter(|record| record["outcome"] != "intent").collect()
    }
}

/// What makes the shop in PostgreSQL.
pub(crate) fn postgres_data() -> String {
    data("now() - interval '1 day'")
}

fn data(yesterday: &str) -> String {
    let mut sql = String::from(
        "CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL);\n\
         CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),\n\
         total numeric(10, 2) NOT NULL, placed_at timestamp NOT NULL);\n",
    );
    for id in 1..=CUSTOMERS {
        let (name, email) = match id {
            1 => ("Ada Lovelace".to_owned(), "ada@shop.example".to_owned()),
            _ => (format!("Customer {id}"), format!("customer{id}@shop.example")),
        };
        let _ = writeln!(sql, "INSERT INTO customers VALUES ({id}, '{name}', '{email}');");
        let _ = writeln!(sql, "INSERT INTO orders VALUES ({id}, {id}, 10.5, {yesterday});");
    }
    sql
}

fn declarations(postgres: bool) -> String {
    let (like, since) = if postgres {
        ("ILIKE", "now() - make_interval(days => :days)")
    } else {
        ("LIKE", "datetime('now', '-' || :days || ' days')")
    };
    format!(
        r#"
[tools.query_customers]
source = "shop"
title = "Find customers"
description = "Search customers by a part of their name or email address. Returns id, name and email."
sql = """
SELECT id, name, email FROM customers
WHERE name {like} '%' || :search_term || '%' OR email {like} '%' || :search_term || '%'
ORDER BY id LIMIT :limit
"""
[tools.query_customers.params]
search_term = {{ type = "string", description = "Part of a name or email address", min_length = 1, max_length = 200 }}
limit = {{ type = "integer", description = "Most rows to return", default = 10, minimum = 1, maximum = 100 }}

[tools.get_order_history]
source = "shop"
description = "The orders of one customer, newest first. Returns id, total and placed_at."
sql = """
SELECT id, total, placed_at FROM orders WHERE customer_id = :customer_id AND placed_at > {since}
ORDER BY placed_at DESC
"""
[tools.get_order_history.params]
customer_id = {{ type = "integer", description = "Customer ID" }}
days = {{ type = "integer", description = "How many days back", default = 30, minimum = 1, maximum = 3650 }}

[tools.million_rows]
source = "shop"
description = "More rows than anyone can read."
sql = "SELECT a.id, b.name, c.email FROM customers a, customers b, customers c, customers d"

[tools.slow_report]
source = "shop"
description = "A report that takes longer than anyone waits."
sql = """
SELECT count(*) AS n FROM customers a, customers b, customers c, customers d, customers e, customers f
WHERE a.name < b.name OR c.name < d.name OR e.email < f.email
"""

[prompts.summarize_customer]
description = "Summarize one customer for a call."
template = "Summarize customer {{{{ customer_id }}}} in two sentences."
[prompts.summarize_customer.arguments]
customer_id = {{ description = "Customer ID", values = ["1", "17", "40"] }}
"#
    )
}
