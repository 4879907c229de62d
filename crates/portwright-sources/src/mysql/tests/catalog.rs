//! What the source tells of a real server: its schema, its health, the privileges of its user.

use portwright_core::Health;

use super::*;
use crate::shared::sql::{Scope, TableKind};

const SHOP: &str = "
    CREATE TABLE customers (id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL COMMENT 'As on the letter',
        feeling ENUM('sad', 'o''k') DEFAULT 'sad', joined DATETIME DEFAULT CURRENT_TIMESTAMP, note TEXT) COMMENT 'People who buy';
    CREATE TABLE orders (a INT, b INT, customer INT UNSIGNED, total DECIMAL(10,2), PRIMARY KEY (b, a), UNIQUE by_total (total, a),
        FOREIGN KEY (customer) REFERENCES customers (id));
    CREATE TABLE `lines` (a INT, b INT, FOREIGN KEY (b, a) REFERENCES orders (b, a));
    CREATE TABLE `Odd ``Name` (`x y` INT);
    CREATE VIEW people AS SELECT name FROM customers;
    CREATE SEQUENCE s;
    INSERT INTO customers (name) SELECT 'x' FROM seq_1_to_50; ANALYZE TABLE customers";

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_what_the_url_names_and_the_user_may_see() {
    let fixture = Fixture::new(SHOP);
    let other = Fixture::on(fixture.server.clone(), "CREATE TABLE elsewhere (a INT)");
    let database = fixture.open().await;
    let found = database.schema(Scope::default(), &cx()).await.unwrap();
    assert_eq!(
        (found.schemas.as_slice(), &found.default_schema),
        ([fixture.database.clone()].as_slice(), &fixture.database)
    );
    let names: Vec<_> = found.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["Odd `Name", "customers", "lines", "orders", "people"]);
    let table = |name: &str| found.tables.iter().find(|table| table.name == name).unwrap();
    let customers = table("customers");
    assert_eq!((customers.comment.as_deref(), customers.rows_estimate), (Some("People who buy"), Some(50)));
    assert_eq!(customers.primary_key, ["id"]);
    let column = |name: &str| customers.columns.iter().find(|column| column.name == name).unwrap();
    assert_eq!((column("name").nullable, column("name").comment.as_deref()), (false, Some("As on the letter")));
    assert_eq!(column("feeling").values, ["sad", "o'k"]);
    assert_eq!((column("id").default.as_deref(), column("note").default.as_deref()), (Some("auto_increment"), None));
    let orders = table("orders");
    assert_eq!(orders.primary_key, ["b", "a"]);
    assert_eq!(
        (orders.foreign_keys[0].references.as_str(), orders.foreign_keys[0].columns[0].as_str()),
        ("customers", "customer")
    );
    let unique = orders.indexes.iter().find(|index| index.name == "by_total").unwrap();
    assert_eq!((unique.columns.as_slice(), unique.unique), (["total".to_owned(), "a".to_owned()].as_slice(), true));
    let key = &table("lines").foreign_keys[0];
    assert_eq!(
        (key.columns.len(), key.referenced_columns.as_slice()),
        (2, ["b".to_owned(), "a".to_owned()].as_slice())
    );
    assert_eq!(table("people").kind, TableKind::View);
    let one = Scope { table: Some("orders"), schema: Some(&fixture.database) };
    assert_eq!(database.schema(one, &cx()).await.unwrap().tables.len(), 1);
    let elsewhere = Scope { schema: Some(&other.database), table: None };
    assert!(database.schema(elsewhere, &cx()).await.unwrap().tables.is_empty());
    // Without a database in the URL, all that the user may see.
    let all = open(&fixture.server.url("root", ""), Access::ReadOnly, 1).await.unwrap();
    let found = all.schema(Scope::default(), &cx()).await.unwrap();
    assert!(found.schemas.contains(&fixture.database) && found.schemas.contains(&other.database));
    assert!(!found.schemas.iter().any(|name| name == "mysql"));
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_beyond_reading_are_told() {
    let fixture = Fixture::new("CREATE TABLE t (a INT)");
    let rules = async |url: &str| -> Vec<String> {
        let database = open(url, Access::ReadOnly, 1).await.unwrap();
        database.privileges().await.iter().map(|it| format!("{} {}", it.place.as_str(), it.rule)).collect()
    };
    assert_eq!(rules(&fixture.url("root")).await, ["/sources/test/url superuser"]);
    let reader = fixture.user("SELECT, SHOW VIEW");
    assert!(rules(&fixture.url(&reader)).await.is_empty());
    fixture.sql(&format!(
        "GRANT INSERT, CREATE ON {}.* TO {reader}@'%'; GRANT FILE ON *.* TO {reader}@'%'",
        fixture.database
    ));
    assert_eq!(
        rules(&fixture.url(&reader)).await,
        ["/sources/test/url server-files", "/sources/test/url may-write", "/sources/test/url may-create"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_asked_of_the_server() {
    let fixture = Fixture::on(Arc::new(Server::start()), "");
    let database = fixture.open().await;
    assert!(matches!(database.health().await, Health::Ready));
    let Fixture { server, .. } = fixture;
    drop(server);
    assert!(matches!(database.health().await, Health::Degraded(_)));
}
