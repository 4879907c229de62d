//! TLS to a real server, with authorities that are right, wrong or missing.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use super::source::decode;
use super::*;

/// Certificates made for one test: an authority with a server of its own, and another authority.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server, which is another user, must come to them.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), open).unwrap();
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

/// What opening it says; else the cipher of the connection.
async fn opened(url: &str) -> Result<String, String> {
    let source = decode(url, json!({}), &[], &[]).unwrap().connect().await;
    source.map_err(|error| error.to_string())?;
    let database = open(url, Access::ReadOnly, 1).await.unwrap();
    let mut session = database.pool().opener.open().await.unwrap();
    let status: Option<(String, String)> =
        mysql_async::prelude::Queryable::query_first(&mut session.conn, "SHOW STATUS LIKE 'Ssl_cipher'").await.unwrap();
    Ok(status.unwrap().1)
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified_as_the_mode_says() {
    let certificates = Certificates::new();
    let server = Server::start_with(&[
        &format!("--ssl-cert={}", certificates.path("server.pem")),
        &format!("--ssl-key={}", certificates.path("server.key")),
    ]);
    server.sql("mysql", "CREATE USER far@'%' REQUIRE SSL");
    let port = server.port();
    let url = |host: &str, query: &str| format!("mysql://far@{host}:{port}/?{query}");
    let (ca, other) = (certificates.path("ca.pem"), certificates.path("other.pem"));
    for good in [
        url("localhost", &format!("ssl-mode=verify-identity&ssl-ca={ca}")),
        url("localhost", &format!("ssl-ca={ca}")),
        url("127.0.0.1", &format!("ssl-mode=verify-identity&ssl-name=localhost&ssl-ca={ca}")),
        url("127.0.0.1", "ssl-mode=required"),
        url("127.0.0.1", "ssl-mode=preferred"),
        url("127.0.0.1", ""),
    ] {
        let cipher = opened(&good).await;
        assert!(cipher.as_deref().is_ok_and(|cipher| !cipher.is_empty()), "{good}: {cipher:?}");
    }
    for (bad, words) in [
        (url("127.0.0.1", &format!("ssl-mode=verify-identity&ssl-ca={ca}")), "no secure connection"),
        (url("localhost", &format!("ssl-mode=verify-identity&ssl-ca={other}")), "no secure connection"),
        (url("localhost", &format!("ssl-mode=verify-identity&ssl-name=other&ssl-ca={ca}")), "no secure connection"),
        (url("localhost", "ssl-mode=verify-identity"), "no secure connection"),
        (url("localhost", "ssl-mode=disabled"), "refused the user"),
    ] {
        let told = opened(&bad).await;
        assert!(told.as_ref().is_err_and(|told| told.contains(words)), "{bad}: {told:?}");
    }
    // A server without TLS, where TLS is wanted.
    let plain = Fixture::new("");
    let user = plain.user("SELECT");
    for mode in ["required", "verify-identity"] {
        let told = opened(&format!("{}?ssl-mode={mode}", plain.url(&user))).await;
        assert!(told.as_ref().is_err_and(|told| told.contains("no TLS")), "{mode}: {told:?}");
    }
    assert_eq!(opened(&format!("{}?ssl-mode=preferred", plain.url(&user))).await, Ok(String::new()));
}
