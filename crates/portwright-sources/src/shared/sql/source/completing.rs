//! Values to offer while somebody types a variable of a resource's URI.

use portwright_core::protocol::{ArgumentInfo, CompletionContext, CompletionInfo, JsonObject, Reference};
use portwright_core::{Context, Refusal};
use serde_json::Value;

use super::Shared;
use crate::shared::sql::browse;
use crate::shared::sql::config::Bounds;
use crate::shared::sql::database::{Access, Database};
use crate::shared::sql::declared::{Completion, DeclaredResource, DeclaredSql};
use crate::shared::sql::offer::{Standing, completions, table_template};
use crate::shared::sql::params::{Param, ParamValue};

impl<D: Database> Shared<D> {
    pub(super) async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompletionInfo, Refusal> {
        let Reference::Resource(wanted) = reference else { return Ok(CompletionInfo::default()) };
        if self.plan.schema && wanted.uri == table_template(&self.plan) && argument.name == "table" {
            return browse::complete(&*self.database, &argument.value, cx).await;
        }
        let named = |resource: &&DeclaredResource| resource.template.is_some() && resource.uri == wanted.uri;
        let Some(resource) = self.plan.resources.iter().find(named) else { return Ok(CompletionInfo::default()) };
        let own = |(of, completion): &(&DeclaredResource, &Completion)| {
            of.uri == resource.uri && completion.variable == argument.name
        };
        let found = completions(&self.plan).enumerate().find(|(_, it)| own(it));
        match found {
            Some((index, (_, completion))) => {
                let offer = self.offer();
                let Some(Standing::Ready { columns, .. }) = offer.completion_standings.get(index) else {
                    return Ok(CompletionInfo::default());
                };
                let given = given(resource, &argument.value, context);
                let bounds = Bounds { rows_max: CompletionInfo::MAX_VALUES + 1, ..completion.sql.bounds };
                let sql = DeclaredSql { bounds, ..completion.sql.clone() };
                let rows = self.run_declared(&sql, Access::ReadOnly, columns, &given, cx).await?;
                let values = rows.rows.into_iter().filter_map(|row| word(row.into_iter().next()?));
                offered(values.collect(), rows.truncated.is_some())
            }
            None => offered(allowed(resource, argument), false),
        }
    }
}

/// What the statement is given: what was typed, and the variables that were chosen before.
fn given(resource: &DeclaredResource, typed: &str, context: Option<&CompletionContext>) -> JsonObject {
    let chosen = context.and_then(|context| context.arguments.as_ref()).into_iter().flatten();
    let chosen = chosen.filter_map(|(name, text)| {
        let value = resource.sql.params.get(name)?.read(text)?;
        Some((name.clone(), value))
    });
    let mut given: JsonObject = chosen.collect();
    given.insert("typed".to_owned(), typed.into());
    given
}

/// The values of an `enum` that begin with what was typed; upper and lower case are alike.
fn allowed(resource: &DeclaredResource, argument: &ArgumentInfo) -> Vec<String> {
    let Some(Param { value: ParamValue::Argument { shape, .. }, .. }) = resource.sql.params.get(&argument.name) else {
        return Vec::new();
    };
    let typed = argument.value.to_lowercase();
    let words = shape.allowed().unwrap_or_default().iter().cloned().filter_map(word);
    words.filter(|text| text.to_lowercase().starts_with(&typed)).collect()
}

/// A value as one would type it.
fn word(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn offered(mut values: Vec<String>, more: bool) -> Result<CompletionInfo, Refusal> {
    let mut seen = std::collections::HashSet::new();
    values.retain(|value| seen.insert(value.clone()));
    let more = more || values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    let total = if more { None } else { u32::try_from(values.len()).ok() };
    CompletionInfo::with_pagination(values, total, more).map_err(Refusal::internal)
}
