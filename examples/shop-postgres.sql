-- The shop of the examples for PostgreSQL, and the role that serves it.
--
--     createdb shop
--     psql -d shop -f examples/shop-postgres.sql
--     psql -d shop -c '\password shop_reader'
--     export DATABASE_URL='postgresql://shop_reader:…@127.0.0.1/shop'
--     portwright serve -c examples/shop-postgres.toml
--
-- The data comes out of a linear congruential step over the row's number: every shop is the same, except that dates
-- count back from now. People are made up, their addresses are at example.com.

BEGIN;

CREATE TYPE order_status AS ENUM ('paid', 'shipped', 'delivered', 'cancelled');

CREATE TABLE customers (
    id          integer PRIMARY KEY,
    name        text NOT NULL,
    email       text NOT NULL UNIQUE,
    country     char(2) NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE products (
    id        integer PRIMARY KEY,
    sku       text NOT NULL UNIQUE,
    name      text NOT NULL,
    category  text NOT NULL,
    price     numeric(10, 2) NOT NULL CHECK (price > 0)
);

CREATE TABLE orders (
    id           bigint PRIMARY KEY,
    customer_id  integer NOT NULL REFERENCES customers (id),
    status       order_status NOT NULL,
    ordered_at   timestamptz NOT NULL,
    total        numeric(10, 2) NOT NULL DEFAULT 0
);

CREATE TABLE order_items (
    order_id    bigint NOT NULL REFERENCES orders (id),
    line        integer NOT NULL,
    product_id  integer NOT NULL REFERENCES products (id),
    quantity    integer NOT NULL CHECK (quantity > 0),
    unit_price  numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line)
);

-- Comments reach the model with the schema: they are the cheapest way to better queries.
COMMENT ON TABLE customers IS 'Everybody who ever ordered, and some who did not';
COMMENT ON COLUMN customers.country IS 'ISO 3166-1 alpha-2';
COMMENT ON TABLE products IS 'What is on sale now';
COMMENT ON COLUMN products.category IS 'kitchen, desk or garden';
COMMENT ON TABLE orders IS 'One row an order; total is the sum of its items';
COMMENT ON COLUMN orders.total IS 'Euros';
COMMENT ON TABLE order_items IS 'The lines of an order';
COMMENT ON COLUMN order_items.unit_price IS 'Euros, the price on the day of the order';

-- Six times six names from each of six places; family names come first where people write them so.
INSERT INTO customers (id, name, email, country, created_at)
WITH places (place, country, given, given_latin, family, family_latin) AS (
    VALUES
        (0, 'GB', '{Ada,Oliver,Grace,Isaac,Ruby,Theo}'::text[], '{ada,oliver,grace,isaac,ruby,theo}'::text[],
         '{Hughes,Bennett,Clarke,O''Connor,Whitfield,Marlow}'::text[], '{hughes,bennett,clarke,oconnor,whitfield,marlow}'::text[]),
        (1, 'ES', '{Lucía,Íñigo,Begoña,Raúl,Sofía,Andrés}', '{lucia,inigo,begona,raul,sofia,andres}',
         '{García,Núñez,Ibáñez,Ortega,Peña,Mora}', '{garcia,nunez,ibanez,ortega,pena,mora}'),
        (2, 'DE', '{Jürgen,Käthe,Lukas,Anneliese,Björn,Mareike}', '{juergen,kaethe,lukas,anneliese,bjoern,mareike}',
         '{Müller,Schäfer,Groß,Köhler,Vogel,Weiß}', '{mueller,schaefer,gross,koehler,vogel,weiss}'),
        (3, 'UA', '{Олена,Тарас,Ірина,Богдан,Марія,Андрій}', '{olena,taras,iryna,bohdan,mariia,andrii}',
         '{Шевченко,Коваленко,Бондар,Ткачук,Лисенко,Мороз}', '{shevchenko,kovalenko,bondar,tkachuk,lysenko,moroz}'),
        (4, 'JP', '{花子,健太,さくら,大輔,美咲,翔}', '{hanako,kenta,sakura,daisuke,misaki,sho}',
         '{佐藤,鈴木,高橋,田中,伊藤,森}', '{sato,suzuki,takahashi,tanaka,ito,mori}'),
        (5, 'EG', '{ليلى,عمر,فاطمة,يوسف,سلمى,خالد}', '{layla,omar,fatima,youssef,salma,khaled}',
         '{حداد,نصر,منصور,سليم,فهمي,عباس}', '{haddad,nasr,mansour,selim,fahmy,abbas}')
),
people AS (
    SELECT place, country, g, f, given[g] AS given, given_latin[g] AS given_latin, family[f] AS family,
           family_latin[f] AS family_latin, ((place * 36 + g * 6 + f) * 2654435761 % 4294967296) >> 8 AS roll
    FROM places, generate_series(1, 6) AS g, generate_series(1, 6) AS f
)
SELECT
    row_number() OVER (ORDER BY roll, place, g, f),
    CASE WHEN country = 'JP' THEN family || given ELSE given || ' ' || family END,
    given_latin || '.' || family_latin || '@example.com',
    country,
    date_trunc('second', now()) - make_interval(secs => 400 * 86400 + roll * 5)
FROM people;

INSERT INTO products (id, sku, name, category, price)
SELECT
    (n - 1) * 4 + l,
    upper(left(category, 3)) || '-' || lpad(n::text, 2, '0') || '-' || (ARRAY['BLU', 'OAK', 'WHT', 'BRS'])[l],
    thing || ', ' || (ARRAY['blue', 'oak', 'white', 'brass'])[l],
    category,
    price + (ARRAY[0, 4.50, 0, 9])[l]
FROM (
    VALUES (1, 'kitchen', 'Mug', 12.90), (2, 'kitchen', 'Teapot', 39.90), (3, 'kitchen', 'Bread knife', 27.50),
           (4, 'kitchen', 'Cutting board', 34.90), (5, 'desk', 'Notebook', 8.90), (6, 'desk', 'Fountain pen', 45.00),
           (7, 'desk', 'Desk lamp', 59.95), (8, 'desk', 'Letter tray', 18.50), (9, 'garden', 'Watering can', 22.90),
           (10, 'garden', 'Trowel', 15.75), (11, 'garden', 'Flower pot', 11.95), (12, 'garden', 'Seed box', 26.80)
) AS things (n, category, thing, price), generate_series(1, 4) AS l;

-- The product of two rolls makes some customers regulars, and most orders recent.
INSERT INTO orders (id, customer_id, status, ordered_at)
WITH dice AS (
    SELECT n,
           (n * 2654435761 % 4294967296) >> 8 AS a, (n * 1597334677 % 4294967296) >> 8 AS b,
           (n * 3812015801 % 4294967296) >> 8 AS c, (n * 2246822519 % 4294967296) >> 8 AS d,
           (n * 3266489917 % 4294967296) >> 8 AS e
    FROM generate_series(1::bigint, 2400) AS n
),
rolls AS (
    SELECT n, 1 + (a % 216) * (b % 1000) / 1000 AS customer_id, (c % 576000) * (d % 1000) / 1000 * 60 AS seconds_ago,
           e % 100 AS fate
    FROM dice
)
SELECT
    1000 + row_number() OVER (ORDER BY seconds_ago DESC, n),
    customer_id,
    (CASE
        WHEN fate < 4 THEN 'cancelled'
        WHEN seconds_ago > 7 * 86400 THEN 'delivered'
        WHEN seconds_ago > 2 * 86400 THEN 'shipped'
        ELSE 'paid'
    END)::order_status,
    date_trunc('second', now()) - make_interval(secs => seconds_ago)
FROM rolls;

-- One to four lines an order.
INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, line, p.id, 1 + ((o.id * 7 + line) * 2246822519 % 4294967296 >> 8) % 3, p.price
FROM orders AS o
CROSS JOIN generate_series(1, 4) AS line
JOIN products AS p ON p.id = 1 + ((o.id * 4 + line) * 3266489917 % 4294967296 >> 8) % 48
WHERE line <= 1 + (o.id * 2654435761 % 4294967296 >> 8) % 4;

UPDATE orders SET total = sums.total
FROM (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY order_id) AS sums
WHERE sums.order_id = orders.id;

CREATE INDEX customers_by_name ON customers (name);
CREATE INDEX orders_by_customer ON orders (customer_id, ordered_at);
CREATE INDEX orders_by_date ON orders (ordered_at);
CREATE INDEX order_items_by_product ON order_items (product_id);

-- The role that Portwright connects as: it can log in and read these tables, and nothing else. Portwright keeps calls
-- read-only by itself; this role keeps them read-only even if Portwright were wrong.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_reader') THEN
        CREATE ROLE shop_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;
END
$$;
ALTER ROLE shop_reader SET default_transaction_read_only = on;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO shop_reader;
GRANT SELECT ON customers, products, orders, order_items TO shop_reader;

COMMIT;

ANALYZE;
