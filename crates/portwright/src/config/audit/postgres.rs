//! A table in PostgreSQL as a sink of the audit.
//!
//! A record is its hash, its number, its time, and the JSON as it stands in the file. INSERT is the only right that the
//! role needs; the hash is the key, so a batch that comes twice is stored once.

use std::path::Path;
use std::sync::Arc;

use portwright_core::{Secret, async_trait};
use portwright_server::guard::audit::sink::{Sink, SinkError, Written};
use portwright_sources::postgres::{AppendError, Appender, UrlError};

/// The name of a table, with its schema.
#[derive(Debug)]
pub(super) struct Table(String);

impl Table {
    /// Plain names only: `NAME` or `SCHEMA.NAME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        /// PostgreSQL cuts longer names.
        const NAME_BYTES_MAX: usize = 63;
        let plain = |name: &str| {
            let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            letters && (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.as_bytes()[0].is_ascii_digit()
        };
        let (schema, name) = text.split_once('.').unwrap_or(("public", text));
        (plain(schema) && plain(name)).then(|| Self(format!("\"{schema}\".\"{name}\"")))
    }

    fn creation(&self) -> String {
        let table = &self.0;
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (hash text PRIMARY KEY, seq bigint NOT NULL, \
             ts timestamptz NOT NULL, record json NOT NULL)"
        )
    }

    fn insertion(&self) -> String {
        let table = &self.0;
        // Without a column after CONFLICT, which would take the right to read.
        format!(
            "INSERT INTO {table} (hash, seq, ts, record) \
             SELECT h, s::pg_catalog.int8, t::pg_catalog.timestamptz, r::pg_catalog.json \
             FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]), \
             pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) AS rows (h, s, t, r) ON CONFLICT DO NOTHING"
        )
    }
}

#[derive(Debug)]
pub(super) struct PostgresSink {
    appender: Appender,
    insertion: String,
}

impl PostgresSink {
    /// Connects to nothing yet.
    pub(super) fn new(url: &Secret, base: &Path, table: &Table, create: bool) -> Result<Self, UrlError> {
        let prepare = if create { table.creation() } else { String::new() };
        Ok(Self { appender: Appender::new(url, base, prepare)?, insertion: table.insertion() })
    }
}

#[async_trait]
impl Sink for PostgresSink {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn store(&self, records: &[Arc<Written>]) -> Result<(), SinkError> {
        let column = |value: fn(&Written) -> String| records.iter().map(|record| value(record)).collect::<Vec<_>>();
        let columns = [
            column(|record| record.hash.clone()),
            column(|record| record.seq.to_string()),
            column(|record| jiff::Timestamp::try_from(record.ts).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()),
            column(|record| record.line.clone()),
        ];
        self.appender.append(&self.insertion, &columns).await.map_err(|error| match error {
            AppendError::Values(_) => SinkError::Refused(error.to_string()),
            _ => SinkError::Failed(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::SystemTime;

    use portwright_core::Secret;
    use portwright_server::guard::audit::sink::{Sink, SinkError, Written};
    use portwright_sources::postgres::testing::Server;

    use super::{PostgresSink, Table};

    #[test]
    fn a_table_is_a_plain_name() {
        assert!(Table::parse("ops.audit_2").is_some() && Table::parse("audit").is_some());
        for text in ["", ".", "a.", "1a", "a.b.c", "a;drop", "a\"b", "a b", "ä"] {
            assert!(Table::parse(text).is_none(), "{text}");
        }
    }

    fn sink(server: &Server, role: &str, create: bool) -> PostgresSink {
        let url = Secret::new(server.url(role, "postgres"));
        PostgresSink::new(&url, Path::new("/"), &Table::parse("audit").unwrap(), create).unwrap()
    }

    #[tokio::test]
    async fn whoever_may_only_insert_stores_each_record_once_as_it_was_written() {
        let server = Server::start();
        let hostile = "{\"name\":\"\\u0000'); DROP TABLE audit; --\\ud83d\\ude00 é\",\"n\":1.50}";
        let at = SystemTime::now();
        let record = |seq: u64, line: &str| Arc::new(Written::new(seq, format!("hash-{seq}"), at, line));
        let batch = [record(1, "{\"seq\":1}"), record(2, hostile)];

        server.sql("postgres", "CREATE ROLE auditor LOGIN");
        let auditor = sink(&server, "auditor", false);
        let missing = auditor.store(&batch).await.unwrap_err();
        assert!(matches!(&missing, SinkError::Failed(words) if words.contains("does not exist")), "{missing}");

        sink(&server, "postgres", true).store(&batch[..1]).await.unwrap();
        let denied = auditor.store(&batch).await.unwrap_err();
        assert!(matches!(&denied, SinkError::Failed(words) if words.contains("permission denied")), "{denied}");

        server.sql("postgres", "GRANT INSERT ON audit TO auditor");
        for _ in 0..2 {
            auditor.store(&batch).await.unwrap();
        }
        let stored = server.sql("postgres", "SELECT seq, record FROM audit ORDER BY seq");
        assert_eq!(stored, ["1\t{\"seq\":1}".to_owned(), format!("2\t{hostile}")]);

        let refused = auditor.store(&[record(3, "no JSON")]).await.unwrap_err();
        assert!(matches!(refused, SinkError::Refused(_)), "{refused}");
        auditor.store(&[record(4, "{}")]).await.unwrap();
    }
}
