//! What is made of an answer: a page of a list that fits, and where the next one begins; one thing, whole.

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, limits};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::client::{Hub, Told};
use super::pick::{Fields, cut_within, pick, shaped};
use crate::shared::own::Answer;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    pub(super) items: Vec<JsonObject>,
    /// The page to ask for next.
    pub(super) next: Option<u64>,
    /// With this many a page, where what was asked for did not fit. Seldom there, so that no list of tools tells of it.
    #[serde(rename = "perPage")]
    #[schemars(skip)]
    pub(super) per_page: Option<u64>,
    pub(super) total: Option<u64>,
}

/// What a page is made of.
#[derive(Clone, Copy)]
pub(super) struct Items<'a> {
    pub(super) values: &'a Value,
    pub(super) fields: Fields,
    /// Those that the caller named instead.
    pub(super) wanted: Option<&'a [String]>,
    pub(super) total: Option<u64>,
    /// Which of them count.
    pub(super) keep: &'a (dyn Fn(&Value) -> bool + Sync),
}

impl<'a> Items<'a> {
    pub(super) fn of(values: &'a Value, fields: Fields) -> Self {
        Self { values, fields, wanted: None, total: None, keep: &|_| true }
    }
}

impl Hub {
    /// As many as fit. Where not all of a page do, the rest is not lost: the page after that is one of smaller pages.
    pub(super) fn page(&self, told: &Told, items: Items<'_>, cx: &Context) -> Answer<Listed> {
        self.listed(told, items, cx).into()
    }

    pub(super) fn listed(&self, told: &Told, items: Items<'_>, cx: &Context) -> Listed {
        let Items { values, fields, wanted, total, keep } = items;
        let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
        let text_bytes = limits::HUB_TEXT_BYTES_MAX.min(self.plan.bytes_max);
        let (mut kept, mut fits, mut bytes) = (Vec::new(), 0, 0);
        for (index, value) in values.iter().enumerate() {
            if keep(value) {
                let mut item = shaped(value, fields, wanted, text_bytes);
                self.withhold(value, &mut item);
                bytes += serde_json::to_string(&item).map_or(0, |text| text.len());
                if bytes > self.plan.bytes_max && !kept.is_empty() {
                    break;
                }
                kept.push((index, item));
            }
            fits = index + 1;
        }
        let (mut next, mut per_page) = (told.next, None);
        if fits < values.len() {
            cx.note(|trail| trail.truncated = true);
            let size = smaller(told.before(), fits as u64);
            kept.retain(|(index, _)| (*index as u64) < size);
            (next, per_page) = (Some(told.before() / size + 2), Some(size));
        }
        let items = kept.into_iter().map(|(_, item)| item).collect();
        Listed { items, next, per_page, total }
    }

    /// One thing, with texts that are cut only where all of it would be too large.
    pub(super) fn one(&self, value: &Value, fields: Fields, cx: &Context) -> JsonObject {
        let mut item = pick(value, fields);
        self.withhold(value, &mut item);
        if cut_within(&mut item, self.plan.bytes_max) {
            cx.note(|trail| trail.truncated = true);
        }
        item
    }

    /// Takes out what somebody without the right to push has written, where the plan says so.
    fn withhold(&self, value: &Value, item: &mut JsonObject) {
        if !self.plan.lockdown {
            return;
        }
        // It is judged by what came, not by what is kept of it. What somebody wrote without a word on who they are is a
        // stranger's.
        let trusted = match value["author_association"].as_str() {
            Some(association) => may_push(association),
            None => value.get("user").is_none(),
        };
        if trusted {
            return;
        }
        for text in ["title", "body", "head"] {
            if let Some(written) = item.get_mut(text) {
                *written = WITHHELD.into();
            }
        }
    }

    /// What somebody wrote, or that it is withheld.
    pub(super) fn shown(&self, association: &str, text: String) -> String {
        if self.plan.lockdown && !may_push(association) { WITHHELD.to_owned() } else { text }
    }
}

const WITHHELD: &str = "[withheld: its author may not push to this repository]";

fn may_push(association: &str) -> bool {
    matches!(association, "OWNER" | "MEMBER" | "COLLABORATOR")
}

/// The largest size of pages, at most `fits`, of which one begins after `before` entries.
fn smaller(before: u64, fits: u64) -> u64 {
    (1..=fits.max(1)).rev().find(|size| before.is_multiple_of(*size)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::smaller;

    #[test]
    fn smaller_pages_begin_where_the_large_one_did() {
        assert_eq!(smaller(0, 17), 17);
        assert_eq!(smaller(30, 29), 15);
        assert_eq!(smaller(90, 20), 18);
        assert_eq!(smaller(29, 20), 1);
        assert_eq!(smaller(0, 0), 1);
    }
}
