//! TLS on the listener: with real certificates, over real sockets.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_server::guard::policy::{Pattern, RolePlan};
use portwright_server::{Anonymous, ClientCertificates, ClientRoles, Pair, ServerPlan, TlsPlan};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{PATIENCE, modern};
use crate::support::{Up, plan, until, up, usual};

/// An authority with a folder for what it signs.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let authority = Self { folder: TempDir::new().expect("a folder"), issuer };
        std::fs::write(authority.file("ca.pem"), authority.issuer.pem()).expect("written");
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate and its key, as `NAME.pem` and `NAME.key`.
    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
        // As authorities write it: the whole first.
        params.distinguished_name = DistinguishedName::new();
        change(&mut params);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        std::fs::write(self.file(&format!("{name}.pem")), certificate.pem()).expect("written");
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).expect("written");
    }

    fn plan(&self, clients: ClientCertificates) -> TlsPlan {
        let mut roles = ClientRoles::default();
        roles.add("CN=agent-*,O=acme", "reader").expect("a pattern");
        roles.add("spiffe://acme.example/*", "reader").expect("a pattern");
        TlsPlan {
            cert: self.file("server.pem"),
            key: self.file("server.key"),
            client_ca: (clients != ClientCertificates::Off).then(|| self.file("ca.pem")),
            client_certificates: clients,
            crl: None,
            clients: roles,
        }
    }

    fn connector(&self, client: Option<&str>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = CertificateDer::from_pem_file(self.file(&format!("{name}.pem"))).expect("a certificate");
                let key = PrivateKeyDer::from_pem_file(self.file(&format!("{name}.key"))).expect("a key");
                builder.with_client_auth_cert(vec![chain], key).expect("a pair")
            }
        };
        TlsConnector::from(Arc::new(config))
    }

    /// One request on a connection of its own; what went wrong, if there was no answer.
    async fn ask(&self, address: SocketAddr, client: Option<&str>, request: &str) -> Result<String, std::io::Error> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = self.connector(client).connect(name, stream).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

fn list() -> String {
    let body = modern(1, "tools/list", json!({})).to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn served(tls: TlsPlan, change: impl FnOnce(&mut ServerPlan)) -> Up {
    let mut plan = plan();
    plan.listen.tls = Some(tls);
    change(&mut plan);
    up(&usual(plan).await.0).await
}

fn names(answer: &str) -> Vec<String> {
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"));
    let tools = answer["result"]["tools"].as_array().expect("tools").iter();
    tools.map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn calls_come_over_tls_and_plain_ones_are_told_so() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    let up = served(authority.plan(ClientCertificates::Off), |_| ()).await;
    let answer = authority.ask(up.address, None, &list()).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && names(&answer).contains(&"say".to_owned()), "{answer}");
    let mut plain = TcpStream::connect(up.address).await.expect("connected");
    plain.write_all(list().as_bytes()).await.expect("sent");
    let mut told = String::new();
    let _ = plain.read_to_string(&mut told).await;
    assert!(told.starts_with("HTTP/1.1 400") && told.ends_with("https://"), "{told}");
    // Noise that is neither, and a handshake that is none.
    for noise in [&b"\x00\x01\x02"[..], b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01"] {
        let mut stream = TcpStream::connect(up.address).await.expect("connected");
        stream.write_all(noise).await.expect("sent");
        let mut told = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut told)).await.expect("it is closed");
        assert!(!told.starts_with(b"HTTP"), "{told:?}");
    }
    assert!(authority.ask(up.address, None, &list()).await.is_ok(), "it goes on");
}

#[tokio::test]
async fn a_name_in_the_certificate_says_who_calls() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    authority.sign("agent-7", |params| params.distinguished_name.push(DnType::OrganizationName, "acme"));
    authority.sign("visitor", |_| ());
    // The pattern's star stands for no part of a name.
    authority.sign("agent-x", |params| {
        params.distinguished_name.push(DnType::OrganizationName, "acme");
        params.distinguished_name.push(DnType::OrganizationalUnitName, "other");
    });
    authority.sign("workload", |params| {
        params.subject_alt_names.push(SanType::URI("spiffe://acme.example/agent".try_into().expect("a URI")));
    });
    authority.sign("old", |params| {
        params.distinguished_name.push(DnType::OrganizationName, "acme");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    });
    let stranger = Authority::new();
    stranger.sign("agent-7", |params| params.distinguished_name.push(DnType::OrganizationName, "acme"));
    let reader = RolePlan {
        name: "reader".into(),
        allow: vec![Pattern::read("tools:say").expect("a pattern")],
        deny: Vec::new(),
        when: None,
    };
    let up = served(authority.plan(ClientCertificates::Required), |plan| {
        plan.listen.anonymous = Anonymous::Never;
        plan.policy.roles = vec![reader];
    })
    .await;
    for (client, may) in [
        ("agent-7", vec!["say".to_owned()]),
        ("workload", vec!["say".to_owned()]),
        ("visitor", vec![]),
        ("agent-x", vec![]),
    ] {
        let answer = authority.ask(up.address, Some(client), &list()).await.expect("an answer");
        assert_eq!(names(&answer), may, "{client}");
    }
    assert!(authority.ask(up.address, None, &list()).await.is_err(), "without a certificate");
    assert!(authority.ask(up.address, Some("old"), &list()).await.is_err(), "one that has ended");
    // The same name, signed by somebody else.
    for name in ["agent-7.pem", "agent-7.key"] {
        std::fs::copy(stranger.file(name), authority.file(&name.replace("agent-7", "forged"))).expect("copied");
    }
    assert!(authority.ask(up.address, Some("forged"), &list()).await.is_err(), "another authority's");
}

#[tokio::test]
async fn who_shows_no_certificate_may_show_a_key_where_that_may_be() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    authority.sign("agent-7", |_| ());
    let up =
        served(authority.plan(ClientCertificates::Optional), |plan| plan.listen.anonymous = Anonymous::Never).await;
    let without = authority.ask(up.address, None, &list()).await.expect("an answer");
    assert!(without.starts_with("HTTP/1.1 401"), "{without}");
    let with = authority.ask(up.address, Some("agent-7"), &list()).await.expect("an answer");
    assert!(with.starts_with("HTTP/1.1 200"), "{with}");
}

/// The certificate of number 7, for ever.
fn revoked() -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    authority.sign("agent-7", |params| params.serial_number = Some(SerialNumber::from(7)));
    authority.sign("agent-8", |params| params.serial_number = Some(SerialNumber::from(8)));
    let signed = revoked().signed_by(&authority.issuer).expect("signed");
    std::fs::write(authority.file("crl.pem"), signed.pem().expect("PEM")).expect("written");
    let tls = TlsPlan { crl: Some(authority.file("crl.pem")), ..authority.plan(ClientCertificates::Required) };
    let up = served(tls.clone(), |_| ()).await;
    assert!(authority.ask(up.address, Some("agent-7"), &list()).await.is_err());
    assert!(authority.ask(up.address, Some("agent-8"), &list()).await.is_ok());
    // A list that is out of date vouches for nobody.
    let old = CertificateRevocationListParams { next_update: date_time_ymd(2025, 1, 1), ..revoked() };
    let signed = old.signed_by(&authority.issuer).expect("signed");
    std::fs::write(authority.file("crl.pem"), signed.pem().expect("PEM")).expect("written");
    let up = served(tls, |_| ()).await;
    assert!(authority.ask(up.address, Some("agent-8"), &list()).await.is_err());
}

async fn serial(authority: &Authority, address: SocketAddr) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = authority.connector(None).connect(name, stream).await.expect("a handshake");
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    let up = served(authority.plan(ClientCertificates::Off), |_| ()).await;
    let first = serial(&authority, up.address).await;
    let write = |name: &str, text: &str| std::fs::write(authority.file(name), text).expect("written");
    let key = std::fs::read_to_string(authority.file("server.key")).expect("a key");
    authority.sign("other", |_| ());
    write("server.key", &std::fs::read_to_string(authority.file("other.key")).expect("a key"));
    assert!(
        matches!(Pair::read(&authority.plan(ClientCertificates::Off)), Err(error) if error.to_string().contains("belong"))
    );
    // Longer than the server waits between two looks.
    tokio::time::sleep(portwright_core::limits::CERTIFICATE_LOOK_EVERY * 3 / 2).await;
    assert_eq!(serial(&authority, up.address).await, first, "a key that does not fit changes nothing");
    write("server.key", &key);
    authority.sign("server", |_| ());
    until("the new certificate", async || serial(&authority, up.address).await != first).await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_holds_nobody_up() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    let up = served(authority.plan(ClientCertificates::Off), |_| ()).await;
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(up.address).await.expect("connected");
        stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.expect("sent");
        waiting.push(stream);
    }
    let answer = authority.ask(up.address, None, &list()).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut told = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, waiting[0].read_to_end(&mut told)).await;
    assert!(closed.is_ok(), "it is let go");
}

#[tokio::test]
async fn files_that_can_not_be_used_stop_the_start_with_a_word() {
    let authority = Authority::new();
    authority.sign("server", |_| ());
    let said = |tls: &TlsPlan| Pair::read(tls).expect_err("refused").to_string();
    let good = authority.plan(ClientCertificates::Off);
    let missing = |path: &Path| TlsPlan { cert: path.to_owned(), ..good.clone() };
    assert!(said(&missing(&authority.file("none.pem"))).contains("can't be read"));
    assert!(said(&missing(&authority.file("server.key"))).contains("no certificate"));
    assert!(said(&TlsPlan { key: authority.file("server.pem"), ..good.clone() }).contains("no private key"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let mut plan = plan();
    plan.listen.tls = Some(missing(&authority.file("none.pem")));
    let served = usual(plan).await.0.serve_http(listener, tokio_util::sync::CancellationToken::new()).await;
    assert!(served.is_err());
    assert_eq!(Pair::read(&good).expect("a pair").names, ["DNSName(localhost)"]);
}
