//! What looks like a secret, by name and by shape.
//!
//! For records and log lines that hold what a caller wrote. A net, not a wall: secrets of ours live in `Secret` and never
//! come near; this catches what a caller puts where it does not belong.

/// Stands for what is left out.
pub(super) const REDACTED: &str = "[redacted]";

/// Whether an argument of this name is a secret.
pub(super) fn names_secret(key: &str) -> bool {
    const WORDS: [&str; 15] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "authorization",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "cookie",
        "bearer",
        "connectionstring",
        "dsn",
    ];
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| plain.contains(word))
}

/// Whether text holds something of a secret's shape.
pub(super) fn looks_secret(text: &str) -> bool {
    /// What the tokens of well-known services begin with, and how much follows at least.
    const PREFIXES: [(&str, usize); 20] = [
        ("sk-", 16),
        ("sk_live_", 12),
        ("rk_live_", 12),
        ("sk_test_", 12),
        ("ghp_", 20),
        ("gho_", 20),
        ("ghu_", 20),
        ("ghs_", 20),
        ("github_pat_", 20),
        ("glpat-", 16),
        ("xoxb-", 10),
        ("xoxp-", 10),
        ("xoxa-", 10),
        ("AKIA", 16),
        ("ASIA", 16),
        ("AIza", 30),
        ("npm_", 30),
        ("pypi-", 16),
        ("hf_", 20),
        ("eyJ", 20),
    ];
    /// The shortest of the tokens above.
    const TOKEN_BYTES_MIN: usize = 15;
    // Most names are words; they are told from secrets at a glance.
    let plain = !text.bytes().any(|byte| matches!(byte, b'=' | b' ' | b':'));
    if plain && text.len() < TOKEN_BYTES_MIN {
        return false;
    }
    let prefixed = PREFIXES.iter().any(|(prefix, least)| {
        text.match_indices(prefix).any(|(at, _)| {
            let starts = !text[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
            let follows = text[at + prefix.len()..].bytes().take_while(|byte| is_token(*byte)).count();
            starts && follows >= *least
        })
    });
    prefixed
        || super::sanitize::secrets::find(text).map_or(true, |found| !found.is_empty())
        || !plain && (text.contains("-----BEGIN ") || has_user_password(text) || is_assigned(text))
}

/// `password=…`, `Bearer …`
fn is_assigned(text: &str) -> bool {
    const WORDS: [&str; 9] =
        ["password=", "passwd=", "pwd=", "secret=", "token=", "api_key=", "apikey=", "bearer ", "basic "];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let least = if word.ends_with(' ') { 12 } else { 1 };
            lower[at + word.len()..].bytes().take_while(u8::is_ascii_graphic).count() >= least
        })
    })
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/=".contains(&byte)
}

/// `scheme://user:password@host`
fn has_user_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let rest = &text[at + 3..];
        let authority = rest.split(['/', '?', '#', ' ', '\n']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::{looks_secret, names_secret};

    #[test]
    fn names_and_shapes_are_known() {
        for secret in ["password", "DB_PASSWORD", "X-Api-Key", "authorization", "refreshToken", "client_secret"] {
            assert!(names_secret(secret), "{secret}");
        }
        for harmless in ["limit", "search_term", "customer_id", "key", "author"] {
            assert!(!names_secret(harmless), "{harmless}");
        }
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "xoxb-1234567890-abc",
            "token github_pat_0123456789abcdefghij!",
            "http://a:b@h",
            "?token=x",
            "Authorization: Basic QWxhZGRpbjpvcGVu",
            "-----BEGIN RSA PRIVATE KEY-----",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for harmless in [
            "",
            "query_customers",
            "a task-force of sixteen people",
            "https://db.example/a:b@c",
            "basic English",
            "db://shop/schema/orders",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "é:",
        ] {
            assert!(!looks_secret(harmless), "{harmless}");
        }
    }
}
