//! `brave_place_search`, and what a place is.

use std::fmt::Write as _;
use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Api;
use super::arguments::Asked;
use super::items::{self, Told};
use super::text::{address, bounded, list, said, text, texts};
use crate::shared::own::Answer;

pub(super) const ABOUT: &str = "Finds businesses, sights, cities and addresses around a place. Give `location`, or \
                                `latitude` and `longitude`. Without `query`: whatever is notable there.";

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Units {
    Metric,
    Imperial,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Places {
    /// What to find
    query: Option<String>,
    /// Such as: tokyo japan, or: san francisco ca united states
    location: Option<String>,
    /// Degrees
    #[schemars(range(min = -90, max = 90))]
    latitude: Option<f64>,
    /// Degrees
    #[schemars(range(min = -180, max = 180))]
    longitude: Option<f64>,
    /// Metres to prefer; not a fence
    #[schemars(range(min = 0))]
    radius: Option<f64>,
    /// Results (20)
    #[schemars(range(min = 1, max = 50))]
    count: Option<u32>,
    /// Two letters (US)
    country: Option<String>,
    /// Such as en or pt-br
    search_lang: Option<String>,
    /// Of distances (metric)
    units: Option<Units>,
}

/// A business, a sight, an address.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(super) struct Place {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) coordinates: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) distance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rating: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price_range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hours: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) categories: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
}

/// Categories of one place that are worth their bytes, and lines of its hours: a week, with pauses at noon.
const CATEGORIES_MAX: usize = 5;
const HOURS_MAX: usize = 8;

impl Place {
    /// None where nothing has a name.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            name: text(value, "/title").or_else(|| text(value, "/name"))?,
            kind: None,
            address: text(value, "/postal_address/displayAddress").or_else(|| text(value, "/country")),
            coordinates: coordinates(value.pointer("/coordinates")),
            distance: said(value, "/distance/value")
                .map(|far| format!("{far} {}", text(value, "/distance/units").unwrap_or_default()).trim().to_owned()),
            phone: text(value, "/contact/telephone"),
            url: address(value, "/url").or_else(|| address(value, "/provider_url")),
            rating: rating(value),
            price_range: text(value, "/price_range"),
            hours: hours(value),
            categories: texts(value, "/categories", CATEGORIES_MAX),
            description: text(value, "/description"),
        })
    }
}

impl Told for Place {
    fn told(&self) -> String {
        let mut told = self.name.clone();
        let about = [self.kind, self.price_range.as_deref(), self.rating.as_deref(), self.distance.as_deref()];
        let about: Vec<_> = about.into_iter().flatten().collect();
        if !about.is_empty() {
            let _ = write!(told, " ({})", about.join(", "));
        }
        for line in [&self.address, &self.phone, &self.url, &self.description].into_iter().flatten() {
            told.push('\n');
            told.push_str(line);
        }
        if let Some(hours) = &self.hours {
            told.push('\n');
            told.push_str(&hours.join("; "));
        }
        told
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlacesFound {
    items: Vec<Place>,
    /// Where it was searched.
    location: Option<String>,
    note: Option<String>,
}

pub(super) async fn search(api: Arc<Api>, places: Places, cx: Context) -> Result<Answer<PlacesFound>, Refusal> {
    let location = places.location.as_deref().map(str::trim).filter(|location| !location.is_empty());
    if places.latitude.is_some() != places.longitude.is_some() {
        return Err(Refusal::invalid("`latitude` and `longitude` go together; give both, or a `location`"));
    }
    let mut asked = Asked::optional_query(places.query.as_deref())?
        .number("count", places.count, 1, 50)?
        .measure("latitude", places.latitude, -90.0, 90.0)?
        .measure("longitude", places.longitude, -180.0, 180.0)?
        .measure("radius", places.radius, 0.0, 20_100_000.0)?
        .country(places.country.as_deref())?
        .language(places.search_lang.as_deref())?;
    if let Some(location) = location {
        if location.chars().count() > limits::SEARCH_QUERY_CHARACTERS_MAX {
            return Err(Refusal::invalid("`location` is too long; a city and a country are enough"));
        }
        asked = asked.set("location", location);
    }
    if let Some(units) = places.units {
        asked = asked.set("units", if matches!(units, Units::Metric) { "metric" } else { "imperial" });
    }
    let asked = asked.params();
    if !asked.iter().any(|(name, _)| matches!(*name, "q" | "location" | "latitude")) {
        return Err(Refusal::invalid(
            "say what to find (`query`) or where (`location`, or `latitude` and `longitude`)",
        ));
    }
    let answer = api.get(&["local", "place_search"], &asked, &cx).await?;
    let kinds =
        [(None, "/results"), (Some("city"), "/cities"), (Some("address"), "/addresses"), (Some("street"), "/streets")];
    let found = kinds
        .into_iter()
        .flat_map(|(kind, place)| list(&answer, place).filter_map(move |one| Some(Place { kind, ..Place::of(one)? })));
    let (items, cut) = items::fitting_search(found, &api, &cx);
    let note = items::note(items.is_empty(), cut);
    let words = items::told(&items, note.as_deref(), None);
    Ok(Answer::told(PlacesFound { items, location: text(&answer, "/location/name"), note }, words))
}

fn coordinates(value: Option<&Value>) -> Option<[f64; 2]> {
    match value?.as_array()?.as_slice() {
        [latitude, longitude] => Some([latitude.as_f64()?, longitude.as_f64()?]),
        _ => None,
    }
}

fn rating(value: &Value) -> Option<String> {
    let stars = said(value, "/rating/ratingValue")?;
    let best = said(value, "/rating/bestRating").map(|best| format!("/{best}")).unwrap_or_default();
    let count = said(value, "/rating/reviewCount").map(|count| format!(", {count} reviews")).unwrap_or_default();
    Some(format!("{stars}{best}{count}"))
}

/// A day is one pair of hours or a list of them; a day that is missing is closed or unknown.
fn hours(value: &Value) -> Option<Vec<String>> {
    let (today, week) = (value.pointer("/opening_hours/current_day"), list(value, "/opening_hours/days"));
    let lines: Vec<_> = today.into_iter().chain(week).filter_map(day).take(HOURS_MAX).collect();
    (!lines.is_empty()).then_some(lines)
}

fn day(value: &Value) -> Option<String> {
    let parts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let name = text(parts.first()?, "/full_name").or_else(|| text(parts.first()?, "/abbr_name"))?;
    let open: Vec<_> =
        parts.iter().filter_map(|one| Some(format!("{}-{}", text(one, "/opens")?, text(one, "/closes")?))).collect();
    (!open.is_empty()).then(|| bounded(&format!("{name} {}", open.join(", ")), 100))
}
