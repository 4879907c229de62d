//! Secrets in text, by the shape that their makers gave them.
//!
//! One pass of a string matcher looks for what all of these shapes have in common, a few fixed characters; only where it
//! finds some is the expression for that shape run. Everything takes linear time.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::Regex;

/// A kind of secret: what its text must contain, and how it looks. Where the expression has a group, that is the secret.
struct Shape {
    clues: &'static [&'static str],
    pattern: &'static str,
    /// A last look at what the expression found, for shapes that honest text may have.
    proof: fn(&str) -> bool,
}

const fn shape(clues: &'static [&'static str], pattern: &'static str) -> Shape {
    Shape { clues, pattern, proof: |_| true }
}

const SHAPES: &[Shape] = &[
    // Keys in PEM, also in JSON, where lines end in `\n` as two characters; a key that was cut off is one too.
    shape(
        &["private key"],
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,-]*?(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    shape(&["age-secret-key-1"], r"\bAGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    // Amazon, GitHub, GitLab, Slack, Google, Stripe, OpenAI and Anthropic, Hugging Face, npm, PyPI, and others.
    shape(&["akia", "asia", "abia", "acca"], r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    shape(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    shape(&["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    shape(&["glpat-", "glptt-", "gldt-", "glrt-"], r"\bgl(?:pat|ptt|dt|rt)-[A-Za-z0-9_.-]{16,}"),
    shape(
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"],
        r"\b(?:xox[abprse]|xapp)-[A-Za-z0-9-]{10,}",
    ),
    shape(&["hooks.slack.com/"], r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9_/]{20,})"),
    shape(&["aiza"], r"\bAIza[A-Za-z0-9_-]{35}"),
    shape(&["ya29."], r"\bya29\.[A-Za-z0-9_.-]{20,}"),
    shape(&["gocspx-"], r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    shape(&["_live_", "_test_"], r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{12,}"),
    shape(&["whsec_"], r"\bwhsec_[A-Za-z0-9+/=]{20,}"),
    Shape { clues: &["sk-"], pattern: r"\bsk-[A-Za-z0-9_-]{16,}", proof: is_random },
    shape(&["hf_"], r"\bhf_[A-Za-z0-9]{30,}"),
    shape(&["npm_"], r"\bnpm_[A-Za-z0-9]{36}"),
    shape(&["pypi-ageicHlwaS", "pypi-ageichlwas"], r"\bpypi-AgEIcHlwaS[A-Za-z0-9_-]{20,}"),
    shape(&["dop_v1_", "doo_v1_"], r"\bdo[op]_v1_[a-f0-9]{64}"),
    shape(&["shpat_", "shpss_", "shpca_"], r"\bshp(?:at|ss|ca)_[A-Fa-f0-9]{32}"),
    shape(&["sg."], r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    shape(&["hvs.", "hvb."], r"\bhv[sb]\.[A-Za-z0-9_-]{20,}"),
    shape(&["eyj"], r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    shape(&[":aa"], r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}"),
    shape(&["accountkey=", "sharedaccesskey="], r"(?i)\b(?:account|sharedaccess)key=([A-Za-z0-9+/]{20,}={0,2})"),
    // `scheme://user:password@host`
    Shape {
        clues: &["://"],
        pattern: r#"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@"'<>]{0,128}:([^\s/@"'<>]{1,256})@"#,
        proof: is_no_reference,
    },
    // `Authorization: Bearer …`
    Shape {
        clues: &["bearer ", "basic "],
        pattern: r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/_.~-]{12,}={0,2})",
        proof: is_random,
    },
    // `password = "…"` and its like.
    Shape {
        clues: &[
            "passw",
            "passphrase",
            "pwd",
            "secret",
            "token",
            "api_key",
            "api-key",
            "apikey",
            "access_key",
            "access-key",
            "accesskey",
            "private_key",
            "private-key",
            "privatekey",
        ],
        pattern: r#"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)\\?["']?\s{0,3}(?:=>|:=|=|:)\s{0,3}\\?["']?([^\s"'`,;&<>()\[\]{}\\]{8,512})"#,
        proof: is_random,
    },
    // A password in a connection string, be it as simple as it may.
    Shape {
        clues: &["password=", "pwd="],
        pattern: r#"(?i)\b(?:host|server|user|user id|uid|dbname|database|data source|initial catalog|port|username)\s{0,2}=[^\n"]{0,256}[;\s](?:password|pwd)\s{0,2}=\s{0,2}([^\s;"'&]{1,256})"#,
        proof: is_no_reference,
    },
    Shape {
        clues: &["password=", "pwd="],
        pattern: r#"(?i)\b(?:password|pwd)\s{0,2}=\s{0,2}([^\s;"'&]{1,256})[;\s][^\n"]{0,256}\b(?:host|server|user|user id|uid|dbname|database|data source|initial catalog|port|username)\s{0,2}="#,
        proof: is_no_reference,
    },
];

/// Letters with digits, or long and of both cases without being words: what nobody would call a name.
fn is_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let signs = text.bytes().any(|byte| b"!@#$%^*+?~|".contains(&byte));
    let changes =
        text.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let mixed = letters > 0 && (digits >= 2 || digits > 0 && signs) || text.len() >= 20 && changes.count() >= 4;
    mixed && !text.contains("://") && is_no_reference(text) && !is_dated(text)
}

/// `${env:NAME}`, `$NAME`, `{{ name }}`, `<password>`, `****`: says where a secret is, not what.
fn is_no_reference(text: &str) -> bool {
    !text.starts_with(['$', '{', '<', '%', '[']) && text.bytes().any(|byte| !b"*x.X".contains(&byte))
}

/// Dates and versions have digits and are no secret.
fn is_dated(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+v".contains(&byte))
}

struct Shapes {
    clues: AhoCorasick,
    /// Which shape each clue belongs to.
    owners: Vec<usize>,
    /// Compiled when a clue of theirs is first met: all of them at once would be most of what a start costs.
    patterns: Vec<OnceLock<Option<Regex>>>,
}

static COMPILED: LazyLock<Option<Shapes>> = LazyLock::new(|| {
    let owners = SHAPES.iter().enumerate().flat_map(|(owner, shape)| vec![owner; shape.clues.len()]).collect();
    let clues = SHAPES.iter().flat_map(|shape| shape.clues);
    Some(Shapes {
        clues: AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(clues)
            .ok()?,
        owners,
        patterns: SHAPES.iter().map(|_| OnceLock::new()).collect(),
    })
});

/// The shapes do not compile. A test holds that they do; without them, nothing passes.
#[derive(Debug, thiserror::Error)]
#[error("the shapes of secrets do not compile")]
pub struct Broken;

/// Makes the matcher of clues, so that the first call does not wait for it.
pub(super) fn prepare() -> Result<(), Broken> {
    COMPILED.as_ref().map(|_| ()).ok_or(Broken)
}

/// Compiles every shape.
#[cfg(test)]
pub(super) fn all_compile() -> bool {
    SHAPES.iter().all(|shape| Regex::new(shape.pattern).is_ok())
}

/// Where secrets stand.
pub(in crate::guard) fn find(text: &str) -> Result<Vec<Range<usize>>, Broken> {
    let shapes = COMPILED.as_ref().ok_or(Broken)?;
    let mut hinted: u64 = 0;
    for clue in shapes.clues.find_overlapping_iter(text) {
        hinted |= 1 << shapes.owners[clue.pattern().as_usize()];
    }
    let mut found = Vec::new();
    if hinted == 0 {
        return Ok(found);
    }
    for (number, (shape, pattern)) in SHAPES.iter().zip(&shapes.patterns).enumerate() {
        if hinted & (1 << number) != 0 {
            let pattern = pattern.get_or_init(|| Regex::new(shape.pattern).ok()).as_ref().ok_or(Broken)?;
            let secrets = pattern.captures_iter(text).filter_map(|groups| groups.get(1).or_else(|| groups.get(0)));
            found.extend(secrets.filter(|secret| (shape.proof)(secret.as_str())).map(|secret| secret.range()));
        }
    }
    Ok(found)
}

/// Whether a field of this name holds a secret, whatever it looks like.
pub(super) fn names_secret(key: &str) -> bool {
    const ENDS: [&str; 15] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "passwordhash",
        "secret",
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "bearertoken",
        "authorization",
    ];
    const LETTERS_MAX: usize = 64;
    if key.len() > LETTERS_MAX {
        return false;
    }
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ENDS.iter().any(|end| plain.ends_with(end))
}
