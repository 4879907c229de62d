//! Places: by a search of the Web and what is known of the places that it names, and by the index of places.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, Query};
use super::plain::text;
use super::web::{self, Page, SafeSearch, WebSearch, checked, pages};
use crate::shared::own::Answer;

/// Places that the API tells about at a time.
const PLACES_MAX: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct LocalSearch {
    /// What, and where: `coffee near the harbour of Kiel`
    query: String,
    /// Results, 1 to 20
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    count: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// Adult content
    #[serde(default)]
    safesearch: Option<SafeSearch>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlacesFound {
    items: Vec<Place>,
    /// Pages, where no places were found.
    pages: Option<Vec<Page>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviews: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open_today: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coordinates: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

pub(super) async fn local(api: Arc<Api>, wanted: LocalSearch, cx: Context) -> Result<Answer<PlacesFound>, Refusal> {
    let count = usize::from(wanted.count.unwrap_or(5)).min(PLACES_MAX);
    let mut search = WebSearch {
        query: wanted.query,
        count: Some(20),
        offset: None,
        country: wanted.country,
        search_lang: wanted.search_lang,
        ui_lang: None,
        freshness: None,
        safesearch: wanted.safesearch,
        extra_snippets: None,
        goggles: None,
        result_filter: Some(vec!["web".to_owned(), "locations".to_owned()]),
        spellcheck: None,
        summary: None,
    };
    let answer = api.get_and_keep("web/search", &web::query(&search)?, &cx).await?;
    let results = answer["locations"]["results"].as_array().into_iter().flatten();
    let ids: Vec<&str> = results.filter_map(|result| result["id"].as_str()).take(count).collect();
    if ids.is_empty() {
        search.result_filter = None;
        let mut found = pages(&answer["web"]["results"], None);
        found.truncate(count);
        let text = format!("No places were found; these pages were:\n{}", web::told(&found, None));
        return Ok(Answer::told(PlacesFound { items: Vec::new(), pages: Some(found) }, text));
    }
    let by_id = ids.iter().fold(Query::default(), |query, id| query.with("ids", id));
    // One after the other: a plan of one request a second refuses two at once.
    let known = api.get_and_keep("local/pois", &by_id, &cx).await?;
    let described = api.get_and_keep("local/descriptions", &by_id, &cx).await;
    let described = described.unwrap_or_default();
    let description = |id: &str| {
        let all = described["results"].as_array().into_iter().flatten();
        all.into_iter().find(|one| one["id"] == id).and_then(|one| text(one, "description"))
    };
    let places = known["results"].as_array().into_iter().flatten().map(|result| {
        let mut place = place(result);
        place.description = result["id"].as_str().and_then(description).or(place.description);
        place
    });
    Ok(told(places.collect()))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PlaceSearch {
    /// What; without it, what there is of note
    #[serde(default)]
    query: Option<String>,
    /// A town or an address, as `kiel germany`
    #[serde(default)]
    location: Option<String>,
    /// With longitude, instead of a location
    #[serde(default)]
    #[schemars(range(min = -90, max = 90))]
    latitude: Option<f64>,
    /// With latitude
    #[serde(default)]
    #[schemars(range(min = -180, max = 180))]
    longitude: Option<f64>,
    /// Metres around it
    #[serde(default)]
    #[schemars(range(min = 0))]
    radius: Option<f64>,
    /// Results, 1 to 50
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    count: Option<u8>,
    /// Two letters, as DE
    #[serde(default)]
    #[schemars(length(min = 2, max = 3))]
    country: Option<String>,
    /// Language of the results, as de
    #[serde(default)]
    #[schemars(length(min = 2, max = 7))]
    search_lang: Option<String>,
    /// metric or imperial
    #[serde(default)]
    units: Option<String>,
    /// Adult content
    #[serde(default)]
    safesearch: Option<SafeSearch>,
}

pub(super) async fn places(api: Arc<Api>, wanted: PlaceSearch, cx: Context) -> Result<Answer<PlacesFound>, Refusal> {
    let somewhere = wanted.location.is_some() || (wanted.latitude.is_some() && wanted.longitude.is_some());
    if !somewhere {
        return Err(Refusal::invalid("say where: `location`, or both `latitude` and `longitude`"));
    }
    let what = wanted.query.as_deref().map(checked).transpose()?;
    let query = Query::default()
        .with_some("q", what)
        .with_some("location", wanted.location)
        .with_some("latitude", wanted.latitude)
        .with_some("longitude", wanted.longitude)
        .with_some("radius", wanted.radius)
        .with("count", wanted.count.unwrap_or(20))
        .with_some("country", wanted.country.as_deref().map(str::to_uppercase))
        .with_some("search_lang", wanted.search_lang)
        .with_some("units", wanted.units)
        .with_some("safesearch", wanted.safesearch.as_ref().map(SafeSearch::as_str));
    let answer = api.get_and_keep("local/place_search", &query, &cx).await?;
    Ok(told(answer["results"].as_array().into_iter().flatten().map(place).collect()))
}

fn place(result: &Value) -> Place {
    let hours = result["opening_hours"]["current_day"].as_array().into_iter().flatten();
    let hours = hours.filter_map(|day| Some(format!("{} to {}", day["opens"].as_str()?, day["closes"].as_str()?)));
    let distance = &result["distance"];
    let categories = result["categories"].as_array().into_iter().flatten();
    Place {
        name: text(result, "title").or_else(|| text(result, "name")).unwrap_or_default(),
        address: text(&result["postal_address"], "displayAddress"),
        phone: text(&result["contact"], "telephone"),
        url: result["url"].as_str().map(str::to_owned),
        rating: result["rating"]["ratingValue"].as_f64(),
        reviews: result["rating"]["reviewCount"].as_u64(),
        price: text(result, "price_range"),
        open_today: hours.collect(),
        categories: categories.filter_map(Value::as_str).map(str::to_owned).collect(),
        coordinates: Some(result["coordinates"].clone()).filter(|value| !value.is_null()),
        distance: distance["value"].as_f64().map(|far| format!("{far} {}", distance["units"].as_str().unwrap_or("km"))),
        description: text(result, "description"),
    }
}

fn told(items: Vec<Place>) -> Answer<PlacesFound> {
    if items.is_empty() {
        return Answer::told(PlacesFound { items, pages: None }, "Nothing was found.");
    }
    let line = |place: &Place| {
        let rating = place.rating.map(|rating| format!("{rating} of 5"));
        let hours =
            Some(place.open_today.join(", ")).filter(|hours| !hours.is_empty()).map(|hours| format!("today {hours}"));
        let parts =
            [place.address.clone(), place.phone.clone(), rating, hours, place.distance.clone(), place.url.clone()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let about = place.description.as_ref().map(|text| format!("\n   {text}")).unwrap_or_default();
        format!("{}\n   {}{about}", place.name, parts.join("; "))
    };
    let text = items.iter().map(line).collect::<Vec<_>>().join("\n");
    Answer::told(PlacesFound { items, pages: None }, text)
}
