//! A page of the audit's records, the latest first.

use std::borrow::Cow;
use std::sync::Arc;

use globset::GlobBuilder;
use http::{Response, StatusCode};
use portwright_core::limits;
use serde_json::json;

use super::viewer::Viewer;
use crate::engine::Engine;
use crate::guard::audit::search::{Before, Wanted, latest};
use crate::session::reply;
use crate::transport::http::body::Body;
use crate::transport::http::respond::{self, json, plain};

pub(super) async fn told(engine: &Arc<Engine>, viewer: &Viewer, query: &str) -> Response<Body> {
    let Some(plan) = &engine.plan.audit else {
        return plain(StatusCode::NOT_FOUND, "no audit is kept; `[audit] file` says where one would be");
    };
    let Ok(mut asked) = read(query) else {
        return plain(StatusCode::BAD_REQUEST, "the query can't be read; see docs/guide/dashboard.md");
    };
    if !viewer.sees_all {
        asked.wanted.principal = Some(viewer.principal.id.to_string());
        asked.wanted.auth = Some(viewer.principal.auth.as_str().to_owned());
    }
    // Reading is the disk's work, and one or two at a time are enough for people.
    let Ok(Ok(place)) = tokio::time::timeout(limits::DASHBOARD_WAIT, engine.searches.clone().acquire_owned()).await
    else {
        return respond::busy(plain(StatusCode::SERVICE_UNAVAILABLE, "others look through the audit; try again"));
    };
    let file = plan.file.clone();
    let found = tokio::task::spawn_blocking(move || {
        let _place = place;
        latest(&file, &asked.wanted, asked.before, asked.most)
    });
    match found.await {
        Ok(Ok(found)) => {
            let more = found.more.map(|more| more.to_string());
            json(StatusCode::OK, reply::json(&json!({"records": found.records, "before": more})))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the audit can't be read for the dashboard");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the audit can't be read now")
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the audit can't be read now"),
    }
}

struct Asked {
    wanted: Wanted,
    before: Option<Before>,
    most: usize,
}

struct Unreadable;

fn read(query: &str) -> Result<Asked, Unreadable> {
    let mut asked = Asked { wanted: Wanted::default(), before: None, most: limits::DASHBOARD_RECORDS };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(Unreadable)?;
        let value = decoded(value).ok_or(Unreadable)?;
        if value.is_empty() {
            continue;
        }
        let wanted = &mut asked.wanted;
        let text = || Some(value.to_string());
        match key {
            "principal" => wanted.principal = text(),
            "source" => wanted.source = text(),
            "operation" => wanted.operation = text(),
            "outcome" => wanted.outcome = text(),
            "flag" => wanted.flag = text(),
            "id" => wanted.id = text(),
            "text" => wanted.text = Some(value.to_lowercase()),
            "name" => {
                let glob = GlobBuilder::new(&value).build().map_err(|_| Unreadable)?;
                wanted.name = Some(glob.compile_matcher());
            }
            "since" => wanted.since = Some(value.parse().map_err(|_| Unreadable)?),
            "until" => wanted.until = Some(value.parse().map_err(|_| Unreadable)?),
            "before" => asked.before = Some(Before::read(&value).ok_or(Unreadable)?),
            "limit" => {
                let most: usize = value.parse().map_err(|_| Unreadable)?;
                asked.most = most.clamp(1, limits::DASHBOARD_RECORDS_MAX);
            }
            _ => return Err(Unreadable),
        }
    }
    Ok(asked)
}

/// A value of a query: `+` is a space, `%XX` a byte.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    if value.len() > limits::DASHBOARD_QUERY_BYTES_MAX {
        return None;
    }
    if !value.contains(['%', '+']) {
        return Some(value.into());
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::{decoded, read};

    #[test]
    fn a_query_is_read_or_refused() {
        assert_eq!(decoded("a%20b+c%C3%A9").as_deref(), Some("a b cé"));
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
        let asked =
            read("principal=ada&name=query_*&limit=9999&since=2026-01-01T00:00:00Z&text=ADA&flag=").ok().expect("read");
        assert_eq!((asked.wanted.principal.as_deref(), asked.wanted.text.as_deref()), (Some("ada"), Some("ada")));
        assert!(asked.wanted.flag.is_none() && asked.most < 9999);
        for wrong in ["principal", "what=1", "since=yesterday", "before=x", "limit=-1", "name=%5B"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
