//! A listener with a certificate, as its operator and another's client meet it.

use std::process::Command;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use super::{Ended, Folder};
use crate::harness::server::{Portwright, serve};

const CONFIG: &str =
    "[listen]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n[resources.\"notes://a\"]\ntext = \"Here.\"\n";

/// Asks for a page as Python's own HTTPS client does, which knows the certificate of this file only.
const CLIENT: &str = "import http.client, ssl, sys
trust = ssl.create_default_context(cafile=sys.argv[1])
client = http.client.HTTPSConnection('localhost', int(sys.argv[2]), context=trust, timeout=30)
client.request('GET', '/health')
answer = client.getresponse()
print(client.sock.version(), answer.status, answer.read().decode())
";

fn certify(folder: &Folder, change: impl FnOnce(&mut CertificateParams)) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("signed");
    std::fs::write(folder.file("cert.pem"), certificate.pem()).expect("written");
    std::fs::write(folder.file("key.pem"), key.serialize_pem()).expect("written");
    let private = Command::new("chmod").arg("600").arg(folder.file("key.pem")).status();
    assert!(private.is_ok_and(|status| status.success()));
}

#[test]
fn another_ones_client_reads_the_health_over_tls() {
    let folder = Folder::with(CONFIG);
    certify(&folder, |_| ());
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    assert!(server.errors().contains(&format!("https://{}/mcp", server.address)), "{}", server.errors());
    let port = server.address.port().to_string();
    let asked = Command::new("python3").args(["-c", CLIENT]).arg(folder.file("cert.pem")).arg(&port).output();
    let asked = asked.expect("python3 runs");
    let (said, errors) = (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    assert!(said.starts_with("TLSv1.3 200 {"), "{said}{errors}{}", server.errors());
}

#[test]
fn our_own_client_speaks_over_tls_on_every_transport_to_whom_it_trusts() {
    let folder = Folder::with(CONFIG);
    certify(&folder, |_| ());
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let port = server.address.port();
    for url in ["https://localhost:{}/mcp", "https://localhost:{}/sse", "wss://localhost:{}/ws"] {
        let url = url.replace("{}", &port.to_string());
        let read = |trusted: bool| {
            let mut command = folder.command(["read", "--url", &url, "notes://a"]);
            command.env_remove("SSL_CERT_DIR");
            if trusted {
                command.env("SSL_CERT_FILE", folder.file("cert.pem"));
            }
            Ended::of(command.output().expect("the binary runs"))
        };
        let told = read(true);
        assert!(told.code == 0 && told.out.contains("Here."), "{url}: {}{}", told.out, told.errors);
        let stranger = read(false);
        assert!(stranger.code != 0 && !stranger.out.contains("Here."), "{url}: a certificate that nobody vouches for");
    }
}

#[test]
fn check_tells_what_is_wrong_with_a_certificate() {
    let folder = Folder::with(CONFIG);
    let checked = |code: i32| {
        let ended = folder.run(&["check", "--json"]);
        assert_eq!(ended.code, code, "{}", ended.out);
        let report: Value = serde_json::from_str(&ended.out).expect("JSON");
        report["problems"]
            .as_array()
            .expect("problems")
            .iter()
            .map(|one| one["rule"].as_str().unwrap_or("").to_owned())
            .collect()
    };
    let none: Vec<String> = checked(5);
    assert_eq!(none, ["bad-certificate"]);
    assert_eq!(folder.run(&["check", "--offline"]).code, 0);
    certify(&folder, |params| params.not_after = date_time_ymd(2021, 1, 1));
    let old: Vec<String> = checked(5);
    assert_eq!(old, ["expired"]);
    certify(&folder, |_| ());
    let fine: Vec<String> = checked(0);
    assert!(fine.is_empty(), "{fine:?}");
    assert!(Command::new("chmod").arg("644").arg(folder.file("key.pem")).status().is_ok_and(|status| status.success()));
    let open: Vec<String> = checked(0);
    assert_eq!(open, ["open-key"]);
}
