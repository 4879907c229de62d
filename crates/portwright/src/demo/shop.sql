-- A small shop for SQLite: who bought what, in the last year and a bit.
--
-- Everything comes out of one linear congruential generator, so every shop made by this script is the same, except
-- that dates count back from now. People are made up, their addresses are at example.com. Run it on an empty file:
--     sqlite3 shop.db < shop.sql

CREATE TABLE customers (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL UNIQUE,
    country     TEXT NOT NULL,               -- ISO 3166-1 alpha-2
    created_at  TEXT NOT NULL                -- UTC, RFC 3339
);

CREATE TABLE products (
    id           INTEGER PRIMARY KEY,
    sku          TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    category     TEXT NOT NULL,
    price_cents  INTEGER NOT NULL CHECK (price_cents > 0)
);

CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,
    customer_id  INTEGER NOT NULL REFERENCES customers (id),
    status       TEXT NOT NULL CHECK (status IN ('paid', 'shipped', 'delivered', 'cancelled')),
    ordered_at   TEXT NOT NULL,              -- UTC, RFC 3339
    total_cents  INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE order_items (
    order_id          INTEGER NOT NULL REFERENCES orders (id),
    line              INTEGER NOT NULL,
    product_id        INTEGER NOT NULL REFERENCES products (id),
    quantity          INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_cents  INTEGER NOT NULL,      -- the price on that day
    PRIMARY KEY (order_id, line)
) WITHOUT ROWID;

-- The dice: 31-bit states of the generator; the lower bits of such a generator repeat too soon and are not used.
CREATE TEMP TABLE dice (n INTEGER PRIMARY KEY, roll INTEGER NOT NULL);
INSERT INTO dice
WITH RECURSIVE states (n, x) AS (
    SELECT 0, 8722
    UNION ALL
    SELECT n + 1, (x * 1103515245 + 12345) % 2147483648 FROM states WHERE n < 9999
)
SELECT n, x >> 8 FROM states;

-- Six given and six family names from each of eleven places, and how they are written in an address.
CREATE TEMP TABLE names (place INTEGER, country TEXT, kind TEXT, n INTEGER, name TEXT, latin TEXT);
INSERT INTO names VALUES
    (0, 'GB', 'given', 0, 'Ada', 'ada'), (0, 'GB', 'given', 1, 'Oliver', 'oliver'), (0, 'GB', 'given', 2, 'Grace', 'grace'),
    (0, 'GB', 'given', 3, 'Isaac', 'isaac'), (0, 'GB', 'given', 4, 'Ruby', 'ruby'), (0, 'GB', 'given', 5, 'Theo', 'theo'),
    (0, 'GB', 'family', 0, 'Hughes', 'hughes'), (0, 'GB', 'family', 1, 'Bennett', 'bennett'), (0, 'GB', 'family', 2, 'Clarke', 'clarke'),
    (0, 'GB', 'family', 3, 'O''Connor', 'oconnor'), (0, 'GB', 'family', 4, 'Whitfield', 'whitfield'), (0, 'GB', 'family', 5, 'Marlow', 'marlow'),
    (1, 'FR', 'given', 0, 'Amélie', 'amelie'), (1, 'FR', 'given', 1, 'Loïc', 'loic'), (1, 'FR', 'given', 2, 'Chloé', 'chloe'),
    (1, 'FR', 'given', 3, 'Étienne', 'etienne'), (1, 'FR', 'given', 4, 'Hélène', 'helene'), (1, 'FR', 'given', 5, 'Rémi', 'remi'),
    (1, 'FR', 'family', 0, 'Durand', 'durand'), (1, 'FR', 'family', 1, 'Lefèvre', 'lefevre'), (1, 'FR', 'family', 2, 'Moreau', 'moreau'),
    (1, 'FR', 'family', 3, 'Gauthier', 'gauthier'), (1, 'FR', 'family', 4, 'Béranger', 'beranger'), (1, 'FR', 'family', 5, 'Petit', 'petit'),
    (2, 'DE', 'given', 0, 'Jürgen', 'juergen'), (2, 'DE', 'given', 1, 'Käthe', 'kaethe'), (2, 'DE', 'given', 2, 'Lukas', 'lukas'),
    (2, 'DE', 'given', 3, 'Anneliese', 'anneliese'), (2, 'DE', 'given', 4, 'Björn', 'bjoern'), (2, 'DE', 'given', 5, 'Mareike', 'mareike'),
    (2, 'DE', 'family', 0, 'Müller', 'mueller'), (2, 'DE', 'family', 1, 'Schäfer', 'schaefer'), (2, 'DE', 'family', 2, 'Groß', 'gross'),
    (2, 'DE', 'family', 3, 'Köhler', 'koehler'), (2, 'DE', 'family', 4, 'Vogel', 'vogel'), (2, 'DE', 'family', 5, 'Weiß', 'weiss'),
    (3, 'ES', 'given', 0, 'Lucía', 'lucia'), (3, 'ES', 'given', 1, 'Íñigo', 'inigo'), (3, 'ES', 'given', 2, 'Begoña', 'begona'),
    (3, 'ES', 'given', 3, 'Raúl', 'raul'), (3, 'ES', 'given', 4, 'Sofía', 'sofia'), (3, 'ES', 'given', 5, 'Andrés', 'andres'),
    (3, 'ES', 'family', 0, 'García', 'garcia'), (3, 'ES', 'family', 1, 'Núñez', 'nunez'), (3, 'ES', 'family', 2, 'Ibáñez', 'ibanez'),
    (3, 'ES', 'family', 3, 'Ortega', 'ortega'), (3, 'ES', 'family', 4, 'Peña', 'pena'), (3, 'ES', 'family', 5, 'Mora', 'mora'),
    (4, 'UA', 'given', 0, 'Олена', 'olena'), (4, 'UA', 'given', 1, 'Тарас', 'taras'), (4, 'UA', 'given', 2, 'Ірина', 'iryna'),
    (4, 'UA', 'given', 3, 'Богдан', 'bohdan'), (4, 'UA', 'given', 4, 'Марія', 'mariia'), (4, 'UA', 'given', 5, 'Андрій', 'andrii'),
    (4, 'UA', 'family', 0, 'Шевченко', 'shevchenko'), (4, 'UA', 'family', 1, 'Коваленко', 'kovalenko'), (4, 'UA', 'family', 2, 'Бондар', 'bondar'),
    (4, 'UA', 'family', 3, 'Ткачук', 'tkachuk'), (4, 'UA', 'family', 4, 'Лисенко', 'lysenko'), (4, 'UA', 'family', 5, 'Мороз', 'moroz'),
    (5, 'GR', 'given', 0, 'Ελένη', 'eleni'), (5, 'GR', 'given', 1, 'Γιώργος', 'giorgos'), (5, 'GR', 'given', 2, 'Κατερίνα', 'katerina'),
    (5, 'GR', 'given', 3, 'Νίκος', 'nikos'), (5, 'GR', 'given', 4, 'Ζωή', 'zoi'), (5, 'GR', 'given', 5, 'Δημήτρης', 'dimitris'),
    (5, 'GR', 'family', 0, 'Παππάς', 'pappas'), (5, 'GR', 'family', 1, 'Νικολάου', 'nikolaou'), (5, 'GR', 'family', 2, 'Γεωργίου', 'georgiou'),
    (5, 'GR', 'family', 3, 'Βασιλείου', 'vasileiou'), (5, 'GR', 'family', 4, 'Ιωάννου', 'ioannou'), (5, 'GR', 'family', 5, 'Μωραΐτης', 'moraitis'),
    (6, 'JP', 'given', 0, '花子', 'hanako'), (6, 'JP', 'given', 1, '健太', 'kenta'), (6, 'JP', 'given', 2, 'さくら', 'sakura'),
    (6, 'JP', 'given', 3, '大輔', 'daisuke'), (6, 'JP', 'given', 4, '美咲', 'misaki'), (6, 'JP', 'given', 5, '翔', 'sho'),
    (6, 'JP', 'family', 0, '佐藤', 'sato'), (6, 'JP', 'family', 1, '鈴木', 'suzuki'), (6, 'JP', 'family', 2, '高橋', 'takahashi'),
    (6, 'JP', 'family', 3, '田中', 'tanaka'), (6, 'JP', 'family', 4, '伊藤', 'ito'), (6, 'JP', 'family', 5, '森', 'mori'),
    (7, 'CN', 'given', 0, '伟', 'wei'), (7, 'CN', 'given', 1, '芳', 'fang'), (7, 'CN', 'given', 2, '娜', 'na'),
    (7, 'CN', 'given', 3, '秀英', 'xiuying'), (7, 'CN', 'given', 4, '静', 'jing'), (7, 'CN', 'given', 5, '强', 'qiang'),
    (7, 'CN', 'family', 0, '王', 'wang'), (7, 'CN', 'family', 1, '李', 'li'), (7, 'CN', 'family', 2, '张', 'zhang'),
    (7, 'CN', 'family', 3, '刘', 'liu'), (7, 'CN', 'family', 4, '陈', 'chen'), (7, 'CN', 'family', 5, '杨', 'yang'),
    (8, 'KR', 'given', 0, '민준', 'minjun'), (8, 'KR', 'given', 1, '서연', 'seoyeon'), (8, 'KR', 'given', 2, '지우', 'jiwoo'),
    (8, 'KR', 'given', 3, '하준', 'hajun'), (8, 'KR', 'given', 4, '수아', 'sua'), (8, 'KR', 'given', 5, '도윤', 'doyun'),
    (8, 'KR', 'family', 0, '김', 'kim'), (8, 'KR', 'family', 1, '이', 'yi'), (8, 'KR', 'family', 2, '박', 'park'),
    (8, 'KR', 'family', 3, '최', 'choi'), (8, 'KR', 'family', 4, '정', 'jeong'), (8, 'KR', 'family', 5, '강', 'kang'),
    (9, 'EG', 'given', 0, 'ليلى', 'layla'), (9, 'EG', 'given', 1, 'عمر', 'omar'), (9, 'EG', 'given', 2, 'فاطمة', 'fatima'),
    (9, 'EG', 'given', 3, 'يوسف', 'youssef'), (9, 'EG', 'given', 4, 'سلمى', 'salma'), (9, 'EG', 'given', 5, 'خالد', 'khaled'),
    (9, 'EG', 'family', 0, 'حداد', 'haddad'), (9, 'EG', 'family', 1, 'نصر', 'nasr'), (9, 'EG', 'family', 2, 'منصور', 'mansour'),
    (9, 'EG', 'family', 3, 'سليم', 'selim'), (9, 'EG', 'family', 4, 'فهمي', 'fahmy'), (9, 'EG', 'family', 5, 'عباس', 'abbas'),
    (10, 'IN', 'given', 0, 'आरव', 'aarav'), (10, 'IN', 'given', 1, 'अनन्या', 'ananya'), (10, 'IN', 'given', 2, 'विवान', 'vivaan'),
    (10, 'IN', 'given', 3, 'दिया', 'diya'), (10, 'IN', 'given', 4, 'कबीर', 'kabir'), (10, 'IN', 'given', 5, 'मीरा', 'meera'),
    (10, 'IN', 'family', 0, 'शर्मा', 'sharma'), (10, 'IN', 'family', 1, 'वर्मा', 'varma'), (10, 'IN', 'family', 2, 'पटेल', 'patel'),
    (10, 'IN', 'family', 3, 'गुप्ता', 'gupta'), (10, 'IN', 'family', 4, 'नायर', 'nair'), (10, 'IN', 'family', 5, 'राव', 'rao');

-- Everybody once: 11 places, 6 given and 6 family names. Family names come first where people write them so.
INSERT INTO customers (id, name, email, country, created_at)
SELECT
    row_number() OVER (ORDER BY d.roll, given.place, given.n, family.n),
    CASE WHEN given.country IN ('JP', 'CN', 'KR') THEN family.name || given.name ELSE given.name || ' ' || family.name END,
    given.latin || '.' || family.latin || '@example.com',
    given.country,
    strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-' || (400 * 86400 + 86400000 - d.roll * 86400000 / 8388608) || ' seconds')
FROM names AS given
JOIN names AS family ON family.place = given.place AND family.kind = 'family'
JOIN dice AS d ON d.n = given.place * 36 + given.n * 6 + family.n
WHERE given.kind = 'given';

INSERT INTO products (id, sku, name, category, price_cents)
WITH things (n, category, thing, price_cents) AS (
    VALUES (0, 'kitchen', 'Mug', 1290), (1, 'kitchen', 'Teapot', 3990), (2, 'kitchen', 'Bread knife', 2750),
           (3, 'kitchen', 'Cutting board', 3490), (4, 'desk', 'Notebook', 890), (5, 'desk', 'Fountain pen', 4500),
           (6, 'desk', 'Desk lamp', 5995), (7, 'desk', 'Letter tray', 1850), (8, 'garden', 'Watering can', 2290),
           (9, 'garden', 'Trowel', 1575), (10, 'garden', 'Flower pot', 1195), (11, 'garden', 'Seed box', 2680)
),
looks (n, look, code, more_cents) AS (
    VALUES (0, 'blue', 'BLU', 0), (1, 'oak', 'OAK', 450), (2, 'white', 'WHT', 0), (3, 'brass', 'BRS', 900)
)
SELECT
    things.n * 4 + looks.n + 1,
    upper(substr(things.category, 1, 3)) || '-' || printf('%02d', things.n + 1) || '-' || looks.code,
    things.thing || ', ' || looks.look,
    things.category,
    things.price_cents + looks.more_cents
FROM things, looks;

-- The product of two rolls makes some customers regulars, and most orders recent.
INSERT INTO orders (id, customer_id, status, ordered_at)
WITH rolls AS (
    SELECT
        who.n - 1000 + 1 AS id,
        1 + (who.roll % 396) * (who_too.roll % 1000) / 1000 AS customer_id,
        (ago.roll % 576000) * (ago_too.roll % 1000) / 1000 * 60 + ago.roll % 60 AS seconds_ago,
        fate.roll % 100 AS fate
    FROM dice AS who
    JOIN dice AS who_too ON who_too.n = (who.n * 7 + 1) % 10000
    JOIN dice AS ago ON ago.n = (who.n * 11 + 2) % 10000
    JOIN dice AS ago_too ON ago_too.n = (who.n * 13 + 3) % 10000
    JOIN dice AS fate ON fate.n = (who.n * 17 + 4) % 10000
    WHERE who.n BETWEEN 1000 AND 3399
)
SELECT
    1000 + row_number() OVER (ORDER BY seconds_ago DESC, id),
    customer_id,
    CASE
        WHEN fate < 4 THEN 'cancelled'
        WHEN seconds_ago > 7 * 86400 THEN 'delivered'
        WHEN seconds_ago > 2 * 86400 THEN 'shipped'
        ELSE 'paid'
    END,
    strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-' || seconds_ago || ' seconds')
FROM rolls;

-- One to four lines an order.
INSERT INTO order_items (order_id, line, product_id, quantity, unit_price_cents)
WITH lines (line) AS (VALUES (1), (2), (3), (4))
SELECT orders.id, lines.line, products.id, 1 + many.roll % 3, products.price_cents
FROM orders
JOIN lines
JOIN dice AS length ON length.n = (orders.id * 3) % 10000
JOIN dice AS what ON what.n = (orders.id * 5 + lines.line * 2477) % 10000
JOIN dice AS many ON many.n = (orders.id * 19 + lines.line * 1237) % 10000
JOIN products ON products.id = 1 + what.roll % 48
WHERE lines.line <= 1 + length.roll % 4;

UPDATE orders SET total_cents = (
    SELECT sum(quantity * unit_price_cents) FROM order_items WHERE order_items.order_id = orders.id
);

CREATE INDEX customers_by_name ON customers (name);
CREATE INDEX orders_by_customer ON orders (customer_id, ordered_at);
CREATE INDEX orders_by_date ON orders (ordered_at);
CREATE INDEX order_items_by_product ON order_items (product_id);

DROP TABLE temp.dice;
DROP TABLE temp.names;
