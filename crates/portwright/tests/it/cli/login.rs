//! `portwright login`: a whole login at an authorization server on this machine, with the browser played by the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::Folder;
use crate::harness::server::Portwright;
use crate::harness::wait_for;
use crate::harness::wire::exchange;

/// An authorization server: registration, codes with PKCE, tokens that have to be refreshed at once.
struct Issuer {
    url: String,
    keys: Value,
    secret: EncodingKey,
    audience: String,
    /// What was asked of the token endpoint.
    granted: Mutex<Vec<String>>,
}

impl Issuer {
    fn start(audience: &str) -> Arc<Self> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let secret = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
        let mut jwk = Jwk::from_encoding_key(&secret, Algorithm::ES256).expect("a key");
        jwk.common.key_id = Some("one".to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (keys, audience) = (json!({ "keys": [jwk] }), audience.to_owned());
        let issuer = Arc::new(Self { url, keys, secret, audience, granted: Mutex::default() });
        let serving = issuer.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let asked = read_request(&mut stream);
                let _ = stream.write_all(serving.answer(&asked).as_bytes());
            }
        });
        issuer
    }

    fn token(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let claims = json!({"iss": self.url, "aud": self.audience, "sub": "ada", "exp": now + 300});
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.secret).expect("a token")
    }

    fn answer(&self, asked: &str) -> String {
        let target = asked.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let value = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.unwrap_or_default().replace("%3A", ":").replace("%2F", "/")
        };
        let json = |status: &str, body: &Value| {
            let body = body.to_string();
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        let at = |path: &str| format!("{}{path}", self.url);
        match path {
            "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => json(
                "200 OK",
                &json!({"issuer": self.url, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                    "registration_endpoint": at("/register"), "jwks_uri": at("/keys"), "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code", "refresh_token"],
                    "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["none"]}),
            ),
            "/keys" => json("200 OK", &self.keys),
            "/register" => json("201 Created", &json!({"client_id": "portwright-1", "redirect_uris": []})),
            "/authorize" if value("code_challenge_method") == "S256" && !value("code_challenge").is_empty() => format!(
                "HTTP/1.1 302 Found\r\nlocation: {}?code=canary-code&state={}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                value("redirect_uri"),
                value("state")
            ),
            "/token" => {
                self.granted.lock().expect("no panic").push(asked.rsplit("\r\n").next().unwrap_or_default().to_owned());
                // It is over soon, so that a later command has to refresh it.
                json(
                    "200 OK",
                    &json!({"access_token": self.token(), "token_type": "Bearer", "expires_in": 1,
                        "refresh_token": "canary-refresh"}),
                )
            }
            _ => json("404 Not Found", &json!({})),
        }
    }
}

/// Head and body of a request.
fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap_or_default();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return text;
            }
            continue;
        };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
        let length = length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0);
        if read == 0 || body.len() >= length {
            return text;
        }
    }
}

/// Goes to a page as a browser does; where it leads.
fn visit(url: &str) -> Option<String> {
    let rest = url.strip_prefix("http://").expect("an address on this machine");
    let (host, path) = rest.split_once('/').expect("a path");
    let address: SocketAddr = host.parse().expect("an address");
    let answer = exchange(address, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    answer.header("location").map(str::to_owned)
}

#[test]
fn a_person_logs_in_once_and_the_commands_use_it() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let issuer = Issuer::start(&url);
    let folder = Folder::with(&format!(
        "[listen]\nhttp = \"127.0.0.1:{port}\"\nanonymous = \"never\"\n[auth.oauth]\nissuer = \"{}\"\naudience = \"{url}\"\n\
         [resources.\"notes://a\"]\ntext = \"Here.\"\n",
        issuer.url
    ));
    let server = Portwright::started(folder.command(["serve"]));
    assert_eq!(server.address.port(), port);

    let before = folder.run(&["read", "notes://a", "--url", &url]);
    assert_eq!(before.code, 4, "{}", before.errors);
    assert!(
        before.errors.contains("asks who you are") && before.errors.contains("portwright login"),
        "{}",
        before.errors
    );

    let mut login = folder.command(["login", "--url", &url, "--no-browser"]);
    let mut login = login.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(login.stderr.take().expect("its words")).lines().map_while(Result::ok);
    let page = lines.find(|line| line.starts_with(&issuer.url)).expect("a login page");
    let back = visit(&page).expect("a way back");
    assert!(back.starts_with("http://127.0.0.1:") && back.contains("/callback?"), "{back}");
    assert_eq!(visit(&back), None);
    let rest: Vec<String> = lines.collect();
    assert!(login.wait().expect("it ends").success(), "{rest:?}");
    assert!(!rest.join("\n").contains("canary"), "{rest:?}");

    let read = folder.run(&["read", "notes://a", "--url", &url]);
    assert_eq!((read.code, read.out.as_str()), (0, "Here.\n"), "{}", read.errors);
    // The token is over after a second, and the next command refreshes it.
    let granted = wait_for("a token that was refreshed", || {
        let read = folder.run(&["read", "notes://a", "--url", &url]);
        assert_eq!((read.code, read.out.as_str()), (0, "Here.\n"), "{}", read.errors);
        let granted = issuer.granted.lock().expect("no panic").clone();
        (granted.len() > 1).then_some(granted)
    });
    let [code, refreshed, ..] = granted.as_slice() else { panic!("{granted:?}") };
    assert!(code.contains("code=canary-code") && code.contains("code_verifier="), "{code}");
    assert!(refreshed.contains("grant_type=refresh_token"), "{refreshed}");

    let kept = std::fs::read_dir(folder.file(".config/portwright/logins")).expect("kept").next().expect("a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = kept.expect("an entry").metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(folder.run(&["login", "--url", &url, "--forget"]).code, 0);
    assert_eq!(folder.run(&["read", "notes://a", "--url", &url]).code, 4);
}

#[test]
fn who_comes_back_with_another_state_is_not_let_in() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let issuer = Issuer::start(&url);
    let folder = Folder::with(&format!(
        "[listen]\nhttp = \"127.0.0.1:{port}\"\nanonymous = \"never\"\n[auth.oauth]\nissuer = \"{}\"\naudience = \"{url}\"\n",
        issuer.url
    ));
    let _server = Portwright::started(folder.command(["serve"]));
    let mut login = folder.command(["login", "--url", &url, "--no-browser"]);
    let mut login = login.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(login.stderr.take().expect("its words")).lines().map_while(Result::ok);
    let page = lines.find(|line| line.starts_with(&issuer.url)).expect("a login page");
    let back = visit(&page).expect("a way back");
    let (before, _) = back.split_once("state=").expect("a state");
    visit(&format!("{before}state=forged"));
    assert!(!login.wait().expect("it ends").success());
    assert!(issuer.granted.lock().expect("no panic").is_empty(), "a code that somebody else brought was used");
    assert!(!folder.file(".config/portwright/logins").exists());
}
