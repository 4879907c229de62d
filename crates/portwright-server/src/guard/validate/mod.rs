//! Validation: arguments fit the schema that the client was shown, or the call is refused in words that tell how to
//! mend it.
//!
//! Strict: an argument that the schema does not name is refused even where the schema forgot to forbid it, and nothing
//! is ever coerced. Schemas are compiled once, when the catalog is built; they may come from strangers, so references
//! stay within the schema, patterns take linear time, and size and work are bounded.

mod echo;
mod faults;
mod prompt;
mod shape;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use portwright_core::protocol::{JsonObject, Prompt};
use portwright_core::{
    Call, CheckArguments, Context, Guard, Next, Operation, Refusal, Reply, TASKS_EXTENSION, TransportKind, async_trait,
    limits,
};
use serde_json::{Value, json};

use faults::Faults;
use shape::Shape;

/// Refuses calls whose arguments do not fit.
#[derive(Debug)]
pub(super) struct Validate;

#[async_trait]
impl Guard for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        judge(call)?;
        capable(call, cx)?;
        next.run(call, cx).await
    }
}

fn judge(call: &Call) -> Result<(), Refusal> {
    let operation = &call.operation;
    let name_bytes_max = match operation.noun() {
        "resource" => limits::URI_BYTES_MAX,
        _ => limits::NAME_BYTES_MAX,
    };
    if operation.name().len() > name_bytes_max {
        return Err(Refusal::invalid(format!("the {}'s name is longer than {name_bytes_max} bytes", operation.noun())));
    }
    let Some(target) = &call.target else { return Err(operation.not_found()) };
    match operation {
        Operation::CallTool { arguments, .. } | Operation::GetPrompt { arguments, .. } => match &target.arguments {
            Some(schema) => schema.check(arguments),
            None => Err(Refusal::internal(Unchecked)),
        },
        Operation::Complete { argument, .. }
            if argument.name.len() > limits::NAME_BYTES_MAX
                || argument.value.len() > limits::PROMPT_ARGUMENT_BYTES_MAX =>
        {
            Err(Refusal::invalid("the text to complete is too long"))
        }
        _ => Ok(()),
    }
}

/// A tool that must run as a task is none for a client that can't follow one. Callers within this process can wait.
fn capable(call: &Call, cx: &Context) -> Result<(), Refusal> {
    let required = call.target.as_ref().is_some_and(|target| target.tasks.is_required());
    if !required || cx.follows_tasks || cx.transport == TransportKind::InProcess {
        return Ok(());
    }
    let text = "this tool takes long and runs as a task only; the client must support the tasks extension";
    Err(Refusal::incapable(text, json!({"extensions": {TASKS_EXTENSION: {}}})))
}

#[derive(Debug, thiserror::Error)]
#[error("the catalog offers a tool or prompt without a check of its arguments")]
struct Unchecked;

/// Why an input schema can't be used. The words may stand on a health page.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the input schema is larger than {max} bytes")]
    TooLarge { max: usize },
    #[error("the input schema is nested deeper than {max} levels, references counted")]
    TooDeep { max: usize },
    #[error("the input schema says no `\"type\": \"object\"`, which the protocol asks of every tool")]
    NotObject,
    #[error("the input schema refers to `{reference}`; only references within it (`#/…`) are followed")]
    Reference { reference: String },
    #[error("the input schema is wrong at `#{place}`: {what}")]
    Compile { place: String, what: String },
}

/// Compiles a tool's input schema. Its dialect is JSON Schema 2020-12 unless `$schema` names an older draft.
pub fn compile(schema: &JsonObject) -> Result<Arc<dyn CheckArguments>, SchemaError> {
    let schema = Value::Object(schema.clone());
    let shape = Shape::of(&schema)?;
    let validator = jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(
            PatternOptions::regex().size_limit(limits::PATTERN_BYTES_MAX).dfa_size_limit(limits::PATTERN_BYTES_MAX),
        )
        .build(&schema)
        .map_err(|error| SchemaError::Compile {
            place: error.instance_path().to_string(),
            what: match error.kind() {
                ValidationErrorKind::Format { format } if format == "regex" => {
                    format!("{} is no pattern that can be matched in linear time", echo::got(error.instance()))
                }
                _ => echo::short(&error.to_string()),
            },
        })?;
    Ok(Arc::new(Compiled { validator, shape, schema }))
}

/// A check of a prompt's arguments, as the prompt lists them.
pub fn compile_prompt(prompt: &Prompt) -> Arc<dyn CheckArguments> {
    Arc::new(prompt::PromptArguments::of(prompt))
}

#[derive(Debug)]
struct Compiled {
    validator: Validator,
    shape: Shape,
    schema: Value,
}

impl CheckArguments for Compiled {
    fn check(&self, arguments: &JsonObject) -> Result<(), Refusal> {
        let strangers = arguments.keys().any(|name| !self.shape.knows(name));
        let instance = Value::Object(arguments.clone());
        if !strangers && self.validator.is_valid(&instance) {
            return Ok(());
        }
        let mut faults = Faults::default();
        if strangers {
            for name in arguments.keys().filter(|name| !self.shape.knows(name)) {
                faults.unknown(name, &self.shape.known);
            }
        }
        // Saying whether arguments fit is cheap whatever the schema; listing what does not fit may double with each
        // level of nested alternatives.
        if self.shape.listing_is_cheap(&instance) {
            for error in self.validator.iter_errors(&instance).take(limits::FAULTS_MAX * 4) {
                words::tell(&error, &self.schema, &mut faults);
            }
        }
        Err(faults.refusal(&self.shape.known))
    }
}
