//! Text of what the API marks up: no tags, no entities.

use serde_json::Value;

/// Entities that occur in the API's texts.
const ENTITIES: [(&str, &str); 8] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#x27;", "'"),
    ("&#39;", "'"),
    ("&#x2F;", "/"),
    ("&nbsp;", " "),
    // Last, so that what it makes is not read again.
    ("&amp;", "&"),
];

/// Tags that the API marks words with. Others are what a page says.
const TAGS: [&str; 12] = ["strong", "em", "b", "i", "p", "br", "ul", "ol", "li", "span", "code", "mark"];

/// A text without its marks.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let tag = &rest[open + 1..];
        if let Some(close) = tag.find('>').filter(|close| is_tag(&tag[..*close])) {
            rest = &tag[close + 1..];
        } else {
            out.push('<');
            rest = tag;
        }
    }
    out.push_str(rest);
    for (entity, letter) in ENTITIES {
        if out.contains(entity) {
            out = out.replace(entity, letter);
        }
    }
    out
}

fn is_tag(inner: &str) -> bool {
    let name = inner.trim_start_matches('/').trim_end_matches('/').split_whitespace().next().unwrap_or_default();
    TAGS.contains(&name.to_ascii_lowercase().as_str())
}

/// A member's text, without its marks; none where there is none.
pub(super) fn text(value: &Value, member: &str) -> Option<String> {
    let found = value.get(member)?.as_str()?;
    Some(plain(found)).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn marks_go_and_what_a_page_says_stays() {
        for (marked, expected) in [
            ("<strong>Rust</strong> &amp; C", "Rust & C"),
            ("a &lt;b&gt; c", "a <b> c"),
            ("Vec<String> and if a < b", "Vec<String> and if a < b"),
            ("it&#x27;s &quot;so&quot;", "it's \"so\""),
            ("&amp;lt;", "&lt;"),
            ("<br/>x<script>alert(1)</script>", "x<script>alert(1)</script>"),
            ("", ""),
            ("<", "<"),
        ] {
            assert_eq!(plain(marked), expected, "{marked}");
        }
    }
}
