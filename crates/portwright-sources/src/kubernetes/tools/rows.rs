//! Lists as tables: the columns that the cluster prints for a kind, within the fence, a page at a time.

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::mask;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::Answer;

/// What a list is asked for.
#[derive(Debug, Default)]
pub(in crate::kubernetes) struct Wanted<'a> {
    pub(in crate::kubernetes) namespace: Option<&'a str>,
    pub(in crate::kubernetes) labels: Option<&'a str>,
    pub(in crate::kubernetes) fields: Option<&'a str>,
    pub(in crate::kubernetes) limit: Option<usize>,
    pub(in crate::kubernetes) from: Option<&'a str>,
}

/// A page of a list.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::kubernetes) struct Page {
    pub(in crate::kubernetes) columns: Vec<String>,
    pub(in crate::kubernetes) rows: Vec<Vec<String>>,
    /// Continues the list
    pub(in crate::kubernetes) next: Option<String>,
    pub(in crate::kubernetes) note: Option<String>,
}

/// Lists objects of a kind, as a tool answers.
pub(super) async fn list(
    source: &Kubernetes,
    cluster: &Cluster,
    kind: &Kind,
    wanted: Wanted<'_>,
    cx: &Context,
) -> Result<Answer<Page>, Refusal> {
    let (rows, text) = page(source, cluster, kind, wanted, cx).await?;
    Ok(Answer::told(rows, text))
}

/// Lists objects of a kind: in one namespace, or in all that calls may touch. The same for reading comes with it.
pub(in crate::kubernetes) async fn page(
    source: &Kubernetes,
    cluster: &Cluster,
    kind: &Kind,
    wanted: Wanted<'_>,
    cx: &Context,
) -> Result<(Page, String), Refusal> {
    let places = places(source, kind, wanted.namespace)?;
    let (mut place, mut token) = cursor(wanted.from, places.len())?;
    let limit = source.items(wanted.limit);
    let one_namespace = matches!(&places[..], [Some(_)]) || !kind.namespaced;
    let mut table = Table { one_namespace, ..Table::default() };
    let mut note = None;
    while place < places.len() && table.rows.len() < limit {
        let ask = Ask::of("list", kind)
            .within(places[place].as_deref())
            .with_some("labelSelector", wanted.labels)
            .with_some("fieldSelector", wanted.fields)
            .with_some("continue", token.take())
            .with("limit", limit - table.rows.len())
            .for_table();
        let answer = cluster.json(&ask, cx).await?;
        if let Some(left) = answer["metadata"]["remainingItemCount"].as_u64() {
            note = Some(format!("{left} more"));
        }
        table.take(&answer, kind, source);
        token = answer["metadata"]["continue"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_some() {
            break;
        }
        place += 1;
    }
    let next = (token.is_some() || place < places.len()).then(|| format!("{place}:{}", token.unwrap_or_default()));
    let rows = Page { columns: table.columns, rows: table.rows, next, note };
    Ok(finished(rows, &nothing(kind, wanted.namespace), source.plan.bytes_max, cx))
}

/// What to say of an empty list.
fn nothing(kind: &Kind, namespace: Option<&str>) -> String {
    match namespace.filter(|name| !name.is_empty()) {
        Some(namespace) => format!("no {} in the namespace `{namespace}` fit", kind.plural),
        None => format!("no {} fit", kind.plural),
    }
}

/// The namespaces to ask one after the other; none stands for all of them, or for none at all.
pub(super) fn places(
    source: &Kubernetes,
    kind: &Kind,
    namespace: Option<&str>,
) -> Result<Vec<Option<String>>, Refusal> {
    let fence = &source.plan.fence;
    fence.check_kind(kind)?;
    if !kind.namespaced {
        if !kind.is_namespace() {
            fence.check_cluster_wide(&kind.plural)?;
        }
        return Ok(vec![None]);
    }
    if let Some(namespace) = namespace.filter(|name| !name.is_empty()) {
        fence.check_namespace(namespace)?;
        return Ok(vec![Some(namespace.to_owned())]);
    }
    Ok(match fence.namespaces() {
        Some(names) => names.iter().cloned().map(Some).collect(),
        None => vec![None],
    })
}

/// Where a list goes on: the namespace's number, and the cluster's own mark within it.
fn cursor(from: Option<&str>, places: usize) -> Result<(usize, Option<String>), Refusal> {
    let Some(from) = from.filter(|from| !from.is_empty()) else { return Ok((0, None)) };
    let read = from.split_once(':').and_then(|(place, token)| Some((place.parse::<usize>().ok()?, token)));
    match read {
        Some((place, token)) if place < places => Ok((place, (!token.is_empty()).then(|| token.to_owned()))),
        _ => Err(Refusal::invalid("`continue` is not what `next` of such a list was: leave it out to begin anew")),
    }
}

#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    one_namespace: bool,
}

impl Table {
    /// Adds what a cluster printed. A server that prints no tables is asked for names and dates.
    fn take(&mut self, answer: &Value, kind: &Kind, source: &Kubernetes) {
        let empty = Vec::new();
        let fence = &source.plan.fence;
        let outside =
            |metadata: &Value| kind.is_namespace() && !fence.has(metadata["name"].as_str().unwrap_or_default());
        let mut columns = if self.one_namespace { vec![] } else { vec!["Namespace".to_owned()] };
        let place = |metadata: &Value| (!self.one_namespace).then(|| cell(&metadata["namespace"]));
        let mut rows = Vec::new();
        if answer["kind"] == "Table" {
            let definitions = answer["columnDefinitions"].as_array().unwrap_or(&empty);
            columns.extend(definitions.iter().map(|column| cell(&column["name"])));
            for row in answer["rows"].as_array().unwrap_or(&empty) {
                let metadata = &row["object"]["metadata"];
                if !outside(metadata) {
                    let cells = row["cells"].as_array().unwrap_or(&empty).iter().map(cell);
                    rows.push(place(metadata).into_iter().chain(cells).collect());
                }
            }
        } else {
            columns.extend(["Name".to_owned(), "Created".to_owned()]);
            for item in answer["items"].as_array().unwrap_or(&empty) {
                let metadata = &item["metadata"];
                if !outside(metadata) {
                    let cells = [cell(&metadata["name"]), cell(&metadata["creationTimestamp"])];
                    rows.push(place(metadata).into_iter().chain(cells).collect());
                }
            }
        }
        if self.columns.is_empty() {
            self.columns = columns;
        }
        self.rows.extend(rows);
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => mask::text(text).into_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A page as a tool answers.
pub(super) fn told(page: Page, nothing: &str, bytes_max: usize, cx: &Context) -> Answer<Page> {
    let (page, text) = finished(page, nothing, bytes_max, cx);
    Answer::told(page, text)
}

/// The page as it is told: columns without content left out, cut to its bytes, aligned for those who read text.
pub(super) fn finished(mut page: Page, nothing: &str, bytes_max: usize, cx: &Context) -> (Page, String) {
    let said = |cell: &String| !cell.is_empty() && cell != "<none>";
    let kept: Vec<usize> = (0..page.columns.len())
        .filter(|column| page.rows.iter().any(|row| row.get(*column).is_some_and(said)))
        .collect();
    let pick = |row: &[String]| kept.iter().map(|column| row.get(*column).cloned().unwrap_or_default()).collect();
    page.columns = pick(&page.columns);
    page.rows = page.rows.iter().map(|row| pick(row)).collect();
    let mut bytes = 0;
    let fits = |row: &Vec<String>| {
        bytes += row.iter().map(|cell| cell.len() + 3).sum::<usize>();
        bytes <= bytes_max
    };
    let whole = page.rows.len();
    let fitting = page.rows.iter().map(fits).take_while(|fits| *fits).count();
    if fitting < whole {
        page.rows.truncate(fitting);
        page.next = None;
        page.note = Some(format!(
            "only the first {fitting} of {whole} fit: set `limit` to {} to page through all",
            fitting.max(1)
        ));
    }
    if page.next.is_some() || fitting < whole {
        cx.note(|trail| trail.truncated = true);
    }
    let text = if page.rows.is_empty() { nothing.to_owned() } else { aligned(&page) };
    (page, text)
}

fn aligned(page: &Page) -> String {
    let width = |column: usize| {
        let cells = page.rows.iter().filter_map(|row| row.get(column)).chain(page.columns.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..page.columns.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = page.columns.iter().map(|column| column.to_uppercase()).collect();
    let mut lines = vec![line(&head)];
    lines.extend(page.rows.iter().map(|row| line(row)));
    lines.extend(page.note.iter().map(|note| format!("({note})")));
    lines.extend(page.next.iter().map(|next| format!("(continue: {next})")));
    lines.join("\n")
}
