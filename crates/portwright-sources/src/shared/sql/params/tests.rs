use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Diagnostic, Pointer, Principal, RefusalKind};
use serde_json::{Value, json};

use super::Params;

fn object(value: Value) -> JsonObject {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn read(table: Value) -> (Params, Vec<Diagnostic>, Vec<Diagnostic>) {
    let (mut problems, mut advice) = (Vec::new(), Vec::new());
    let params = Params::decode(&object(table), &Pointer::new("/p"), &mut problems, &mut advice);
    (params, problems, advice)
}

fn sound(table: Value) -> Params {
    let (params, problems, _) = read(table);
    assert_eq!(problems, []);
    params
}

#[track_caller]
fn wrong(table: Value, place: &str, words: &str) {
    let (_, problems, _) = read(table);
    let found = problems.iter().any(|problem| problem.place.as_str() == place && problem.message.contains(words));
    assert!(found, "{problems:?}");
}

#[test]
fn the_model_sees_arguments_only() {
    let params = sound(json!({
        "q": {"type": "string", "description": "What to look for", "min_length": 1, "max_length": 20, "pattern": "^a"},
        "limit": {"type": "integer", "description": "Most rows", "default": 10, "minimum": 1, "maximum": 100},
        "kinds": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "max_items": 3, "optional": true},
        "tenant": {"from": "principal", "claim": "org.id"},
    }));
    let expected = json!({
        "type": "object",
        "properties": {
            "q": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^a", "description": "What to look for"},
            "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 100, "description": "Most rows", "default": 10},
            "kinds": {"type": ["array", "null"], "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 3},
        },
        "required": ["q"],
        "additionalProperties": false,
    });
    assert_eq!(Value::Object(params.input_schema()), expected);
}

fn bound(params: &Params, names: &[&str], arguments: Value) -> Result<Vec<Value>, (RefusalKind, String)> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let result = params.bind(&names, &object(arguments), None);
    result.map_err(|refusal| (refusal.kind(), refusal.public().to_owned()))
}

#[test]
fn values_are_bound_in_the_order_of_the_statement() {
    let params = sound(json!({
        "a": {"type": "integer"}, "b": {"type": "string", "default": "x"}, "c": {"type": "object", "optional": true},
        "d": {"type": "array", "items": {"type": "integer"}, "optional": true},
    }));
    assert_eq!(bound(&params, &["b", "c", "a"], json!({"a": 1.0})), Ok(vec![json!("x"), json!(null), json!(1)]));
    assert_eq!(bound(&params, &["c"], json!({"a": 1, "c": {"k": 1}})), Ok(vec![json!({"k": 1})]));
    assert_eq!(bound(&params, &["d"], json!({"a": 1, "d": [1.0, 2]})), Ok(vec![json!([1, 2])]));
    assert_eq!(bound(&params, &["b"], json!({"b": "'; DROP TABLE x; --"})), Ok(vec![json!("'; DROP TABLE x; --")]));
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let params = sound(json!({
        "n": {"type": "integer", "minimum": 1, "maximum": 5, "optional": true},
        "s": {"type": "string", "min_length": 2, "enum": ["ab", "cd"], "optional": true},
        "l": {"type": "array", "items": {"type": "boolean"}, "max_items": 1, "optional": true},
        "r": {"type": "number"},
    }));
    for (name, value, words) in [
        ("n", json!("1"), "`n` must be an integer, not a string"),
        ("n", json!(1.5), "`n` must be an integer, not this number"),
        ("n", json!(u64::MAX), "`n` must be an integer, not this number"),
        ("n", json!(6), "`n` must be at most 5"),
        ("n", json!(0), "`n` must be at least 1"),
        ("s", json!("ef"), "`s` must be one of [\"ab\",\"cd\"]"),
        ("l", json!([true, false]), "`l` must have at most 1 item"),
        ("l", json!([1]), "`l` has a wrong item 0: it must be a boolean, not this number"),
        ("r", json!(null), "`r` must be a number, not null"),
    ] {
        assert_eq!(bound(&params, &[name], json!({name: value})), Err((RefusalKind::Invalid, words.to_owned())));
    }
    assert_eq!(bound(&params, &["r"], json!({})).unwrap_err().1, "the parameter `r` is missing");
    assert_eq!(bound(&params, &[], json!({"zz": 1})).unwrap_err().1, "there is no parameter `zz`");
}

#[test]
fn the_principal_fills_its_parameter_and_nobody_else() {
    let params = sound(json!({"tenant": {"from": "principal", "claim": "org.id"}}));
    let names = ["tenant".to_owned()];
    let ada = Principal::new("ada", Auth::Token).with_claim("org", json!({"id": 7}));
    assert_eq!(params.bind(&names, &JsonObject::new(), Some(&ada)).unwrap(), [json!(7)]);

    let refusal = params.bind(&names, &object(json!({"tenant": 8})), Some(&ada)).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Invalid);

    let bob = Principal::new("bob", Auth::Token).with_claim("org", json!({"id": null}));
    for who in [None, Some(&bob)] {
        let refusal = params.bind(&names, &JsonObject::new(), who).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Failed);
        assert!(!refusal.public().contains("org") && !refusal.public().contains("tenant"), "{}", refusal.public());
        let cause = std::error::Error::source(&refusal).unwrap().to_string();
        assert!(cause.contains("`org.id`") && cause.contains("`tenant`"), "{cause}");
    }
}

#[test]
fn mistakes_are_told_at_their_place() {
    wrong(json!({"a": {}}), "/p/a", "`type` is missing");
    wrong(json!({"a": {"typ": "string"}}), "/p/a/typ", "no key `typ`");
    wrong(json!({"a": {"type": "text"}}), "/p/a/type", "`text` is not one of its values");
    wrong(json!({"a": {"type": "integer", "default": "x"}}), "/p/a/default", "must be an integer");
    wrong(json!({"a": {"type": "integer", "default": 9, "maximum": 5}}), "/p/a/default", "must be at most 5");
    wrong(json!({"a": {"type": "integer", "enum": [1, "b"]}}), "/p/a/enum/1", "must be an integer");
    wrong(json!({"a": {"type": "string", "enum": []}}), "/p/a/enum", "allows no value");
    wrong(json!({"a": {"type": "integer", "min_length": 1}}), "/p/a/min_length", "has no meaning for type `integer`");
    wrong(json!({"a": {"type": "number", "minimum": 2, "maximum": 1}}), "/p/a/minimum", "no value fits");
    wrong(json!({"a": {"type": "array"}}), "/p/a", "needs `items`");
    wrong(json!({"a": {"type": "array", "items": {"type": "array"}}}), "/p/a/items/type", "can't be arrays");
    wrong(json!({"a": {"from": "principal"}}), "/p/a", "`claim` is missing");
    wrong(json!({"a": {"from": "principal", "claim": "x", "default": 1}}), "/p/a/default", "no meaning");
    wrong(json!({"a": {"type": "string", "claim": "x"}}), "/p/a/claim", "goes with");
    wrong(json!({"a-b": {"type": "string"}}), "/p/a-b", "can't be written as `:a-b`");
    wrong(json!({"a": "string"}), "/p/a", "a parameter is a table");
}

#[test]
fn a_missing_description_is_advice() {
    let (_, problems, advice) = read(json!({"a": {"type": "string"}}));
    assert_eq!(problems, []);
    assert_eq!(advice[0].place, Pointer::new("/p/a"));
}
