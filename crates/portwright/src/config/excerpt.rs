//! The text that may stand in an excerpt: the file's own, byte for byte in its place, with literal secrets starred out.

use super::text::Span;

/// Words in the name of a key whose value is probably a secret, for text whose keys are not understood.
const SECRET_WORDS: &[&str] =
    &["password", "passwd", "secret", "token", "apikey", "api_key", "api-key", "credential", "private"];

/// Stars out what stands at `secrets`, passwords within URLs, and what follows keys that look like a secret's.
/// Nothing moves: every span of the text keeps its meaning.
pub(crate) fn masked(text: &str, secrets: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in secrets {
        star_literal(text, span.clone(), &mut bytes);
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for span in passwords(line) {
            star(text, start + span.start..start + span.end, &mut bytes);
        }
        if let Some(at) = value_of_secret_key(line) {
            star_literal(text, start + at..start + line.trim_end().len(), &mut bytes);
        }
        start += line.len();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Stars out a value, except quotes and the references in it, which are no secrets.
fn star_literal(text: &str, span: Span, bytes: &mut [u8]) {
    let Some(value) = text.get(span.clone()) else { return };
    let mut at = 0;
    while let Some(found) = value[at..].find("${") {
        let end = value[at + found..].find('}').map_or(value.len(), |end| at + found + end + 1);
        star(text, span.start + at..span.start + at + found, bytes);
        at = end;
    }
    star(text, span.start + at..span.end, bytes);
}

/// As many bytes as before, so that places stay; line ends, blanks and quotes stay for the eye.
fn star(text: &str, span: Span, bytes: &mut [u8]) {
    for at in span {
        if text.as_bytes().get(at).is_some_and(|byte| !matches!(byte, b'\n' | b'\r' | b' ' | b'\t' | b'"' | b'\'')) {
            bytes[at] = b'*';
        }
    }
}

/// What stands between `:` and the last `@` of a URL's authority.
fn passwords(line: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find("://") {
        let start = from + at + 3;
        let rest = &line[start..];
        let end = rest.find([' ', '\t', '"', '\'', '\n', '\r']).unwrap_or(rest.len());
        if let Some(host) = rest[..end].rfind('@')
            && let Some(colon) = rest[..host].find(':')
            && !rest[..host].contains("${")
        {
            found.push(start + colon + 1..start + host);
        }
        from = start;
    }
    found
}

fn value_of_secret_key(line: &str) -> Option<usize> {
    let (key, value) = line.split_once('=')?;
    let named = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| named.contains(word)).then(|| line.len() - value.len())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_starred_out_where_they_stand() {
        let text =
            "url = \"postgres://ada:hunter2@db/shop\"\ntokn = 'x'\ngithub_token = \"ghp_1\" # é\npw = \"s${env:X}t\"\n";
        let at = text.find("s${").unwrap();
        let out = masked(text, std::slice::from_ref(&(at..at + 10)));
        assert_eq!(out.len(), text.len());
        assert!(!out.contains("hunter2") && !out.contains("ghp_1"), "{out}");
        assert!(out.contains("postgres://ada:*******@db/shop") && out.contains("\"*${env:X}*\""), "{out}");
    }

    #[test]
    fn a_password_with_an_at_sign_is_hidden_whole() {
        assert_eq!(masked("u = \"pg://a:b@c@host/x\"", &[]), "u = \"pg://a:***@host/x\"");
    }
}
