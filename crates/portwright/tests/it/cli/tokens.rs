//! A server that takes access tokens: it finds its issuer's keys by itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::Folder;
use crate::harness::server::{Portwright, serve};
use crate::harness::wire::{HttpAnswer, exchange};

/// An issuer on this machine: its metadata and its keys. It ends with the tests.
fn issuer(keys: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")});
    let inactive = json!({"active": false});
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let asked = String::from_utf8_lossy(&request[..read]).into_owned();
            let page = match asked.split(' ').nth(1) {
                Some("/.well-known/openid-configuration") => Some(&metadata),
                Some("/keys") => Some(&keys),
                // Of whom it knows, the issuer says that it never gave such a token.
                Some("/introspect") if asked.contains("cG9ydHdyaWdodDpyaWdodA==") => Some(&inactive),
                _ => None,
            };
            let status = match page {
                Some(_) => "200 OK",
                None if asked.contains("/introspect") => "401 Unauthorized",
                None => "404 Not Found",
            };
            let body = page.map(ToString::to_string).unwrap_or_default();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    issuer
}

fn post(address: SocketAddr, authorization: &str) -> HttpAnswer {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let message = message.to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\nConnection: close\r\n{authorization}Content-Length: {}\r\n\r\n",
        message.len()
    );
    exchange(address, &format!("{head}{message}"))
}

#[test]
fn tokens_and_keys_are_taken_side_by_side() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let secret = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
    let mut jwk = Jwk::from_encoding_key(&secret, Algorithm::ES256).expect("a key");
    jwk.common.key_id = Some("one".to_owned());
    let issuer = issuer(json!({ "keys": [jwk] }));
    let folder = Folder::with(&format!(
        "[listen]\nanonymous = \"never\"\n[auth.keys]\nfile = \"keys.toml\"\n[auth.oauth]\nissuer = \"{issuer}\"\n\
         audience = \"https://mcp.acme.example/mcp\"\n[resources.\"notes://a\"]\ntext = \"Here.\"\n"
    ));
    assert_eq!(folder.run(&["check"]).code, 0, "the issuer is there");
    let key = folder.run(&["keys", "add", "ada"]).out.trim().to_owned();
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let token = |audience: &str| {
        let claims = json!({"iss": issuer, "aud": audience, "sub": "ada", "exp": now + 300});
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &secret).expect("a token")
    };
    let shown = |credential: &str| post(server.address, &format!("Authorization: Bearer {credential}\r\n")).status;
    let good = token("https://mcp.acme.example/mcp");
    assert_eq!(shown(&good), 200, "{}", server.errors());
    assert_eq!(shown(&key), 200);
    assert_eq!(shown(&token("https://other.example")), 401);
    assert_eq!(shown(&format!("{}x", &good[..good.len() - 1])), 401);
    assert_eq!(post(server.address, "").status, 401);
    assert!(!server.errors().contains(&good[..40]), "a token is in the log");
}

#[test]
fn check_says_that_an_issuer_is_away() {
    let config = "[auth.oauth]\nissuer = \"http://127.0.0.1:1\"\naudience = \"https://mcp.acme.example/mcp\"\n\
                  introspection = { url = \"http://127.0.0.1:1/i\", client_id = \"p\", client_secret = \"canary-hunter2\" }\n";
    let folder = Folder::with(config);
    let ended = folder.run(&["check", "--json"]);
    assert_eq!(ended.code, 5, "{}", ended.out);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&report["problems"][0]["rule"], &report["problems"][0]["line"]), (&json!("unreachable"), &json!(2)));
    assert!(!report["problems"][0]["message"].to_string().contains("canary"), "{}", ended.out);
    assert_eq!(folder.run(&["check", "--offline"]).code, 0);
}

#[test]
fn check_asks_the_issuer_whether_it_answers_about_tokens() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let secret = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
    let issuer = issuer(json!({ "keys": [Jwk::from_encoding_key(&secret, Algorithm::ES256).expect("a key")] }));
    let check = |path: &str, password: &str| {
        let folder = Folder::with(&format!(
            "[auth.oauth]\nissuer = \"{issuer}\"\naudience = \"https://mcp.acme.example/mcp\"\n\
             introspection = {{ url = \"{issuer}{path}\", client_id = \"portwright\", client_secret = \"${{env:HOME_SECRET}}\" }}\n"
        ));
        let mut command = folder.command(["check", "--json"]);
        super::Ended::of(command.env("HOME_SECRET", password).output().expect("the binary runs"))
    };
    assert_eq!(check("/introspect", "right").code, 0);
    for (path, password, words) in [
        ("/introspect", "canary-wrong", "refuses this client_id and client_secret"),
        ("/nothing", "right", "status 404"),
    ] {
        let ended = check(path, password);
        assert_eq!(ended.code, 5, "{}", ended.out);
        let report: Value = serde_json::from_str(&ended.out).expect("JSON");
        let problem = &report["problems"][0];
        assert_eq!((&problem["rule"], &problem["line"]), (&json!("unreachable"), &json!(4)), "{problem}");
        assert!(problem["message"].as_str().is_some_and(|text| text.contains(words)), "{problem}");
        assert!(!ended.out.contains("canary") && !ended.errors.contains("canary"));
    }
}
