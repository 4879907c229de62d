//! `[resources."db://…/{id}"]`: a declared resource whose URI has variables, and the values that are offered for them
//! while somebody types.

use portwright_core::protocol::JsonObject;
use portwright_core::{Diagnostic, Pointer, UriTemplate};
use serde_json::json;

use super::super::database::ParamType;
use super::super::params::{Param, ParamValue, Params, Shape};
use super::{Bounds, DeclaredSql, Reading};

/// The name of what was typed so far, in the statement that gives a variable's values.
const TYPED: &str = "typed";

/// A URI with variables.
#[derive(Debug, Clone)]
pub struct DeclaredTemplate {
    pub uri: UriTemplate,
    /// The statements that give values for a variable.
    pub completions: Vec<Completion>,
}

/// Values for one variable: the first column of a statement.
#[derive(Debug, Clone)]
pub struct Completion {
    pub variable: String,
    pub sql: DeclaredSql,
}

impl DeclaredTemplate {
    /// The arguments that a URI gives; none if it is not one of this template. What is no value of its type stays a
    /// text, for the words of whoever checks it.
    pub fn arguments(&self, uri: &str, params: &Params) -> Option<JsonObject> {
        let values = self.uri.values(uri)?;
        let read = |(name, text): (&str, String)| {
            let value = params.get(name).and_then(|param| param.read(&text));
            (name.to_owned(), value.unwrap_or_else(|| text.into()))
        };
        Some(values.into_iter().map(read).collect())
    }
}

impl Reading<'_> {
    /// Reads a URI with variables; none if it has none, or is too wrong to go on with.
    pub(super) fn template(
        &mut self,
        uri: &str,
        params: &Params,
        complete: &JsonObject,
        bounds: Bounds,
        place: &Pointer,
    ) -> Option<DeclaredTemplate> {
        let template = UriTemplate::parse(uri);
        if uri.contains(['{', '}']) && template.is_none() {
            let message = "the URI's variables can't be read";
            let hint = "write `{name}` for one segment or `{+name}` for several, each once, with something in between";
            self.problems.push(Diagnostic::error(place.clone(), "wrong-name", message).hint(hint));
            return None;
        }
        let template = template?;
        let variables: Vec<String> = template.variables().map(ToOwned::to_owned).collect();
        self.variables_are_parameters(&variables, params, place);
        let completions = self.completions(&variables, params, complete, bounds, &place.join("complete"));
        (!variables.is_empty()).then_some(DeclaredTemplate { uri: template, completions })
    }

    fn variables_are_parameters(&mut self, variables: &[String], params: &Params, place: &Pointer) {
        for variable in variables.iter().filter(|variable| params.get(variable).is_none()) {
            let message = format!("the URI's variable `{variable}` is not declared in `params`");
            let hint = format!("declare it: params.{variable} = {{ type = \"string\", description = \"…\" }}");
            self.problems.push(Diagnostic::error(place.clone(), "unknown-param", message).hint(hint));
        }
        for Param { name, value } in params.iter() {
            let place = place.join("params").join(name);
            match value {
                ParamValue::Principal { .. } if variables.contains(name) => {
                    let message = format!("`{name}` comes from the principal, so the URI can't give it");
                    self.problems.push(Diagnostic::error(place, "conflict", message));
                }
                ParamValue::Argument { .. } if !variables.contains(name) => {
                    let message = format!("nobody can give `{name}` when a resource is read");
                    let hint = format!("make it a variable of the URI, `{{{name}}}`, or take it from the principal");
                    self.problems.push(Diagnostic::error(place, "wrong-value", message).hint(hint));
                }
                ParamValue::Argument { shape, .. } => self.fits_a_uri(shape, &place),
                ParamValue::Principal { .. } => {}
            }
        }
    }

    fn fits_a_uri(&mut self, shape: &Shape, place: &Pointer) {
        if matches!(shape.kind, ParamType::Array | ParamType::Object) {
            let message = "the variable of a URI is one value";
            let hint = "one of string, integer, number, boolean";
            self.problems.push(Diagnostic::error(place.join("type"), "wrong-value", message).hint(hint));
        }
        if shape.has_pattern() {
            let message = "`pattern` has no meaning for the variable of a URI";
            let hint = "bound it by `enum` or lengths, or say it in the statement";
            self.problems.push(Diagnostic::error(place.join("pattern"), "wrong-key", message).hint(hint));
        }
    }

    fn completions(
        &mut self,
        variables: &[String],
        params: &Params,
        complete: &JsonObject,
        bounds: Bounds,
        place: &Pointer,
    ) -> Vec<Completion> {
        let mut completions = Vec::new();
        for (variable, sql) in complete {
            let place = place.join(variable);
            if !variables.contains(variable) {
                let message = format!("`{variable}` is no variable of the URI");
                self.problems.push(Diagnostic::error(place, "unknown-param", message));
                continue;
            }
            let Some(sql) = sql.as_str() else {
                let message = "the values of a variable come from one statement, a text";
                let hint = "SELECT id FROM customers WHERE CAST(id AS TEXT) LIKE :typed || '%'";
                self.problems.push(Diagnostic::error(place, "wrong-type", message).hint(hint));
                continue;
            };
            let typed = JsonObject::from_iter([(TYPED.to_owned(), json!({"type": "string", "description": "typed"}))]);
            let mut own = Params::decode(&typed, &place, &mut Vec::new(), &mut Vec::new());
            own.extend_optional(params, |name| name != variable);
            let sql = self.statement(sql, own, bounds, place, false);
            completions.extend(sql.map(|sql| Completion { variable: variable.clone(), sql }));
        }
        completions
    }
}
