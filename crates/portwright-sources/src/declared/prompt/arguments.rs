//! A prompt's arguments: what is listed, what a client gave, and what is offered while its user types.

use std::collections::BTreeMap;

use portwright_core::protocol::{
    ArgumentInfo, CompleteResult, CompletionContext, CompletionInfo, JsonObject, PromptArgument,
};
use portwright_core::{Context, Diagnostic, Pointer, Refusal, UriTemplate, limits};

use super::super::table::ArgumentTable;
use super::template::RESOURCE;
use crate::shared::decode;

/// An argument, as meant.
#[derive(Debug)]
struct Argument {
    name: String,
    title: Option<String>,
    description: Option<String>,
    required: bool,
    /// Its value where none is given.
    default: String,
    /// Values to offer.
    values: Vec<String>,
    /// A template and its variable, whose values are offered as well.
    values_from: Option<(String, String)>,
}

/// The arguments of one prompt, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Arguments(Vec<Argument>);

impl Arguments {
    /// Reads `arguments`, whose table stands at `place`.
    pub(super) fn decode(table: &JsonObject, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Self {
        if table.len() > limits::PARAMS_MAX {
            let message = format!("{} arguments are more than {}", table.len(), limits::PARAMS_MAX);
            problems.push(Diagnostic::error(place.clone(), "out-of-range", message));
        }
        let mut arguments = Vec::new();
        for (name, value) in table {
            let place = place.join(name);
            if !is_name(name) {
                let message = format!("`{}` can't be the name of an argument", name.escape_debug());
                let hint = format!("use letters, digits and `_`, not beginning with a digit, and not `{RESOURCE}`");
                problems.push(Diagnostic::error(place.clone(), "wrong-name", message).hint(hint));
            }
            let Some(keys) = value.as_object() else {
                let message = "an argument is a table";
                let hint = "write `{ description = \"…\" }`";
                problems.push(Diagnostic::error(place, "wrong-type", message).hint(hint));
                continue;
            };
            let table: ArgumentTable = decode::table(keys, &place, problems);
            if table.required == Some(true) && table.default.is_some() {
                let message = "an argument with a default is never missing, so it can't be required";
                let hint = "keep `required` or `default`";
                problems.push(Diagnostic::error(place.join("required"), "conflict", message).hint(hint));
            }
            let values_from = table.values_from.and_then(|uri| values_from(uri, name, &place, problems));
            arguments.push(Argument {
                name: name.clone(),
                title: table.title,
                description: table.description,
                required: table.required.unwrap_or(table.default.is_none()),
                default: table.default.unwrap_or_default(),
                values: table.values,
                values_from,
            });
        }
        Self(arguments)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|argument| argument.name.as_str())
    }

    pub(super) fn listed(&self) -> Option<Vec<PromptArgument>> {
        let listed = |argument: &Argument| {
            let mut listed = PromptArgument::new(&argument.name).with_required(argument.required);
            listed.title.clone_from(&argument.title);
            listed.description.clone_from(&argument.description);
            listed
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(listed).collect())
    }

    /// A value for every argument. Everything that does not fit is said in one refusal.
    pub(super) fn values(&self, given: &JsonObject) -> Result<BTreeMap<&str, String>, Refusal> {
        let mut faults: Vec<String> = given.keys().filter_map(|name| self.unknown(name)).collect();
        let mut values = BTreeMap::new();
        for argument in &self.0 {
            let name = argument.name.as_str();
            match given.get(name) {
                Some(value) => match value.as_str() {
                    Some(text) if text.len() <= limits::PROMPT_ARGUMENT_BYTES_MAX => {
                        values.insert(name, text.to_owned());
                    }
                    Some(_) => {
                        let bytes = limits::PROMPT_ARGUMENT_BYTES_MAX;
                        faults.push(format!("the argument `{name}` is longer than {bytes} bytes"));
                    }
                    None => faults.push(format!("the argument `{name}` must be a text")),
                },
                None if argument.required => faults.push(argument.missing()),
                None => {
                    values.insert(name, argument.default.clone());
                }
            }
        }
        if faults.is_empty() {
            return Ok(values);
        }
        faults.truncate(limits::FAULTS_MAX);
        Err(Refusal::invalid(faults.join("; ")))
    }

    /// Values for a trial: each argument's first offer, its default, or `filler`.
    pub(super) fn trial(&self, filler: &str) -> BTreeMap<&str, String> {
        let value = |argument: &Argument| {
            let known = argument.values.first().unwrap_or(&argument.default);
            if filler.is_empty() || known.is_empty() { filler.to_owned() } else { known.clone() }
        };
        self.0.iter().map(|argument| (argument.name.as_str(), value(argument))).collect()
    }

    /// The values that begin with what was typed: those of the file in its order, then those of the template; upper and
    /// lower case are alike.
    pub(super) async fn complete(
        &self,
        typed: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        let argument = self.0.iter().find(|argument| argument.name == typed.name);
        let argument = argument.ok_or_else(|| Refusal::invalid(self.unknown(&typed.name).unwrap_or_default()))?;
        let beginning = typed.value.to_lowercase();
        let own = argument.values.iter().filter(|value| value.to_lowercase().starts_with(&beginning));
        let mut values: Vec<_> = own.cloned().collect();
        let (mut total, mut more) = (u32::try_from(values.len()).ok(), false);
        if let (Some((uri, variable)), Some(resources)) = (&argument.values_from, &cx.resources) {
            let asked = ArgumentInfo::new(variable, &typed.value);
            let live = resources.complete(uri, &asked, context, cx).await?;
            total = total.zip(live.total).map(|(own, live)| own + live);
            more = live.has_more.unwrap_or(false);
            values.extend(live.values);
        }
        more |= values.len() > CompletionInfo::MAX_VALUES;
        values.truncate(CompletionInfo::MAX_VALUES);
        let info = CompletionInfo::with_pagination(values, total, more);
        Ok(CompleteResult::new(info.map_err(Refusal::internal)?))
    }

    /// What to say of a name that no argument has.
    fn unknown(&self, name: &str) -> Option<String> {
        if self.names().any(|known| known == name) {
            return None;
        }
        let known: Vec<_> = self.names().map(|name| format!("`{name}`")).collect();
        let hint = match decode::did_you_mean(name, self.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it takes none".to_owned(),
            None => format!("it takes {}", known.join(", ")),
        };
        let shown: String = name.chars().take(64).collect();
        Some(format!("there is no argument `{}` ({hint})", shown.escape_debug()))
    }
}

impl Argument {
    fn missing(&self) -> String {
        let name = &self.name;
        match &self.description {
            Some(description) => format!("the argument `{name}` is missing: {description}"),
            None => format!("the argument `{name}` is missing"),
        }
    }
}

/// Whether a template can say it, and means the argument by it.
fn is_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let taken = [RESOURCE, "loop", "self", "true", "false", "none", "and", "or", "not", "in", "is", "if", "else"];
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(word)
        && !taken.contains(&name.to_ascii_lowercase().as_str())
}

/// The template's variable that an argument takes its values from.
fn values_from(
    uri: String,
    argument: &str,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
) -> Option<(String, String)> {
    let place = place.join("values_from");
    let variables: Vec<String> = UriTemplate::parse(&uri)
        .map(|template| template.variables().map(ToOwned::to_owned).collect())
        .unwrap_or_default();
    let named = variables.iter().find(|variable| *variable == argument);
    match (named, variables.as_slice()) {
        (Some(named), _) => return Some((uri, named.clone())),
        (None, [only]) => return Some((uri, only.clone())),
        (None, []) => {
            let message = format!("`{uri}` is no resource template with a variable");
            let hint = "such as `db://shop/schema/{table}`";
            problems.push(Diagnostic::error(place, "wrong-value", message).hint(hint));
        }
        (None, several) => {
            let message = format!("`{uri}` has several variables, and none is `{argument}`");
            let hint = format!("name the argument as the one that is meant: {}", several.join(", "));
            problems.push(Diagnostic::error(place, "wrong-value", message).hint(hint));
        }
    }
    None
}
