use std::path::PathBuf;
use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Diagnostic, Refusal, RefusalKind, SourceSpec, TransportKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Does, Offer, OwnPlan, Toolbox, decode, tool};

#[derive(Debug)]
struct Shelf;

#[derive(Deserialize, JsonSchema)]
struct Wanted {
    /// Which one
    name: String,
    /// How many
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    strict: bool,
    /// Where
    #[serde(default)]
    places: Vec<Place>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    Up,
    Down,
}

#[derive(Deserialize, JsonSchema)]
struct Place {
    row: u8,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// Its name
    name: String,
    count: u32,
    inner: Inner,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Inner {
    deep: u8,
}

async fn found(_: Arc<Shelf>, wanted: Wanted, _: Context) -> Result<Answer<Found>, Refusal> {
    let Wanted { name, count, order, strict, places } = wanted;
    let deep = u8::from(strict) + u8::from(matches!(order, Some(Order::Down)));
    let count = count.unwrap_or(1) + places.iter().map(|place| u32::from(place.row)).sum::<u32>();
    Ok(Found { name, count, inner: Inner { deep }, next: matches!(order, Some(Order::Up)).then(String::new) }.into())
}

fn toolbox() -> Toolbox<Shelf> {
    Toolbox::closed(vec![
        tool("get_item", "Get an item", "Gets one.", found).in_set("read").alias("fetch_item"),
        tool("item_write", "Write an item", "Writes one.", found)
            .does(Does::Change)
            .in_set("write")
            .alias_with("create_item", &[("title", "name")], &[("order", "down")])
            .arguments_also(&[("label", "name")]),
        tool("burn_shelf", "Burn it", "Burns all.", found).does(Does::Set).in_set("write").by_name_only(),
    ])
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct OwnKeys {
    wood: Option<String>,
}

fn read(table: &Value) -> (OwnPlan, Vec<Diagnostic>) {
    let spec = SourceSpec {
        name: "shelf".into(),
        table: table.as_object().cloned().unwrap_or_default(),
        tools: Vec::new(),
        resources: Vec::new(),
        base: PathBuf::new(),
    };
    let (own, plan, problems) = decode::<OwnKeys, _>(&spec, &toolbox());
    assert!(own.wood.is_none());
    (plan, problems)
}

#[test]
fn schemas_say_what_there_is_in_few_words() {
    let (plan, _) = read(&json!({}));
    let listed = toolbox().offer(&plan).tools();
    assert_eq!(
        serde_json::to_value(&*listed[0].input_schema).expect("JSON"),
        json!({
            "type": "object",
            "properties": {
                "name": {"description": "Which one", "type": "string"},
                "count": {"description": "How many", "type": "integer"},
                "order": {"enum": ["up", "down"]},
                "strict": {"type": "boolean"},
                "places": {"description": "Where", "type": "array", "items": {
                    "type": "object",
                    "properties": {"row": {"type": "integer"}},
                    "required": ["row"],
                    "additionalProperties": false,
                }},
            },
            "required": ["name"],
            "additionalProperties": false,
        })
    );
    assert_eq!(
        serde_json::to_value(listed[0].output_schema.as_deref()).expect("JSON"),
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "count": {"type": "integer"},
                "inner": {"type": "object"},
                "next": {"type": "string"},
            },
        })
    );
}

#[test]
fn what_writes_is_offered_only_where_the_configuration_says_so() {
    let names = |table: &Value| read(table).0.tools;
    assert_eq!(names(&json!({})), ["get_item"]);
    assert_eq!(names(&json!({"tools": ["*"]})), ["get_item"]);
    assert_eq!(names(&json!({"access": "read-write"})), ["get_item", "item_write"]);
    assert_eq!(names(&json!({"access": "read-write", "tools": ["*"]})), ["get_item", "item_write"]);
    assert_eq!(names(&json!({"access": "read-write", "tools": ["!item_*"]})), ["get_item"]);
    assert_eq!(names(&json!({"access": "read-write", "toolsets": ["write"]})), ["item_write"]);
    let with = json!({"access": "read-write", "toolsets": ["write"], "tools": ["burn_shelf"]});
    assert_eq!(names(&with), ["item_write", "burn_shelf"]);
    assert_eq!(names(&json!({"access": "read-write", "toolsets": ["all"], "tools": ["!get_*"]})), ["item_write"]);
    assert_eq!(names(&json!({"access": "read-write", "tools": ["burn_shelf"]})), ["burn_shelf"]);
    assert!(names(&json!({"toolsets": []})).is_empty());
}

#[test]
fn what_is_wrong_is_told_with_what_is_meant() {
    let told = |table: &Value| {
        let (_, problems) = read(table);
        let words = |one: Diagnostic| format!("{} {}: {}", one.place, one.message, one.hint.unwrap_or_default());
        problems.into_iter().map(words).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(&json!({
        "tools": ["get_itme", "fetch_item", "item_write", "nothing"],
        "toolsets": ["raed", "x"],
        "acess": "read-write",
    })), @r#"
    /sources/shelf/acess there is no key `acess` here: did you mean `access`?
    /sources/shelf/toolsets/0 there is no toolset `raed`: did you mean `read`?
    /sources/shelf/toolsets/1 there is no toolset `x`: its toolsets are read, write, and `all`
    /sources/shelf/tools/0 `get_itme` names none of this source's own tools: did you mean `get_item`?
    /sources/shelf/tools/1 `fetch_item` names none of this source's own tools: did you mean `get_item`?
    /sources/shelf/tools/2 `item_write` writes, and the source may only read: set `access = "read-write"`, or leave the tool out
    /sources/shelf/tools/3 `nothing` names none of this source's own tools: its own tools are get_item, item_write, burn_shelf
    "#);
}

#[tokio::test]
async fn what_is_not_offered_can_not_be_called() {
    let (plan, _) = read(&json!({}));
    let offer: Offer<Shelf> = toolbox().offer(&plan);
    let cx = Context::new("r-1", TransportKind::InProcess);
    let call = async |name: &str, arguments: Value| {
        let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
        offer.call(&Arc::new(Shelf), name, &arguments, &cx).await
    };
    let result = call("get_item", json!({"name": "a", "strict": true})).await.expect("an answer");
    assert_eq!(result.structured_content, Some(json!({"name": "a", "count": 1, "inner": {"deep": 1}})));
    for name in ["item_write", "burn_shelf", "nothing"] {
        assert_eq!(call(name, json!({"name": "a"})).await.expect_err(name).kind(), RefusalKind::NotFound);
    }
    assert_eq!(call("get_item", json!({"name": 7})).await.expect_err("wrong").kind(), RefusalKind::Invalid);
}

#[test]
fn another_servers_name_becomes_ours_with_its_arguments() {
    let (plan, _) = read(&json!({"access": "read-write"}));
    let aliases = toolbox().offer(&plan).aliases();
    let create = aliases.iter().find(|alias| alias.name == "create_item").expect("an alias");
    let arguments = json!({"title": "a", "order": "up"}).as_object().cloned().unwrap_or_default();
    assert_eq!(create.tool, "item_write");
    assert_eq!(Value::from(create.own_arguments(arguments)), json!({"order": "down", "name": "a"}));
    let both = json!({"title": "a", "name": "b"}).as_object().cloned().unwrap_or_default();
    assert_eq!(Value::from(create.own_arguments(both)), json!({"title": "a", "name": "b", "order": "down"}));
}
