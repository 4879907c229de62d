//! Validation: arguments fit the schema that the client was shown, or the call is refused in words that tell how to
//! mend it.

use std::sync::Arc;

use portwright_core::protocol::{JsonObject, Prompt};
use portwright_core::{Call, CheckArguments, Context, Guard, Next, Refusal, Reply, async_trait};

/// Refuses calls whose arguments do not fit.
#[derive(Debug)]
pub(super) struct Validate;

#[async_trait]
impl Guard for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        next.run(call, cx).await
    }
}

/// Why an input schema can't be used. The words may stand on a health page.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the input schema is larger than {max} bytes")]
    TooLarge { max: usize },
    #[error("the input schema is nested deeper than {max} levels")]
    TooDeep { max: usize },
    #[error("the input schema is not of type object")]
    NotObject,
    #[error("the input schema does not compile at `{place}`: {what}")]
    Compile { place: String, what: String },
}

/// Compiles a tool's input schema.
pub fn compile(schema: &JsonObject) -> Result<Arc<dyn CheckArguments>, SchemaError> {
    let _ = schema;
    Err(SchemaError::NotObject)
}

/// A check of a prompt's arguments, as the prompt lists them.
pub fn compile_prompt(prompt: &Prompt) -> Arc<dyn CheckArguments> {
    let _ = prompt;
    Arc::new(Nothing)
}

#[derive(Debug)]
struct Nothing;
impl CheckArguments for Nothing {
    fn check(&self, _: &JsonObject) -> Result<(), Refusal> {
        Ok(())
    }
}
