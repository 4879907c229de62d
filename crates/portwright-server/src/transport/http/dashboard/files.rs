//! The page's files, embedded.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::transport::http::body::Body;
use crate::transport::http::respond::{empty, with_type};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Path, type, content.
const FILES: [(&str, &str, &str); 11] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/dashboard/style.css", STYLE, include_str!("page/style.css")),
    ("/dashboard/app.js", SCRIPT, include_str!("page/app.js")),
    ("/dashboard/api.js", SCRIPT, include_str!("page/api.js")),
    ("/dashboard/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/dashboard/chart.js", SCRIPT, include_str!("page/chart.js")),
    ("/dashboard/overview.js", SCRIPT, include_str!("page/overview.js")),
    ("/dashboard/offer.js", SCRIPT, include_str!("page/offer.js")),
    ("/dashboard/form.js", SCRIPT, include_str!("page/form.js")),
    ("/dashboard/audit.js", SCRIPT, include_str!("page/audit.js")),
    ("/dashboard/approvals.js", SCRIPT, include_str!("page/approvals.js")),
];

/// Tags by content, so that a browser asks only whether something changed.
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
    let tag = |content: &str| {
        let digest = Sha256::digest(content).iter().take(12).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        HeaderValue::try_from(format!("\"{digest:024x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
    };
    FILES.iter().map(|(_, _, content)| tag(content)).collect()
});

pub(super) struct File {
    kind: &'static str,
    content: &'static str,
    tag: HeaderValue,
}

/// The file at that path.
pub(super) fn at(path: &str) -> Option<File> {
    let at = FILES.iter().position(|(own, ..)| *own == path)?;
    let (_, kind, content) = FILES[at];
    Some(File { kind, content, tag: TAGS.get(at)?.clone() })
}

impl File {
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == self.tag);
        let mut response = if known {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            with_type(StatusCode::OK, self.kind, Body::whole(self.content))
        };
        response.headers_mut().insert(header::ETAG, self.tag.clone());
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::{FILES, at};

    #[test]
    fn the_page_is_small_and_whole() {
        let bytes: usize = FILES.iter().map(|(_, _, content)| content.len()).sum();
        assert!(bytes < 60 * 1024, "{bytes} bytes");
        // What the files name is there, and nothing of it is elsewhere.
        for (path, _, content) in FILES {
            for named in content.split(['"', '\'']).filter(|text| text.starts_with("./")) {
                assert!(at(&format!("/dashboard/{}", &named[2..])).is_some(), "{path} names {named}");
            }
            let strangers = content.split(['"', '\'', '(']).filter(|text| text.starts_with("http"));
            assert!(strangers.into_iter().all(|text| text == "http://www.w3.org/2000/svg"), "{path}");
        }
    }
}
