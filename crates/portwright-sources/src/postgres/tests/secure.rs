//! TLS to a real server, with authorities that are right, wrong or missing.

use std::fs;

use portwright_core::{Declared, SourceKind as _, SourceSpec};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use super::*;
use crate::postgres::Postgres;

/// Certificates made for one test: an authority with a server of its own, and another authority.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, pem: String| fs::write(folder.path().join(name), pem).unwrap();
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            write(&format!("{name}.pem"), params.self_signed(&key).unwrap().pem());
            Issuer::new(params, key)
        };
        let (issuer, _other) = (authority("ca"), authority("other"));
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        write("server.pem", params.signed_by(&key, &issuer).unwrap().pem());
        write("server.key", key.serialize_pem());
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

fn spec(url: &str) -> SourceSpec {
    let table = json!({"url": url}).as_object().unwrap().clone();
    SourceSpec { name: "test".into(), table, tools: Vec::new(), resources: Vec::new(), base: "/".into() }
}

/// What opening it says.
async fn opened(url: &str) -> Result<(), String> {
    let config = Postgres.decode(spec(url)).map_err(|problems| format!("{problems:?}"))?;
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    config.connect().await.map(drop).map_err(|error| {
        let cause = std::error::Error::source(&error).map(super::super::pool::chain).unwrap_or_default();
        assert!(!cause.contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{cause}");
        error.to_string()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified_as_the_mode_says() {
    let certificates = Certificates::new();
    let server =
        Server::start_with(&["ssl = on", "ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'"], |data| {
            for name in ["server.pem", "server.key"] {
                fs::copy(certificates.path(name), data.join(name)).unwrap();
            }
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(data.join("server.key"), mode).unwrap();
        });
    let port = server.port();
    let url = |host: &str, query: &str| format!("postgres://postgres@{host}:{port}/postgres?{query}");
    let (ca, other, own) =
        (certificates.path("ca.pem"), certificates.path("other.pem"), certificates.path("server.pem"));
    for good in [
        url("localhost", &format!("sslmode=verify-full&sslrootcert={ca}")),
        url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ca}")),
        url("localhost", &format!("sslmode=verify-full&sslrootcert={own}")),
        url("127.0.0.1", "sslmode=require"),
        url("127.0.0.1", "sslmode=prefer"),
        url("127.0.0.1", ""),
        url("127.0.0.1", "sslmode=disable"),
    ] {
        assert_eq!(opened(&good).await, Ok(()), "{good}");
    }
    for bad in [
        url("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ca}")),
        url("localhost", &format!("sslmode=verify-full&sslrootcert={other}")),
        url("localhost", &format!("sslmode=verify-ca&sslrootcert={other}")),
        url("localhost", &format!("sslmode=require&sslrootcert={other}")),
        url("localhost", "sslmode=verify-full"),
    ] {
        let error = opened(&bad).await.unwrap_err();
        assert!(error.contains("certificate"), "{bad}: {error}");
    }
    let missing = opened(&url("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem")).await.unwrap_err();
    assert!(missing.contains("/nowhere.pem"), "{missing}");
    let database =
        open(&url("localhost", &format!("sslmode=verify-full&sslrootcert={ca}")), Access::ReadOnly, 1).await.unwrap();
    let encrypted =
        database.run(declared("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]), &cx()).await;
    assert_eq!(encrypted.unwrap().rows, [[json!(true)]]);
    // Flights go over TLS as well.
    for number in 1..=3 {
        let flown = database.run(declared("SELECT $1::int", &[json!(number)]), &cx()).await;
        assert_eq!(flown.unwrap().rows, [[json!(number)]]);
    }
    let named = "SELECT count(*) > 3 FROM pg_prepared_statements WHERE name LIKE 'portwright\\_%'";
    assert_eq!(database.run(declared(named, &[]), &cx()).await.unwrap().rows, [[json!(true)]]);
    // Bounds and cancelling hold over TLS as well.
    let large = ask(&database, "SELECT repeat('x', 100000000)").await.unwrap_err();
    assert!(large.to_string().contains("larger than 16 MiB"), "{large:?}");
    let short = Query {
        timeout: Duration::from_millis(300),
        ..query("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b", &[])
    };
    assert!(matches!(database.run(short, &cx()).await, Err(SqlError::TimedOut(_))));
    assert_eq!(one(&database, "SELECT 1").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let fixture = Fixture::new("");
    let url = fixture.url("postgres");
    assert!(opened(&format!("{url}?sslmode=require")).await.unwrap_err().contains("TLS"));
    assert_eq!(opened(&url).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_neither_secrets_nor_places() {
    let server = Server::start_with(&["password_encryption = 'scram-sha-256'"], |data| {
        let rules =
            "local all all trust\nhost all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
    });
    server.sql("postgres", "CREATE ROLE locked LOGIN PASSWORD 'right'");
    let port = server.port();
    let wrong = opened(&format!("postgres://locked:hunter2@127.0.0.1:{port}/postgres")).await.unwrap_err();
    assert_eq!(wrong, "the server refused the user or the password of the URL");
    assert_eq!(opened(&format!("postgres://locked:right@127.0.0.1:{port}/postgres")).await, Ok(()));
    let absent = opened(&format!("postgres://locked:right@127.0.0.1:{port}/nowhere")).await.unwrap_err();
    assert_eq!(absent, "the server has no such database");
    drop(server);
    let down = opened(&format!("postgres://locked:hunter2@127.0.0.1:{port}/postgres")).await.unwrap_err();
    assert_eq!(down, "nothing answers at the host and port of the URL");
}

#[test]
fn what_the_guard_refuses_is_told_without_a_server() {
    let mut spec = spec("postgres://u@h/d");
    let tool = |name: &str, sql: &str, params: Value| Declared {
        name: name.to_owned(),
        table: json!({"description": "x", "sql": sql, "params": params}).as_object().cloned().unwrap(),
        place: Pointer::root().join("tools").join(name),
    };
    let id = json!({"id": {"type": "integer", "description": "x"}});
    spec.tools = vec![
        tool("drops", "DROP TABLE t", json!({})),
        tool("reads", "SELECT mine(a) FROM t WHERE id = :id", id.clone()),
        tool("sleeps", "SELECT :id,\n  pg_sleep(1)", id),
    ];
    let problems = Postgres.decode(spec).unwrap_err();
    let told: Vec<_> = problems.iter().map(|told| (told.rule, told.place.as_str(), told.message.as_str())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(matches!(told[0], ("refused-sql", "/tools/drops/sql", words) if words.contains("only SELECT")), "{told:?}");
    assert!(matches!(told[1], (_, "/tools/sleeps/sql", words) if words.contains("line 2, column 3")), "{told:?}");
}

#[test]
fn everything_wrong_with_the_table_is_told_at_once() {
    let mut spec = spec("postgres://u:hunter2@h/d?sslmode=sometimes");
    spec.table.insert("functions".into(), json!(["[a"]));
    spec.table.insert("acess".into(), json!("read-only"));
    let problems = Postgres.decode(spec).unwrap_err();
    let shown = format!("{problems:?}");
    assert!(
        shown.contains("sslmode") && shown.contains("/sources/test/functions/0") && shown.contains("acess"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}
