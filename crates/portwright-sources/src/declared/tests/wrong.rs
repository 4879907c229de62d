//! What is wrong with a configuration is told at its place, all at once, before anything runs.

use serde_json::{Value, json};

use super::problems;

fn told(resources: Value, prompts: Value) -> Vec<String> {
    problems(resources, prompts).into_iter().map(|problem| format!("{} {}", problem.place, problem.rule)).collect()
}

fn prompt(table: &Value) -> Vec<(String, String)> {
    problems(json!({}), json!({ "p": table }))
        .into_iter()
        .map(|problem| {
            let place = problem.place.as_str().strip_prefix("/prompts/p").unwrap_or_default();
            (place.to_owned(), format!("{} | {}", problem.message, problem.hint.unwrap_or_default()))
        })
        .collect()
}

/// The one problem of a prompt with this template and the argument `name`.
fn template(source: &str) -> String {
    let mut found = prompt(&json!({"description": "d", "arguments": {"name": {}}, "template": source}));
    assert_eq!(found.len(), 1, "{source}: {found:?}");
    let (place, words) = found.remove(0);
    assert_eq!(place, "/template");
    words
}

#[test]
fn everything_at_once() {
    let found = told(
        json!({
            "notes": {"text": "x"},
            "docs://a": {"text": "x", "file": "y"},
            "docs://b": {},
            "docs://c": {"txet": "x", "text": 7},
            "docs://d": {"sql": "SELECT 1"},
            "docs://e": {"file": ""},
        }),
        json!({
            "two words": {"description": "d", "template": "x"},
            "empty": {"description": "d"},
            "undescribed": {"template": "x"},
            "both": {"description": "d", "template": "x", "messages": [{"text": "y"}]},
            "typed": {"description": 7, "template": ["x"], "messages": [{"role": "system"}]},
        }),
    );
    assert_eq!(
        found,
        [
            "/resources/notes wrong-value",
            "/resources/docs:~1~1a/file conflict",
            "/resources/docs:~1~1b missing-key",
            "/resources/docs:~1~1c/txet unknown-key",
            "/resources/docs:~1~1c/text wrong-type",
            "/resources/docs:~1~1d missing-key",
            "/resources/docs:~1~1e/file wrong-value",
            "/prompts/two words wrong-name",
            "/prompts/empty missing-key",
            "/prompts/undescribed missing-key",
            "/prompts/both/messages conflict",
            "/prompts/typed/description wrong-type",
            "/prompts/typed/template/0 wrong-type",
            "/prompts/typed/messages/0/role wrong-value",
        ]
    );
}

#[test]
fn arguments_are_checked() {
    let found = prompt(&json!({
        "description": "d",
        "arguments": {
            "customer-id": {}, "resource": {}, "1st": {}, "plain": "text",
            "both": {"required": true, "default": "x"}, "typo": {"descripton": "x"},
        },
        "template": "x",
    }));
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "/arguments/customer-id",
            "/arguments/resource",
            "/arguments/1st",
            "/arguments/plain",
            "/arguments/both/required",
            "/arguments/typo/descripton",
        ]
    );
    assert!(found[5].1.contains("did you mean `description`?"), "{found:?}");
}

#[test]
fn a_template_that_does_not_parse() {
    let words = template("one\n{{ name ");
    assert!(words.starts_with("the template does not parse at line 2: "), "{words}");
    for reaching in ["{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% from 'x' import y %}"] {
        assert!(template(reaching).starts_with("the template does not parse"), "{reaching}");
    }
}

#[test]
fn names_that_are_no_argument() {
    let words = template("{{ nam }}");
    assert_eq!(words, "the template uses `nam`, which is not an argument | did you mean `name`?");
    let words = template("{% for x in items %}{{ x }}{{ name }}{% endfor %}");
    assert!(words.contains("`items`") && words.contains("use one of: name"), "{words}");
    let found = prompt(&json!({"description": "d", "template": "x", "embed": ["db://x", "db://{{ resource('x') }}"]}));
    assert_eq!(found[0].0, "/embed/1");
}

#[test]
fn filters_and_functions_that_do_not_exist() {
    for source in ["{{ name|shout }}", "{{ name.strip() }}", "{% if name is shouted %}{% endif %}", "{{ range() }}"] {
        assert!(template(source).starts_with("the template fails at line 1: "), "{source}");
    }
    assert!(template("{% if not name %}{{ 'x'|shout }}{% endif %}").contains("shout"), "the other branch");
}

#[test]
fn a_template_that_never_ends() {
    let words = template("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ name }}");
    assert!(words.contains("more than 100000 steps"), "{words}");
}

#[test]
fn values_from_needs_one_variable() {
    for (uri, hint) in [
        ("db://shop/schema", "such as `db://shop/schema/{table}`"),
        ("db://shop/{", "such as `db://shop/schema/{table}`"),
        ("db://shop/{a}/{b}", "name the argument as the one that is meant: a, b"),
    ] {
        let arguments = json!({"x": {"values_from": uri}});
        let prompts = json!({"p": {"description": "P.", "arguments": arguments, "template": "{{ x }}"}});
        let found = problems(json!({}), prompts);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place.to_string(), "/prompts/p/arguments/x/values_from");
        assert_eq!(found[0].hint.as_deref(), Some(hint));
    }
}
