//! An issuer of access tokens on this machine, and tokens that it did not give out like that.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// What tokens must be meant for.
pub(super) const AUDIENCE: &str = "https://target.example/mcp";

/// Pages of an issuer, and how often anything else was asked for.
pub(super) struct Issuer {
    pub(super) url: String,
    pem: String,
    stray: Arc<AtomicUsize>,
    keys_asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let pem = pair.serialize_pem();
        let secret = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key");
        let mut jwk = Jwk::from_encoding_key(&secret, Algorithm::ES256).expect("a key");
        jwk.common.key_id = Some("one".to_owned());
        let keys = json!({ "keys": [jwk] });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let (stray, keys_asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = (Arc::clone(&stray), Arc::clone(&keys_asked));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or_default();
                let asked = String::from_utf8_lossy(&request[..read]).into_owned();
                let page = match asked.split(' ').nth(1) {
                    Some(path) if path.starts_with("/.well-known/") => metadata.to_string(),
                    Some("/keys") => {
                        counted.1.fetch_add(1, Ordering::Relaxed);
                        keys.to_string()
                    }
                    _ => {
                        counted.0.fetch_add(1, Ordering::Relaxed);
                        keys.to_string()
                    }
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len());
                let _ = stream.write_all(format!("{head}{page}").as_bytes());
            }
        });
        Self { url, pem, stray, keys_asked }
    }

    /// How often something was asked for that only a token names, and how often the keys were.
    pub(super) fn asked(&self) -> (usize, usize) {
        (self.stray.load(Ordering::Relaxed), self.keys_asked.load(Ordering::Relaxed))
    }

    fn claims(&self) -> Value {
        json!({ "iss": self.url, "aud": AUDIENCE, "sub": "mallory", "exp": now() + 300, "roles": ["analyst"] })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let header: Header = serde_json::from_value(header.clone()).expect("a header");
        let secret = EncodingKey::from_ec_pem(self.pem.as_bytes()).expect("a key");
        jsonwebtoken::encode(&header, claims, &secret).expect("a token")
    }
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A token by the name of its forgery; `good` is none.
pub(super) fn forged(issuer: &Issuer, forgery: &str) -> String {
    let mut header = json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" });
    let mut claims = issuer.claims();
    let page = format!("{}/elsewhere", issuer.url);
    match forgery {
        "good" => {}
        "no algorithm" | "No algorithm" => {
            return unsigned(if forgery == "no algorithm" { "none" } else { "nOnE" }, &claims);
        }
        "the public key as a shared secret" => return with_public_key(issuer, &claims),
        "another signer" => {
            return Issuer { url: issuer.url.clone(), ..Issuer::start() }.sign(&header, &claims);
        }
        "a changed claim" => {
            let token = issuer.sign(&header, &claims);
            let (head, rest) = token.split_once('.').expect("three parts");
            claims["roles"] = json!(["admin"]);
            let signature = rest.rsplit('.').next().expect("a signature");
            return format!("{head}.{}.{signature}", encoded(&claims));
        }
        "no signature" => {
            let token = issuer.sign(&header, &claims);
            return token.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).expect("a signature");
        }
        "an unknown key" => header["kid"] = json!("two"),
        "a key that is a path" => header["kid"] = json!("../../../../dev/null"),
        "a key that is SQL" => header["kid"] = json!("' UNION SELECT 'x'--"),
        "keys by address" => (header["kid"], header["jku"]) = (json!("two"), json!(page)),
        "a certificate by address" => (header["kid"], header["x5u"]) = (json!("two"), json!(page)),
        "another audience" => claims["aud"] = json!("https://other.example/mcp"),
        "no audience" => drop(claims.as_object_mut().and_then(|claims| claims.remove("aud"))),
        "an audience that begins alike" => claims["aud"] = json!(format!("{AUDIENCE}.evil.example")),
        "another issuer" => claims["iss"] = json!("https://other.example"),
        "an issuer with a slash more" => claims["iss"] = json!(format!("{}/", issuer.url)),
        "an old token" => claims["exp"] = json!(now() - 3600),
        "a token for ever" => drop(claims.as_object_mut().and_then(|claims| claims.remove("exp"))),
        "a token of tomorrow" => claims["nbf"] = json!(now() + 3600),
        "an ID token" => (header["typ"], claims["nonce"]) = (json!("JWT"), json!("n-0S6_WzA2Mj")),
        "a token of another type" => header["typ"] = json!("logout+jwt"),
        "a huge token" => claims["x"] = json!("x".repeat(10_000)),
        "many claims" => {
            for number in 0..1000 {
                claims[format!("c{number}")] = json!(1);
            }
        }
        other => panic!("{other} is no forgery"),
    }
    issuer.sign(&header, &claims)
}

fn encoded(value: &Value) -> String {
    base64_for_urls(value.to_string().as_bytes())
}

/// Base64 for URLs, without padding.
fn base64_for_urls(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]));
        }
    }
    out
}

fn unsigned(algorithm: &str, claims: &Value) -> String {
    format!("{}.{}.", encoded(&json!({ "alg": algorithm, "typ": "at+jwt" })), encoded(claims))
}

/// Signed with what everybody knows, as if it were a secret that two share.
fn with_public_key(issuer: &Issuer, claims: &Value) -> String {
    let pair = rcgen::KeyPair::from_pem(&issuer.pem).expect("a key");
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let known = EncodingKey::from_secret(rcgen::PublicKeyData::subject_public_key_info(&pair).as_slice());
    jsonwebtoken::encode(&header, claims, &known).expect("a token")
}
