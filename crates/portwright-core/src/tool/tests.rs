use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Tools, TypedTool, schema};
use crate::call::Effects;
use crate::context::Context;
use crate::protocol::{CallToolResult, ContentBlock, PromptMessage, Role};
use crate::refusal::{Refusal, RefusalKind};
use crate::source::{Health, Source};
use crate::testing::{Contract, Recorder, Said, context};

#[derive(Deserialize, JsonSchema)]
struct Place {
    /// The town's name
    town: String,
    /// Where it is
    #[serde(default)]
    near: Option<Position>,
}

#[derive(Deserialize, JsonSchema)]
struct Position {
    /// Degrees
    north: f64,
    /// Degrees
    east: f64,
}

#[derive(Serialize, JsonSchema)]
struct Report {
    celsius: i8,
}

async fn forecast(place: Place, cx: Context) -> Result<Report, Refusal> {
    cx.downstream.progress(1.0, None, Some("asked"));
    if place.near.is_some_and(|near| near.north + near.east > 0.0) || place.town == "Kiel" {
        return Ok(Report { celsius: 11 });
    }
    Err(Refusal::failed(format!("there is no forecast for `{}`", place.town)))
}

fn weather() -> Tools {
    let slow = TypedTool::new("slow", "Takes its time.", |(): (), _| async {
        std::future::pending::<()>().await;
        Ok::<_, Refusal>(())
    });
    let picture = TypedTool::with_results("picture", "A picture.", |(): (), _| async {
        Ok::<_, Refusal>(CallToolResult::success(vec![ContentBlock::image("AAAA", "image/png")]))
    });
    Tools::new("weather")
        .with(TypedTool::new("forecast", "The weather of a town.", forecast).title("Forecast").read_only())
        .tool("say", "Says a word.", |(): (), _: Context| async { Ok::<_, Refusal>("sun".to_owned()) })
        .tool("days", "Counts.", |(): (), _: Context| async { Ok::<_, Refusal>(vec![1, 2]) })
        .with(slow)
        .with(picture.read_only())
        .text("weather://about", "about", "It rains.")
        .prompt("ask", "Asks for a town.", |place: Town| {
            Ok(vec![PromptMessage::new_text(Role::User, format!("How is {}?", place.town))])
        })
}

#[derive(Deserialize, JsonSchema)]
struct Town {
    /// Which one
    town: String,
}

fn object(value: Value) -> crate::protocol::JsonObject {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn functions_keep_the_contract() {
    let contract = Contract::of(Arc::new(weather()))
        .works("forecast", object(json!({"town": "Kiel"})))
        .works("say", object(json!({})))
        .slow("slow", object(json!({})));
    assert_eq!(contract.check().await, []);
}

#[tokio::test]
async fn answers_are_structured_where_they_are_objects() {
    let (source, cx) = (weather(), context());
    let report = source.call("forecast", &object(json!({"town": "Kiel"})), &cx).await.unwrap();
    assert_eq!(report.structured_content, Some(json!({"celsius": 11})));
    assert_eq!(serde_json::to_value(&report.content).unwrap(), json!([{"type": "text", "text": r#"{"celsius":11}"#}]));
    for (tool, text) in [("say", "sun"), ("days", "[1,2]")] {
        let said = source.call(tool, &object(json!({})), &cx).await.unwrap();
        assert_eq!(said.structured_content, None);
        assert_eq!(serde_json::to_value(&said.content).unwrap(), json!([{"type": "text", "text": text}]));
    }
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let (source, cx) = (weather(), context());
    let no = source.call("forecast", &object(json!({"town": "Atlantis"})), &cx).await.unwrap_err();
    assert_eq!((no.kind(), no.public()), (RefusalKind::Failed, "there is no forecast for `Atlantis`"));
    // The schema would not let it pass; a source that is asked all the same says so.
    let no = source.call("forecast", &object(json!({"town": 7})), &cx).await.unwrap_err();
    assert_eq!(no.kind(), RefusalKind::Invalid);
}

#[tokio::test]
async fn a_function_can_speak_to_the_client() {
    let recorder = Arc::new(Recorder::default());
    let mut cx = context();
    cx.downstream = recorder.clone();
    weather().call("forecast", &object(json!({"town": "Kiel"})), &cx).await.unwrap();
    assert!(matches!(&recorder.said()[..], [Said::Progress { message: Some(said), .. }] if said == "asked"));
}

#[test]
fn what_a_tool_says_of_itself_is_listed() {
    let tools = weather().tools();
    assert_eq!(tools[0].title.as_deref(), Some("Forecast"));
    assert_eq!(Effects::of(&tools[0]), Effects::None);
    assert_eq!(Effects::of(&tools[1]), Effects::Writes, "silence is taken for writing");
    assert_eq!(tools[1].output_schema, None);
}

#[test]
fn schemas_allow_what_the_types_name_and_nothing_more() {
    let place = Value::Object(schema::input::<Place>().unwrap());
    assert_eq!(place["additionalProperties"], false);
    assert_eq!(place["$defs"]["Position"]["additionalProperties"], false);
    assert_eq!(place["properties"]["town"]["description"], "The town's name");
    assert!(place.get("$schema").is_none() && place.get("title").is_none());
    assert_eq!(schema::input::<()>().unwrap()["properties"], json!({}));
    assert!(schema::input::<String>().is_none() && schema::input::<Vec<Town>>().is_none());
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Search {
    Name { name: String },
    Number { number: u32 },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Flat {
    limit: u8,
    #[serde(flatten)]
    search: Search,
}

#[test]
fn variants_stay_reachable() {
    let schema = Value::Object(schema::input::<Search>().unwrap());
    assert_eq!(schema["type"], "object");
    assert!(schema["oneOf"].as_array().unwrap().iter().all(|one| one["additionalProperties"] == false));
    let schema = Value::Object(schema::input::<Flat>().unwrap());
    assert_eq!(schema["unevaluatedProperties"], false);
    assert!(schema["oneOf"].as_array().unwrap().iter().all(|one| one.get("additionalProperties").is_none()));
}

#[tokio::test]
async fn what_cannot_be_listed_is_left_out_and_said() {
    let words = |text: String, _: Context| async move { Ok::<_, Refusal>(text) };
    let source =
        weather()
            .tool("words", "Takes a bare string.", words)
            .tool("say", "Again.", |(): (), _: Context| async { Ok::<_, Refusal>(()) });
    assert_eq!(source.tools().len(), 5);
    let Health::Degraded(reason) = source.health().await else { panic!("it is not well") };
    assert_eq!(reason, "tool `words`: its arguments are not a struct, so they have no names");
}

#[tokio::test]
async fn texts_and_prompts_are_there() {
    let (source, cx) = (weather(), context());
    assert!(source.read("weather://about", &cx).await.is_ok());
    let prompt = &source.prompts()[0];
    let arguments = prompt.arguments.as_ref().unwrap();
    assert_eq!((arguments[0].name.as_str(), arguments[0].required), ("town", Some(true)));
    let filled = source.get_prompt("ask", &object(json!({"town": "Kiel"})), &cx).await.unwrap();
    let message = serde_json::to_value(&filled.messages[0]).unwrap();
    assert_eq!(message["content"]["text"], "How is Kiel?");
}
