use std::sync::Arc;

use portwright_core::protocol::{JsonObject, Prompt, PromptArgument};
use portwright_core::{CheckArguments, RefusalKind};
use serde_json::{Value, json};

use super::{SchemaError, compile, compile_prompt};

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn schema() -> Arc<dyn CheckArguments> {
    compile(&object(json!({
        "type": "object",
        "properties": {
            "search_term": {
                "type": "string", "description": "Name, email, or customer ID", "minLength": 1, "maxLength": 20
            },
            "limit": { "type": "integer", "description": "Most rows to return", "minimum": 1, "maximum": 100 },
            "since": { "type": "string", "format": "date" },
            "code": { "type": "string", "pattern": "^[A-Z]{3}$" },
            "order": { "enum": ["asc", "desc"] },
            "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2, "uniqueItems": true },
            "verbose": { "type": "boolean" },
            "region": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "filter": {
                "type": "object",
                "properties": { "column": { "type": "string", "description": "A column" }, "value": {} },
                "required": ["column"],
                "additionalProperties": false
            }
        },
        "required": ["search_term"]
    })))
    .unwrap()
}

fn refused(check: &Arc<dyn CheckArguments>, arguments: Value) -> String {
    let refusal = check.check(&object(arguments)).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Invalid);
    refusal.public().to_owned()
}

#[test]
fn what_fits_passes() {
    let schema = schema();
    for fits in [
        json!({"search_term": "ada"}),
        json!({"search_term": "ada", "limit": 100, "since": "2026-01-31", "code": "ABC", "order": "asc"}),
        json!({"search_term": "é", "tags": [], "verbose": false, "region": null, "filter": {"column": "a", "value": []}}),
    ] {
        schema.check(&object(fits)).unwrap();
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    insta::assert_snapshot!(refused(&schema(), json!({
        "lmit": 10,
        "limit": "10",
        "since": "yesterday",
        "code": "abc",
        "order": "up",
        "tags": ["a", 1, "c"],
        "verbose": "true"
    })), @r#"
    the arguments do not fit. Mend these and call again:
    - `lmit`: unknown argument; did you mean `limit`?
    - `search_term`: is required (string): Name, email, or customer ID
    - `limit`: must be an integer, but is "10"; write 10 without quotes
    - `since`: must be a date like "2026-01-31", but is "yesterday"
    - `code`: must match the pattern `^[A-Z]{3}$`, but is "abc"
    - `order`: must be one of "asc", "desc", but is "up"
    - `tags`: must have at most 2 items, but has 3
    - `tags[1]`: must be a string, but is 1; put it in quotes
    - and more
    Known arguments: `search_term` (required), `limit`, `since`, `code`, `order`, `tags`, `verbose`, `region`, `filter`.
    "#);
}

#[test]
fn faults_within_are_told_with_their_path() {
    insta::assert_snapshot!(refused(&schema(), json!({
        "search_term": "",
        "limit": 500,
        "tags": ["a", "a"],
        "region": 7,
        "filter": {"colum": "x", "value": 1}
    })), @r#"
    the arguments do not fit. Mend these and call again:
    - `search_term`: must have at least 1 character, but has 0
    - `limit`: must be at most 100, but is 500
    - `tags`: must not hold the same item twice
    - `region`: must be a string or null, but is 7; put it in quotes
    - `filter.colum`: unknown property; did you mean `column`?
    - `filter.column`: is required (string): A column
    "#);
}

#[test]
fn what_came_is_told_short_and_escaped() {
    insta::assert_snapshot!(refused(&schema(), json!({
        "search_term": {"a": 1},
        "limit": null,
        "code": "\u{1b}[31mred\nline two, and much more text than anyone would want to read again",
        "order": ["asc"],
        "filter": "{\"column\": \"a\"}",
        "\u{202e}evil": 1
    })), @r#"
    the arguments do not fit. Mend these and call again:
    - `\u{202e}evil`: unknown argument
    - `search_term`: must be a string, but is an object
    - `limit`: must be an integer, but is null; leave it out if it is optional and there is no value
    - `code`: must match the pattern `^[A-Z]{3}$`, but is "\u{1b}[31mred\nline two, and much more text th…"
    - `order`: must be one of "asc", "desc", but is an array of 1 item
    - `filter`: must be an object, but is "{"column": "a"}"; give the object itself, not its text
    Known arguments: `search_term` (required), `limit`, `since`, `code`, `order`, `tags`, `verbose`, `region`, `filter`.
    "#);
}

#[test]
fn there_is_an_end_to_it() {
    let many: JsonObject = (0..1000).map(|at| (format!("stranger_{at}"), json!(at))).collect();
    let words = refused(&schema(), Value::Object(many));
    assert_eq!(words.lines().count(), 1 + 8 + 1 + 1, "{words}");
    assert!(words.contains("- and more"));
    assert!(refused(&schema(), json!({"x".repeat(1 << 20): 1, "search_term": "y".repeat(1 << 20)})).len() < 1000);
}

#[test]
fn strangers_are_welcome_only_where_the_schema_says_so() {
    let closed = compile(&object(json!({"type": "object"}))).unwrap();
    insta::assert_snapshot!(refused(&closed, json!({"a": 1})), @r#"
    the arguments do not fit. Mend these and call again:
    - `a`: unknown argument
    It takes no arguments.
    "#);
    closed.check(&JsonObject::new()).unwrap();
    for open in [
        json!({"type": "object", "additionalProperties": true}),
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        json!({"type": "object", "patternProperties": {"^a$": {}}}),
    ] {
        compile(&object(open)).unwrap().check(&object(json!({"a": 1}))).unwrap();
    }
    let composed = compile(&object(json!({
        "type": "object",
        "allOf": [{"$ref": "#/$defs/page"}, {"properties": {"b": {"type": "integer"}}}],
        "$defs": {"page": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}}
    })))
    .unwrap();
    composed.check(&object(json!({"a": 1, "b": 2}))).unwrap();
    insta::assert_snapshot!(refused(&composed, json!({"b": "2", "c": 3})), @r#"
    the arguments do not fit. Mend these and call again:
    - `c`: unknown argument
    - `a`: is required (integer)
    - `b`: must be an integer, but is "2"; write 2 without quotes
    Known arguments: `a` (required), `b`.
    "#);
}

#[test]
fn alternatives_are_told_as_one_fault() {
    let schema = compile(&object(json!({
        "type": "object",
        "properties": {
            "size": {"oneOf": [{"const": "small"}, {"const": "large"}, {"type": "integer"}]},
            "shape": {"anyOf": [
                {"type": "object", "properties": {"radius": {"type": "number"}}, "required": ["radius"]},
                {"type": "object", "properties": {"width": {"type": "number"}, "height": {"type": "number"}},
                 "required": ["width", "height"]}
            ]},
            "id": {}, "name": {}
        },
        "anyOf": [{"required": ["id"]}, {"required": ["name"]}]
    })))
    .unwrap();
    insta::assert_snapshot!(refused(&schema, json!({"size": "huge", "shape": {"radius": "3"}})), @r#"
    the arguments do not fit. Mend these and call again:
    - `size`: must be one of "small", "large" or an integer, but is "huge"
    - `shape.radius`: must be a number, but is "3"; write 3 without quotes
    - the arguments: must have `id` or `name`
    "#);
}

#[test]
fn nothing_is_coerced() {
    let schema = compile(&object(json!({
        "type": "object",
        "properties": {"i": {"type": "integer"}, "b": {"type": "boolean"}, "s": {"type": "string"}, "n": {"type": "number"}}
    })))
    .unwrap();
    for coerced in [
        json!({"i": "1"}),
        json!({"i": true}),
        json!({"b": "true"}),
        json!({"b": 1}),
        json!({"s": 1}),
        json!({"n": "1.5"}),
    ] {
        refused(&schema, coerced);
    }
}

#[test]
fn schemas_that_cannot_be_used_are_refused() {
    let deep = (0..70).fold(json!({"type": "string"}), |inner, _| json!({"type": "array", "items": inner}));
    let mut chain = serde_json::Map::new();
    for at in 0..200 {
        chain.insert(format!("d{at}"), json!({"$ref": format!("#/$defs/d{}", at + 1)}));
    }
    chain.insert("d200".to_owned(), json!({}));
    let wrong = [
        (json!({"type": "array"}), "type: object"),
        (json!({}), "type: object"),
        (json!({"type": "object", "properties": {"a": {"type": "text"}}}), "no such type"),
        (json!({"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}), "look-around"),
        (json!({"type": "object", "properties": {"a": {"pattern": "(\\w{100}){100}{100}"}}}), "a pattern bomb"),
        (json!({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}}), "remote"),
        (json!({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}), "a file"),
        (json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}), "nothing there"),
        (json!({"type": "object", "properties": {"a": {"$dynamicRef": "#x"}}}), "dynamic"),
        (json!({"type": "object", "properties": {"a": {"$id": "http://x.example/", "$ref": "#/y"}}}), "another base"),
        (json!({"$schema": "http://x.example/dialect", "type": "object"}), "another dialect"),
        (json!({"type": "object", "properties": {"a": deep}}), "depth"),
        (json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": chain}), "a chain"),
        (json!({"type": "object", "description": "x".repeat(300_000)}), "size"),
    ];
    let told: Vec<String> = wrong
        .into_iter()
        .map(|(schema, why)| {
            format!(
                "{why}: {}",
                compile(&object(schema)).err().map_or("accepted".to_owned(), |error: SchemaError| error.to_string())
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r##"
    type: object: the input schema says no `"type": "object"`, which the protocol asks of every tool
    type: object: the input schema says no `"type": "object"`, which the protocol asks of every tool
    no such type: the input schema is wrong at `#/properties/a/type`: "text" is not valid under any of the schemas listed in the 'anyOf' keyword
    look-around: the input schema is wrong at `#/properties/a/pattern`: "(?=x)" is no pattern that can be matched in linear time
    a pattern bomb: the input schema is wrong at `#/properties/a/pattern`: "(\\w{100}){100}{100}" is no pattern that can be matched in linear time
    remote: the input schema refers to `"http://127.0.0.1:9/x.json"`; only references within it (`#/…`) are followed
    a file: the input schema refers to `"file:///etc/passwd"`; only references within it (`#/…`) are followed
    nothing there: the input schema refers to `"#/$defs/none"`; only references within it (`#/…`) are followed
    dynamic: the input schema refers to `"#x"`; only references within it (`#/…`) are followed
    another base: the input schema refers to `"http://x.example/"`; only references within it (`#/…`) are followed
    another dialect: the input schema is wrong at `#`: Unknown meta-schema: 'http://x.example/dialect'. Custom meta-schemas must be reg…
    depth: the input schema is nested deeper than 64 levels, references counted
    a chain: the input schema is nested deeper than 64 levels, references counted
    size: the input schema is larger than 262144 bytes
    "##);
}

#[test]
fn schemas_that_look_at_themselves_end() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let schema = json!({"type": "object", keyword: [{"$ref": "#"}], "properties": {"a": {"$ref": "#"}}});
        let schema = compile(&object(schema)).unwrap();
        let _ = schema.check(&object(json!({"a": {"a": {}}})));
        refused(&schema, json!({"a": 1}));
    }
    // Each level doubles what a listing of faults would look at: unbounded, this would take longer than anyone lives.
    let mut levels = serde_json::Map::new();
    for at in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        levels.insert(format!("d{at}"), json!({"anyOf": [next, next]}));
    }
    levels.insert("d40".to_owned(), json!({"type": "string"}));
    let bomb =
        compile(&object(json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": levels})));
    match bomb {
        Ok(bomb) => drop(refused(&bomb, json!({"a": 1}))),
        Err(error) => assert!(matches!(error, SchemaError::TooDeep { .. }), "{error}"),
    }
    let node = json!({"anyOf": [
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"], "maxProperties": 3}
    ]});
    let tree =
        compile(&object(json!({"type": "object", "properties": {"t": {"$ref": "#/$defs/n"}}, "$defs": {"n": node}})));
    let nested = (0..60).fold(json!(1), |inner, _| json!({"a": inner}));
    refused(&tree.unwrap(), json!({"t": nested}));
}

#[test]
fn prompts_take_strings_and_nothing_unknown() {
    let prompt = Prompt::new(
        "summarize",
        Some("Summarises"),
        Some(vec![
            PromptArgument::new("customer_id").with_description("Whose orders").with_required(true),
            PromptArgument::new("style"),
        ]),
    );
    let check = compile_prompt(&prompt);
    check.check(&object(json!({"customer_id": "7"}))).unwrap();
    insta::assert_snapshot!(refused(&check, json!({"customerId": "7", "style": 3})), @r#"
    the arguments do not fit. Mend these and call again:
    - `customerId`: unknown argument; did you mean `customer_id`?
    - `style`: must be a string, but is 3
    - `customer_id`: is required: Whose orders
    Known arguments: `customer_id` (required), `style`.
    "#);
    let huge = refused(&check, json!({"customer_id": "x".repeat(1 << 20)}));
    assert!(huge.contains("must be at most 65536 bytes, but is 1048576"), "{huge}");
    let none = compile_prompt(&Prompt::new("plain", None::<String>, None));
    none.check(&JsonObject::new()).unwrap();
    refused(&none, json!({"a": "b"}));
}
