//! Prompts: what comes out of which arguments and resources, and what is refused.

use std::path::Path;

use portwright_core::protocol::{ArgumentInfo, Reference};
use portwright_core::testing::context;
use portwright_core::{Context, RefusalKind, Source, limits};
use serde_json::{Value, json};

use super::{beside, messages, object, prompt, source};

async fn texts(source: &dyn Source, arguments: Value, cx: &Context) -> Vec<String> {
    let result = source.get_prompt("p", &object(arguments), cx).await.unwrap();
    let text = |message: Value| message["content"]["text"].as_str().unwrap_or("-").to_owned();
    messages(&result).into_iter().map(text).collect()
}

async fn refused(source: &dyn Source, arguments: Value, cx: &Context) -> (RefusalKind, String) {
    let refusal = source.get_prompt("p", &object(arguments), cx).await.unwrap_err();
    (refusal.kind(), refusal.public().to_owned())
}

#[tokio::test]
async fn a_template_becomes_a_message() {
    let table = json!({
        "title": "Summary",
        "description": "Sums up a customer.",
        "arguments": {
            "customer_id": {"title": "Customer", "description": "The customer's ID"},
            "tone": {"default": "friendly"},
            "note": {"required": false},
        },
        "template": "Sum up {{ customer_id }}, {{ tone }}.{% if note %} {{ note }}{% endif %}",
    });
    let source = prompt(table).await;
    let listed = serde_json::to_value(source.prompts()).unwrap();
    assert_eq!(
        listed,
        json!([{
            "name": "p", "title": "Summary", "description": "Sums up a customer.",
            "arguments": [
                {"name": "customer_id", "title": "Customer", "description": "The customer's ID", "required": true},
                {"name": "tone", "required": false},
                {"name": "note", "required": false},
            ],
        }])
    );
    assert_eq!(texts(&*source, json!({"customer_id": "7"}), &context()).await, ["Sum up 7, friendly."]);
    let all = json!({"customer_id": "7", "tone": "dry", "note": "Soon."});
    assert_eq!(texts(&*source, all, &context()).await, ["Sum up 7, dry. Soon."]);
}

#[tokio::test]
async fn several_messages_keep_their_order_and_roles() {
    let table = json!({
        "description": "d",
        "arguments": {"q": {}},
        "messages": [{"text": "{{ q }}?"}, {"role": "assistant", "text": "Well, {{ q }}"}],
    });
    let result = prompt(table).await.get_prompt("p", &object(json!({"q": "why"})), &context()).await.unwrap();
    assert_eq!(result.description.as_deref(), Some("d"));
    assert_eq!(
        messages(&result),
        [
            json!({"role": "user", "content": {"type": "text", "text": "why?"}}),
            json!({"role": "assistant", "content": {"type": "text", "text": "Well, why"}}),
        ]
    );
}

#[tokio::test]
async fn wrong_arguments_are_told_at_once() {
    let table = json!({
        "description": "d",
        "arguments": {"customer_id": {"description": "The customer's ID"}, "days": {"default": "30"}},
        "template": "{{ customer_id }}{{ days }}",
    });
    let source = prompt(table).await;
    let (kind, words) = refused(&*source, json!({"customerid": "7", "days": 7}), &context()).await;
    assert_eq!(kind, RefusalKind::Invalid);
    assert_eq!(
        words,
        "there is no argument `customerid` (did you mean `customer_id`?); the argument `customer_id` is missing: The \
         customer's ID; the argument `days` must be a text"
    );
    let long = "x".repeat(limits::PROMPT_ARGUMENT_BYTES_MAX + 1);
    assert_eq!(refused(&*source, json!({"customer_id": long}), &context()).await.0, RefusalKind::Invalid);
}

#[tokio::test]
async fn an_argument_is_never_a_template() {
    let attack = "{{ 7 * 7 }}{% for x in range(9) %}x{% endfor %}{{ resource('db://secret') }}{# c #}";
    let (cx, shelves) = beside(&[("db://secret", "hunter2"), ("db://notes", attack)]);
    let table = json!({
        "description": "d", "arguments": {"a": {}},
        "template": "<b>{{ a }}</b> {{ a|upper }} {{ resource('db://notes') }}",
    });
    let source = prompt(table).await;
    let shouted = attack.to_uppercase();
    assert_eq!(texts(&*source, json!({"a": attack}), &cx).await, [format!("<b>{attack}</b> {shouted} {attack}")]);
    assert_eq!(*shelves.asked.lock().unwrap(), ["db://notes"], "read once, and nothing else");
}

proptest::proptest! {
    #[test]
    fn any_argument_comes_out_as_it_went_in(argument in "(\\PC|[{}%#\\n'\"])*") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (cx, shelves) = beside(&[]);
            let table = json!({
                "description": "d", "arguments": {"a": {}}, "template": "<{{ a }}>",
                "embed": ["test://{{ a }}/x"],
            });
            let source = prompt(table).await;
            let refusal = source.get_prompt("p", &object(json!({"a": argument})), &cx).await.unwrap_err();
            assert_eq!(refusal.kind(), RefusalKind::Failed);
            let asked = shelves.asked.lock().unwrap().concat();
            assert!(asked.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:/".contains(&byte)), "{asked}");
            assert_eq!(asked.matches('/').count(), 3, "{asked}");
            let plain = prompt(json!({"description": "d", "arguments": {"a": {}}, "template": "<{{ a }}>"})).await;
            assert_eq!(texts(&*plain, json!({"a": argument}), &cx).await, [format!("<{argument}>")]);
        });
    }
}

#[tokio::test]
async fn nothing_is_escaped_whatever_the_name() {
    let prompts = json!({"page.html": {"description": "d", "arguments": {"a": {}}, "template": "{{ a }}"}});
    let source = source(json!({}), prompts, Path::new("/")).await;
    let result = source.get_prompt("page.html", &object(json!({"a": "<&>"})), &context()).await.unwrap();
    assert_eq!(messages(&result)[0]["content"]["text"], "<&>");
}

#[tokio::test]
async fn resources_are_attached_before_the_text() {
    let (cx, _) = beside(&[("db://shop/schema", "tables"), ("db://shop/schema/orders", "columns")]);
    let table = json!({
        "description": "d", "arguments": {"table": {"required": false}},
        "embed": ["db://shop/schema", "{% if table %}db://shop/schema/{{ table }}{% endif %}", "db://shop/schema"],
        "template": "Explain {{ table }}",
    });
    let source = prompt(table).await;
    let result = source.get_prompt("p", &object(json!({"table": "orders"})), &cx).await.unwrap();
    let attached = |uri: &str, text: &str| {
        let resource = json!({"uri": uri, "mimeType": "text/plain", "text": text});
        json!({"role": "user", "content": {"type": "resource", "resource": resource}})
    };
    assert_eq!(
        messages(&result),
        [
            attached("db://shop/schema", "tables"),
            attached("db://shop/schema/orders", "columns"),
            json!({"role": "user", "content": {"type": "text", "text": "Explain orders"}}),
        ]
    );
    let result = source.get_prompt("p", &object(json!({})), &cx).await.unwrap();
    assert_eq!(messages(&result).len(), 2, "what comes out empty is left out, and nothing is attached twice");
}

#[tokio::test]
async fn an_argument_cannot_leave_its_place_in_a_uri() {
    let (cx, shelves) = beside(&[]);
    let table = json!({
        "description": "d", "arguments": {"t": {}}, "template": "{{ resource('db://b/' ~ t|urlencode) }}",
        "embed": ["{% if t != 'inline' %}db://shop/{{ t }}{% endif %}"],
    });
    let source = prompt(table).await;
    let (kind, words) = refused(&*source, json!({"t": "../x?y#z%41 ä"}), &cx).await;
    assert_eq!(kind, RefusalKind::Failed);
    let uri = "db://shop/..%2Fx%3Fy%23z%2541%20%C3%A4";
    assert_eq!(words, format!("the prompt `p` needs the resource `{uri}`: there is no resource `{uri}` here"));
    let inline = prompt(json!({
        "description": "d", "arguments": {"t": {}}, "template": "{{ resource('db://b/' ~ t|urlencode) }}",
    }));
    refused(&*inline.await, json!({"t": "a/b"}), &cx).await;
    assert_eq!(*shelves.asked.lock().unwrap(), [uri, "db://b/a%2Fb"]);
}

#[tokio::test]
async fn what_a_resource_holds_may_lead_to_another() {
    let (cx, shelves) = beside(&[("x://1", "x://2"), ("x://2", "x://3"), ("x://3", "end"), ("x://loop", "x://loop")]);
    let table = json!({"description": "d", "template": "{{ resource(resource(resource('x://1'))) }}"});
    // An empty URI is asked for while the first is not there yet: that is a resource that does not exist.
    let source = prompt(table).await;
    assert_eq!(refused(&*source, json!({}), &cx).await.0, RefusalKind::Failed);
    let table = json!({
        "description": "d",
        "template": "{% set a = resource('x://1') %}{% if a %}{{ resource(a) }}{% endif %}",
    });
    assert_eq!(texts(&*prompt(table).await, json!({}), &cx).await, ["x://3"]);
    assert!(shelves.asked.lock().unwrap().contains(&"x://2".to_owned()));
}

#[tokio::test]
async fn a_prompt_that_keeps_asking_is_stopped() {
    let texts: Vec<_> = (0..40).map(|n| (format!("x://{n}"), format!("x://{}", n + 1))).collect();
    let texts: Vec<_> = texts.iter().map(|(uri, text)| (uri.as_str(), text.as_str())).collect();
    let (cx, shelves) = beside(&texts);
    let table = json!({
        "description": "d",
        "template": "{% set ns = namespace(u='x://0') %}{% for i in range(39) %}\
                     {% if ns.u %}{% set ns.u = resource(ns.u) %}{% endif %}{% endfor %}",
    });
    let (kind, words) = refused(&*prompt(table).await, json!({}), &cx).await;
    assert_eq!(kind, RefusalKind::Failed);
    assert!(words.contains("after 4 rounds"), "{words}");
    assert_eq!(shelves.asked.lock().unwrap().len(), limits::PROMPT_ROUNDS_MAX);
    let table = json!({
        "description": "d",
        "template": "{% for i in range(40) %}{{ resource('x://' ~ i) }}{% endfor %}",
    });
    let (kind, words) = refused(&*prompt(table).await, json!({}), &cx).await;
    assert_eq!(kind, RefusalKind::Failed);
    assert!(words.contains("more than 32 resources"), "{words}");
}

#[tokio::test]
async fn work_and_size_are_bounded() {
    let spin = "{% for i in range(n|int) %}{% for j in range(n|int) %}{% endfor %}{% endfor %}";
    let source = prompt(json!({"description": "d", "arguments": {"n": {"default": "1"}}, "template": spin})).await;
    let (kind, words) = refused(&*source, json!({"n": "99999"}), &context()).await;
    assert_eq!((kind, words.contains("too much work")), (RefusalKind::Failed, true), "{words}");

    let grow = "{% for i in range(n|int) %}{{ a }}{% endfor %}";
    let arguments = json!({"n": {"default": "1"}, "a": {}});
    let source = prompt(json!({"description": "d", "arguments": arguments, "template": grow})).await;
    let (kind, words) = refused(&*source, json!({"n": "40", "a": "x".repeat(50_000)}), &context()).await;
    assert_eq!((kind, words.contains("longer than 1048576 bytes")), (RefusalKind::Failed, true), "{words}");

    let big = "x".repeat(limits::PROMPT_BYTES_MAX);
    let (cx, _) = beside(&[("x://big", &big)]);
    let embed = prompt(json!({"description": "d", "embed": ["x://big"], "template": "more"})).await;
    assert!(refused(&*embed, json!({}), &cx).await.1.contains("longer than"));
    let inline = prompt(json!({"description": "d", "template": "{{ resource('x://big') }}"})).await;
    assert_eq!(texts(&*inline, json!({}), &cx).await[0].len(), limits::PROMPT_BYTES_MAX);
}

#[tokio::test]
async fn failures_have_words() {
    let (cx, _) = beside(&[]);
    let table = json!({"description": "d", "arguments": {"n": {"default": "1"}}, "template": "a\n{{ n|int }}"});
    let (kind, words) = refused(&*prompt(table).await, json!({"n": "hunter2"}), &cx).await;
    assert_eq!(kind, RefusalKind::Failed);
    assert_eq!(words, "the prompt `p` can't be made of these arguments: invalid operation at line 2");
    let binary = json!({"description": "d", "template": "{{ resource('test://binary') }}"});
    assert_eq!(refused(&*prompt(binary).await, json!({}), &cx).await.0, RefusalKind::Failed);
    let attached = prompt(json!({"description": "d", "template": "x", "embed": ["test://binary"]})).await;
    let result = attached.get_prompt("p", &object(json!({})), &cx).await.unwrap();
    assert_eq!(messages(&result)[0]["content"]["resource"]["blob"], "AAEC");
    let alone = refused(&*attached, json!({}), &context()).await;
    assert_eq!(alone.0, RefusalKind::Internal, "nothing to read with is a fault of ours");
}

#[tokio::test]
async fn values_are_offered_while_one_types() {
    let many: Vec<_> = (0..150).map(|n| format!("many{n}")).collect();
    let values: Vec<_> = ["Orders", "order_items", "products"].into_iter().map(str::to_owned).chain(many).collect();
    let table = json!({
        "description": "d", "arguments": {"table": {"values": values}, "free": {"default": ""}},
        "template": "{{ table }}{{ free }}",
    });
    let source = prompt(table).await;
    let complete = async |argument: &str, typed: &str| {
        let reference = Reference::for_prompt("p");
        let typed = ArgumentInfo::new(argument, typed);
        source.complete(&reference, &typed, None, &context()).await.map(|result| result.completion)
    };
    assert_eq!(complete("table", "ORD").await.unwrap().values, ["Orders", "order_items"]);
    let all = complete("table", "").await.unwrap();
    assert_eq!((all.values.len(), all.total, all.has_more), (100, Some(153), Some(true)));
    assert!(complete("free", "x").await.unwrap().values.is_empty());
    let refusal = complete("tabel", "").await.unwrap_err();
    assert_eq!(refusal.public(), "there is no argument `tabel` (did you mean `table`?)");
    assert_eq!(texts(&*source, json!({"table": "another"}), &context()).await, ["another"], "values only help");
}

#[tokio::test]
async fn values_come_from_a_resource_template() {
    let template = "db://shop/schema/{table}";
    let source = prompt(json!({
        "description": "Explains.",
        "arguments": {
            "table": {"values": ["orders_of_today"], "values_from": template},
            "other": {"values_from": template},
            "secret": {"values_from": "db://shop/hidden/{x}"},
        },
        "template": "{{ table }}{{ other }}{{ secret }}",
    }))
    .await;
    let (cx, shelves) = beside(&[(template, "orders order_items")]);
    let complete = async |argument: &str, typed: &str| {
        let typed = ArgumentInfo::new(argument, typed);
        source.complete(&Reference::for_prompt("p"), &typed, None, &cx).await.map(|result| result.completion)
    };
    let found = complete("table", "or").await.unwrap();
    assert_eq!(found.values, ["orders_of_today", "orders", "order_items"]);
    assert_eq!((found.total, found.has_more), (Some(3), Some(false)));
    assert_eq!(complete("other", "").await.unwrap().values, ["orders", "order_items"]);
    assert_eq!(complete("secret", "").await.unwrap_err().kind(), RefusalKind::NotFound, "as the caller, so as theirs");
    let asked = [format!("{template} table=or"), format!("{template} table="), "db://shop/hidden/{x} x=".to_owned()];
    assert_eq!(*shelves.asked.lock().unwrap(), asked);
}
