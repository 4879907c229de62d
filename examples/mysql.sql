-- The shop of the examples for MySQL 8 and MariaDB, and the user that serves it.
--
--     mysql -e 'CREATE DATABASE shop CHARACTER SET utf8mb4'
--     mysql shop < examples/mysql.sql
--     mysql -e "ALTER USER shop_reader IDENTIFIED BY '…'"
--     export MYSQL_URL='mysql://shop_reader:…@127.0.0.1/shop'
--     portwright serve -c examples/mysql.toml
--
-- The data comes out of a linear congruential step over the row's number: every shop is the same, except that dates
-- count back from now. People are made up, their addresses are at example.com.

SET NAMES utf8mb4;

-- Comments reach the model with the schema: they are the cheapest way to better queries.
CREATE TABLE customers (
    id          INT PRIMARY KEY,
    name        VARCHAR(100) NOT NULL,
    email       VARCHAR(100) NOT NULL UNIQUE,
    country     CHAR(2) NOT NULL COMMENT 'ISO 3166-1 alpha-2',
    created_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    INDEX customers_by_name (name)
) COMMENT 'Everybody who ever ordered, and some who did not';

CREATE TABLE products (
    id        INT PRIMARY KEY,
    sku       VARCHAR(20) NOT NULL UNIQUE,
    name      VARCHAR(100) NOT NULL,
    category  ENUM('kitchen', 'desk', 'garden') NOT NULL,
    price     DECIMAL(10, 2) NOT NULL CHECK (price > 0)
) COMMENT 'What is on sale now';

CREATE TABLE orders (
    id           BIGINT PRIMARY KEY,
    customer_id  INT NOT NULL,
    status       ENUM('paid', 'shipped', 'delivered', 'cancelled') NOT NULL,
    ordered_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    total        DECIMAL(10, 2) NOT NULL DEFAULT 0 COMMENT 'Euros',
    FOREIGN KEY (customer_id) REFERENCES customers (id),
    INDEX orders_by_customer (customer_id, ordered_at),
    INDEX orders_by_date (ordered_at)
) COMMENT 'One row an order; total is the sum of its items';

CREATE TABLE order_items (
    order_id    BIGINT NOT NULL,
    line        INT NOT NULL,
    product_id  INT NOT NULL,
    quantity    INT NOT NULL CHECK (quantity > 0),
    unit_price  DECIMAL(10, 2) NOT NULL COMMENT 'Euros, the price on the day of the order',
    PRIMARY KEY (order_id, line),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (product_id) REFERENCES products (id)
) COMMENT 'The lines of an order';

INSERT INTO customers (id, name, email, country, created_at)
WITH given (g, name, latin) AS (
    SELECT 0, 'Ada', 'ada' UNION ALL SELECT 1, 'Íñigo', 'inigo' UNION ALL SELECT 2, 'Jürgen', 'juergen'
    UNION ALL SELECT 3, 'Олена', 'olena' UNION ALL SELECT 4, 'Hanako', 'hanako' UNION ALL SELECT 5, 'سلمى', 'salma'
),
family (f, name, latin, country) AS (
    SELECT 0, 'Hughes', 'hughes', 'GB' UNION ALL SELECT 1, 'Ibáñez', 'ibanez', 'ES'
    UNION ALL SELECT 2, 'Weiß', 'weiss', 'DE' UNION ALL SELECT 3, 'Коваленко', 'kovalenko', 'UA'
    UNION ALL SELECT 4, '佐藤', 'sato', 'JP' UNION ALL SELECT 5, 'منصور', 'mansour', 'EG'
),
middle (m, letter) AS (
    SELECT 0, 'A' UNION ALL SELECT 1, 'B' UNION ALL SELECT 2, 'C' UNION ALL SELECT 3, 'D' UNION ALL SELECT 4, 'E'
    UNION ALL SELECT 5, 'F'
)
SELECT 1 + m * 36 + g * 6 + f, CONCAT(given.name, ' ', letter, '. ', family.name),
       CONCAT(given.latin, '.', LOWER(letter), '.', family.latin, '@example.com'), country,
       NOW() - INTERVAL (400 + (m * 36 + g * 6 + f) * 37 % 400) DAY
FROM given CROSS JOIN family CROSS JOIN middle;

INSERT INTO products (id, sku, name, category, price)
WITH things (n, category, thing, price) AS (
    SELECT 0, 'kitchen', 'Mug', 12.90 UNION ALL SELECT 1, 'kitchen', 'Teapot', 39.90
    UNION ALL SELECT 2, 'desk', 'Notebook', 8.90 UNION ALL SELECT 3, 'desk', 'Desk lamp', 59.95
    UNION ALL SELECT 4, 'garden', 'Watering can', 22.90 UNION ALL SELECT 5, 'garden', 'Seed box', 26.80
),
colours (c, colour, code, more) AS (
    SELECT 0, 'blue', 'BLU', 0 UNION ALL SELECT 1, 'oak', 'OAK', 4.50
    UNION ALL SELECT 2, 'white', 'WHT', 0 UNION ALL SELECT 3, 'brass', 'BRS', 9
)
SELECT 1 + n * 4 + c, CONCAT(UPPER(LEFT(category, 3)), '-', LPAD(n, 2, '0'), '-', code), CONCAT(thing, ', ', colour),
       category, price + more
FROM things CROSS JOIN colours;

-- The product of two rolls makes some customers regulars, and most orders recent.
INSERT INTO orders (id, customer_id, status, ordered_at)
WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 600),
dice AS (
    SELECT n, n * 7919 % 216 AS a, n * 104729 % 1000 AS b, n * 15485863 % 400 AS c, n * 32452843 % 1000 AS d,
           n * 49979687 % 100 AS fate
    FROM numbers
),
rolls AS (SELECT n, 1 + FLOOR(a * b / 1000) AS customer_id, FLOOR(c * d / 1000) AS days_ago, fate FROM dice)
SELECT 1000 + n, customer_id,
       CASE WHEN fate < 4 THEN 'cancelled' WHEN days_ago > 7 THEN 'delivered' WHEN days_ago > 2 THEN 'shipped'
            ELSE 'paid' END,
       NOW() - INTERVAL days_ago DAY
FROM rolls;

-- One to four lines an order.
INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, l.line, p.id, 1 + (o.id * 7 + l.line) % 3, p.price
FROM orders AS o
CROSS JOIN (SELECT 1 AS line UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS l
JOIN products AS p ON p.id = 1 + (o.id * 4 + l.line) * 7919 % 24
WHERE l.line <= 1 + o.id * 31 % 4;

UPDATE orders AS o
JOIN (SELECT order_id, SUM(quantity * unit_price) AS total FROM order_items GROUP BY order_id) AS sums
    ON sums.order_id = o.id
SET o.total = sums.total;

-- The user that Portwright connects as: it can read these tables, and nothing else. Portwright keeps calls read-only by
-- itself; this user keeps them read-only even if Portwright were wrong.
CREATE USER IF NOT EXISTS shop_reader;
GRANT SELECT ON customers TO shop_reader;
GRANT SELECT ON products TO shop_reader;
GRANT SELECT ON orders TO shop_reader;
GRANT SELECT ON order_items TO shop_reader;

ANALYZE TABLE customers, products, orders, order_items;
