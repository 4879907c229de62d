//! A kind of source written in Rust, and a `portwright` that knows it: `cargo run --example own_source -- serve -c …`.
//!
//!     [sources.harbour]
//!     kind = "tides"
//!     mean_metres = 2.5

use std::process::ExitCode;
use std::sync::Arc;

use portwright::Program;
use portwright_core::tool::{Tools, TypedTool};
use portwright_core::{
    ConnectError, Context, Diagnostic, Refusal, Source, SourceConfig, SourceKind, SourceSpec, async_trait,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `kind = "tides"`
#[derive(Debug)]
pub(crate) struct Tides;

/// Its table in the configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The mean water level
    mean_metres: f64,
}

impl SourceKind for Tides {
    fn name(&self) -> &'static str {
        "tides"
    }

    fn summary(&self) -> &'static str {
        "Water levels of a harbour"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Table::json_schema(generator)
    }

    // The table has passed the schema. What a schema can't say is checked here, and nothing is opened.
    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        let place = spec.place();
        let table: Table = serde_json::from_value(Value::Object(spec.table))
            .map_err(|error| vec![Diagnostic::error(place.clone(), "bad-value", error.to_string())])?;
        if !(0.0..100.0).contains(&table.mean_metres) {
            let wrong = Diagnostic::error(place.join("mean_metres"), "out-of-range", "no harbour is that deep");
            return Err(vec![wrong.hint("metres above chart datum, such as 2.5")]);
        }
        Ok(Box::new(Harbour { mean_metres: table.mean_metres }))
    }
}

/// A harbour that is configured; opening it is where a real source would connect to something.
#[derive(Debug)]
struct Harbour {
    mean_metres: f64,
}

/// The arguments of `water_level`.
#[derive(Deserialize, JsonSchema)]
struct When {
    /// Hours since high water
    #[schemars(range(min = 0.0, max = 12.5))]
    hours: f64,
}

/// Its answer.
#[derive(Serialize, JsonSchema)]
struct Level {
    metres: f64,
    rising: bool,
}

#[async_trait]
impl SourceConfig for Harbour {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let mean = self.mean_metres;
        let level = TypedTool::new(
            "water_level",
            "The water level of the harbour.",
            move |when: When, _: Context| async move {
                let turn = when.hours / 12.4 * std::f64::consts::TAU;
                Ok::<_, Refusal>(Level { metres: mean + turn.cos(), rising: turn.sin() < 0.0 })
            },
        );
        Ok(Arc::new(Tools::new("tides").with(level.title("Water level").read_only().closed_world())))
    }
}

#[cfg_attr(test, expect(dead_code, reason = "tests call what it is made of"))]
fn main() -> ExitCode {
    Program::new().kind(Tides).main()
}
