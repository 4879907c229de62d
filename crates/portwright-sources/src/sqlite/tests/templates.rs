//! Declared resources whose URI has variables, and the values that are offered for those.

use std::sync::Arc;

use portwright_core::protocol::{ArgumentInfo, CompletionContext, Reference, ResourceContents};
use portwright_core::{Auth, Principal, Refusal, RefusalKind, Source};
use serde_json::{Value, json};

use super::{Shop, cx, decode};

const ORDERS: &str = "db://shop/customers/{customer}/orders/{year}";

async fn shop() -> (Shop, Arc<dyn Source>) {
    let shop = Shop::new();
    let customer = json!({
        "title": "One customer",
        "sql": "SELECT name, vip FROM customers WHERE id = :id AND tenant = :tenant",
        "params": {
            "id": {"type": "integer", "description": "Customer ID", "minimum": 1},
            "tenant": {"from": "principal", "claim": "tenant"},
        },
        "mime_type": "text/csv",
    });
    let orders = json!({
        "sql": "SELECT orders.id FROM orders JOIN customers c ON c.id = customer_id WHERE c.name = :customer AND placed_at LIKE :year || '%'",
        "params": {
            "customer": {"type": "string", "description": "Their name"},
            "year": {"type": "string", "description": "Year", "enum": ["2025", "2026"]},
        },
        "complete": {"customer": "SELECT name FROM customers WHERE name LIKE :typed || '%' ORDER BY name"},
    });
    let by_customer = json!({
        "sql": "SELECT total FROM orders WHERE customer_id = :customer AND id = :order",
        "params": {
            "customer": {"type": "integer", "description": "Customer ID"},
            "order": {"type": "integer", "description": "Order ID"},
        },
        "complete": {
            "order": "SELECT id FROM orders WHERE (:customer IS NULL OR customer_id = :customer) AND id LIKE :typed || '%'",
        },
    });
    let resources = [
        ("db://shop/customers/{id}", customer),
        (ORDERS, orders),
        ("db://shop/orders/{customer}/{order}", by_customer),
    ];
    let source = shop.open_with(json!({}), &[], &resources).await;
    (shop, source)
}

async fn read(source: &Arc<dyn Source>, uri: &str) -> Result<String, Refusal> {
    let context = cx();
    context.set_principal(Principal::new("ada", Auth::Token).with_claim("tenant", "a").into());
    let read = source.read(uri, &context).await?;
    assert_eq!(read.contents.len(), 1);
    match &read.contents[0] {
        ResourceContents::TextResourceContents { text, uri: named, .. } => {
            assert_eq!(named, uri, "it is the one that was asked for");
            Ok(text.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_resource_takes_its_parameters_from_its_uri() {
    let (_shop, source) = shop().await;
    let templates: Vec<_> = source.templates().into_iter().map(|it| it.uri_template).collect();
    assert!(templates.contains(&ORDERS.to_owned()), "{templates:?}");
    assert!(source.resources().iter().all(|resource| !resource.uri.contains('{')));
    assert_eq!(read(&source, "db://shop/customers/1").await.unwrap(), "name,vip\r\nAda,true\r\n");
    assert_eq!(read(&source, "db://shop/customers/2").await.unwrap(), "name,vip\r\n", "another tenant's");
    let orders: Value =
        serde_json::from_str(&read(&source, "db://shop/customers/%41da/orders/2026").await.unwrap()).unwrap();
    assert_eq!(orders["rows"].as_array().map(Vec::len), Some(2), "{orders}");
    for (uri, words) in [
        ("db://shop/customers/x", "`id` must be an integer, not a string"),
        ("db://shop/customers/0", "`id` must be at least 1"),
        ("db://shop/customers/Ada/orders/1999", "`year` must be one of [\"2025\",\"2026\"]"),
    ] {
        let refusal = read(&source, uri).await.unwrap_err();
        assert_eq!((refusal.kind(), refusal.public()), (RefusalKind::Invalid, words), "{uri}");
    }
    for uri in
        ["db://shop/customers/", "db://shop/customers/%FF", "db://shop/customers/1/orders", "db://shop/customers/1/2/3"]
    {
        assert_eq!(read(&source, uri).await.unwrap_err().kind(), RefusalKind::NotFound, "{uri}");
    }
    // What comes in a URI is a value, whatever it says.
    let injected = "db://shop/customers/x'%20OR%20'1'%3D'1/orders/2026";
    let none: Value = serde_json::from_str(&read(&source, injected).await.unwrap()).unwrap();
    assert_eq!(none["rows"], json!([]));
}

#[tokio::test]
async fn values_are_offered_for_its_variables() {
    let (_shop, source) = shop().await;
    let complete = async |uri: &str, name: &str, typed: &str, context: Option<CompletionContext>| {
        let reference = Reference::for_resource(uri);
        let argument = ArgumentInfo::new(name, typed);
        source.complete(&reference, &argument, context.as_ref(), &cx()).await.unwrap().completion
    };
    assert_eq!(complete(ORDERS, "customer", "", None).await.values, ["Ada", "Bob"]);
    assert_eq!(complete(ORDERS, "customer", "b", None).await.values, ["Bob"]);
    assert!(complete(ORDERS, "customer", "' OR 1=1 --", None).await.values.is_empty());
    assert_eq!(complete(ORDERS, "year", "2", None).await.values, ["2025", "2026"]);
    assert!(complete(ORDERS, "nothing", "", None).await.values.is_empty());
    let orders = "db://shop/orders/{customer}/{order}";
    assert_eq!(complete(orders, "order", "", None).await.values, ["1", "2", "3"]);
    let chosen = CompletionContext::with_arguments([("customer".to_owned(), "2".to_owned())].into());
    assert_eq!(complete(orders, "order", "", Some(chosen)).await.values, ["3"]);
}

#[tokio::test]
async fn a_long_list_of_values_is_cut_with_a_word() {
    let (shop, source) = shop().await;
    shop.beside(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
         INSERT INTO customers (name) SELECT 'Z' || i FROM n",
    );
    let argument = ArgumentInfo::new("customer", "Z");
    let offered = source.complete(&Reference::for_resource(ORDERS), &argument, None, &cx()).await.unwrap().completion;
    assert_eq!((offered.values.len(), offered.total, offered.has_more), (100, None, Some(true)));
}

#[tokio::test]
async fn what_is_wrong_with_a_template_is_told_at_once() {
    let shop = Shop::new();
    let param = json!({"type": "string", "description": "It."});
    let told = |uri: &str, table: Value| decode(shop.spec(json!({}), &[], &[(uri, table)])).unwrap_err();
    let sql = "SELECT :id AS id";
    for (uri, table, rule) in [
        ("db://shop/{id", json!({"sql": sql, "params": {"id": param}}), "wrong-name"),
        ("db://shop/{id}{id}", json!({"sql": sql, "params": {"id": param}}), "wrong-name"),
        ("db://shop/{other}", json!({"sql": sql, "params": {"id": param}}), "unknown-param"),
        ("db://shop/plain", json!({"sql": sql, "params": {"id": param}}), "wrong-value"),
        ("db://shop/{id}", json!({"sql": sql, "params": {"id": {"from": "principal", "claim": "sub"}}}), "conflict"),
        (
            "db://shop/{id}",
            json!({"sql": sql, "params": {"id": {"type": "object", "description": "It."}}}),
            "wrong-value",
        ),
        (
            "db://shop/{id}",
            json!({"sql": sql, "params": {"id": {"type": "string", "pattern": "^a", "description": "It."}}}),
            "wrong-key",
        ),
        (
            "db://shop/{id}",
            json!({"sql": sql, "params": {"id": param}, "complete": {"x": "SELECT 1"}}),
            "unknown-param",
        ),
        ("db://shop/{id}", json!({"sql": sql, "params": {"id": param}, "complete": {"id": 7}}), "wrong-type"),
        (
            "db://shop/{id}",
            json!({"sql": sql, "params": {"id": param}, "complete": {"id": "SELECT :it"}}),
            "unknown-param",
        ),
    ] {
        let found = told(uri, table.clone());
        assert!(found.iter().any(|problem| problem.rule == rule), "{uri} {table}: {found:?}");
    }
    let source = shop
        .open_with(
            json!({}),
            &[],
            &[("db://shop/{id}", json!({"sql": sql, "params": {"id": param}, "complete": {"id": "SELECT nothing"}}))],
        )
        .await;
    let told = source.inspect().await;
    assert!(told.iter().any(|it| it.place.to_string().ends_with("/complete/id")), "{told:?}");
}
