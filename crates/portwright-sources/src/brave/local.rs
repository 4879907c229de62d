//! `brave_local_search`: places from a web search, then what the service knows of them, one request after the other.

use std::collections::HashMap;
use std::sync::Arc;

use portwright_core::{Context, Refusal, RefusalKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{Api, Params};
use super::arguments::Asked;
use super::items::{self, Item};
use super::place::Place;
use super::text::{list, text};
use super::web;
use crate::shared::own::Answer;

pub(super) const ABOUT: &str = "Finds local businesses and places by words (\"pizza near Times Square\"). Returns \
                                addresses, phones, ratings and hours; web pages where there are no places. For \
                                coordinates use brave_place_search.";

/// Places that the service tells about at once.
const PLACES_MAX: usize = 20;
/// Bytes of a place's id: twenty of them make an address that servers take.
const ID_BYTES_MAX: usize = 200;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Local {
    /// What and where; at most 400 characters, 50 words
    query: String,
    /// Results (20)
    #[schemars(range(min = 1, max = 20))]
    count: Option<u32>,
    /// Two letters, such as DE, or ALL
    country: Option<String>,
    /// Such as en or pt-br
    search_lang: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LocalFound {
    items: Vec<Place>,
    /// Pages, where there are no places.
    web: Option<Vec<Item>>,
    note: Option<String>,
}

pub(super) async fn search(api: Arc<Api>, local: Local, cx: Context) -> Result<Answer<LocalFound>, Refusal> {
    let asked = Asked::query(&local.query)?
        .number("count", local.count, 1, 20)?
        .country(local.country.as_deref())?
        .language(local.search_lang.as_deref())?
        .set("text_decorations", "false")
        .set("result_filter", "query,web,locations");
    let answer = api.get(&["web", "search"], &asked.params(), &cx).await?;
    let most = local.count.map_or(PLACES_MAX, |count| count as usize);
    let known: Vec<&Value> = list(&answer, "/locations/results").take(most.min(PLACES_MAX)).collect();
    if known.is_empty() {
        return Ok(pages(&answer, &api, &cx));
    }
    let id = |one: &Value| one.pointer("/id")?.as_str().filter(|id| id.len() <= ID_BYTES_MAX).map(str::to_owned);
    let ids: Params = known.iter().filter_map(|one| Some(("ids", id(one)?))).collect();
    let mut missing = Vec::new();
    let details = by_id(&api, "pois", &ids, &cx, "details", &mut missing).await?;
    let descriptions = if missing.is_empty() {
        by_id(&api, "descriptions", &ids, &cx, "descriptions", &mut missing).await?
    } else {
        // What stood in the way of the one stands in the way of the other.
        missing.push("descriptions");
        HashMap::new()
    };
    let places = known.iter().filter_map(|short| {
        let id = short.pointer("/id").and_then(Value::as_str).unwrap_or_default();
        let mut place = details.get(id).and_then(Place::of).or_else(|| Place::of(short))?;
        place.description = descriptions.get(id).and_then(|one| text(one, "/description")).or(place.description);
        Some(place)
    });
    let (items, cut) = items::fitting_search(places, &api, &cx);
    if items.is_empty() && !cut {
        return Ok(pages(&answer, &api, &cx));
    }
    let left_out = (!missing.is_empty()).then(|| format!("the plan or the service gave no {}", missing.join(" and ")));
    let note = items::note(false, cut).or(left_out);
    let words = items::told(&items, note.as_deref(), None);
    Ok(Answer::told(LocalFound { items, web: None, note }, words))
}

/// What an endpoint tells of these places, by their ids. Where the plan does not include it, or the service asks to wait
/// or stumbles, the search goes on with what it has, and says so.
async fn by_id(
    api: &Api,
    endpoint: &str,
    ids: &Params,
    cx: &Context,
    what: &'static str,
    missing: &mut Vec<&'static str>,
) -> Result<HashMap<String, Value>, Refusal> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    match api.get(&["local", endpoint], ids, cx).await {
        Ok(answer) => {
            let one = |one: &Value| Some((one.pointer("/id")?.as_str()?.to_owned(), one.clone()));
            Ok(list(&answer, "/results").filter_map(one).collect())
        }
        Err(refusal) if matches!(refusal.kind(), RefusalKind::Cancelled | RefusalKind::Internal) => Err(refusal),
        Err(refusal) => {
            tracing::info!(endpoint, reason = refusal.public(), "local search goes on without");
            missing.push(what);
            Ok(HashMap::new())
        }
    }
}

fn pages(answer: &Value, api: &Api, cx: &Context) -> Answer<LocalFound> {
    let (pages, cut) = items::fitting_search(web::pages(answer), api, cx);
    let note = if pages.is_empty() {
        "no places and no pages found; try other or fewer words".to_owned()
    } else {
        "no places found, or the plan does not include them; these are web pages".to_owned()
    };
    let note = items::note(false, cut).map_or(note.clone(), |cut| format!("{note}; {cut}"));
    let words = items::told(&pages, Some(&note), None);
    let web = Some(pages).filter(|pages| !pages.is_empty());
    Answer::told(LocalFound { items: Vec::new(), web, note: Some(note) }, words)
}
