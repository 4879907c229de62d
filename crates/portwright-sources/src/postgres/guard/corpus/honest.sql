SELECT 1

select * from customers

SELECT id, name FROM customers WHERE id = $1

SELECT c.id, c.name AS "Customer Name" FROM public.customers AS c WHERE c.email ILIKE '%' || $1 || '%' ORDER BY c.name DESC NULLS LAST LIMIT 10 OFFSET 20;

SELECT count(*), count(DISTINCT customer_id), sum(total), avg(total), min(total), max(total), stddev_samp(total) FROM orders

SELECT status, count(*) FILTER (WHERE total > 100) AS big FROM orders GROUP BY status HAVING count(*) > 1 ORDER BY 2 DESC

SELECT DISTINCT ON (customer_id) customer_id, id, placed_at FROM orders ORDER BY customer_id, placed_at DESC

SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.placed_at >= now() - interval '30 days'

SELECT * FROM customers c LEFT JOIN orders o USING (id) FULL OUTER JOIN items i ON i.order_id = o.id CROSS JOIN employees e

SELECT * FROM customers NATURAL JOIN orders

SELECT name, rank() OVER (PARTITION BY dept ORDER BY salary DESC) FROM employees

SELECT name, sum(salary) OVER w, lag(salary, 1, 0) OVER w FROM employees WINDOW w AS (PARTITION BY dept ORDER BY hired ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)

SELECT avg(salary) OVER (ORDER BY hired RANGE BETWEEN '1 year' PRECEDING AND '1 year' FOLLOWING EXCLUDE CURRENT ROW) FROM employees

SELECT first_value(name) OVER (ORDER BY salary GROUPS 2 PRECEDING), ntile(4) OVER (ORDER BY id) FROM employees

SELECT dept, hired, sum(salary), grouping(dept, hired) FROM employees GROUP BY GROUPING SETS ((dept, hired), (dept), ())

SELECT dept, count(*) FROM employees GROUP BY ROLLUP (dept, hired)

SELECT dept, count(*) FROM employees GROUP BY CUBE (dept, manager_id), id

SELECT dept, count(*) FROM employees GROUP BY DISTINCT ROLLUP (dept), ROLLUP (dept, id)

WITH big AS (SELECT * FROM orders WHERE total > 1000) SELECT * FROM big JOIN customers c ON c.id = big.customer_id

WITH RECURSIVE chain AS (SELECT id, name, manager_id, 1 AS level FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, e.manager_id, level + 1 FROM employees e JOIN chain ON e.manager_id = chain.id) SELECT * FROM chain ORDER BY level

WITH RECURSIVE t(n) AS (VALUES (1) UNION SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t

WITH RECURSIVE c AS (SELECT id, manager_id FROM employees UNION ALL SELECT e.id, e.manager_id FROM employees e, c WHERE e.manager_id = c.id) SEARCH DEPTH FIRST BY id SET ordering CYCLE id SET is_cycle USING path SELECT * FROM c

WITH a AS MATERIALIZED (SELECT 1 AS x), b AS NOT MATERIALIZED (SELECT 2 AS x) SELECT * FROM a, b

SELECT c.name, last.total FROM customers c, LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY placed_at DESC LIMIT 1) AS last

SELECT c.name, t.tag FROM customers c LEFT JOIN LATERAL unnest(c.tags) AS t(tag) ON true

SELECT * FROM unnest(ARRAY[1, 2, 3], ARRAY['a', 'b', 'c']) WITH ORDINALITY AS u(n, letter, position)

SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['x', 'y'])) AS r(a, b)

SELECT * FROM generate_series('2024-01-01'::date, '2024-12-31', '1 month') AS month(start)

SELECT d::date, count(o.id) FROM generate_series(date '2024-01-01', date '2024-01-31', interval '1 day') d LEFT JOIN orders o ON o.placed_at::date = d::date GROUP BY 1 ORDER BY 1

VALUES (1, 'one'), (2, 'two'), (3, NULL)

TABLE customers

TABLE public.customers ORDER BY id LIMIT 5

SELECT id FROM customers UNION SELECT id FROM orders

SELECT id FROM customers UNION ALL SELECT id FROM orders EXCEPT SELECT order_id FROM items INTERSECT SELECT id FROM employees ORDER BY 1

(SELECT 1 UNION SELECT 2) EXCEPT ALL (SELECT 2) ORDER BY 1 LIMIT 1

SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, s) WHERE n IN (SELECT id FROM customers)

SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > ALL (SELECT price FROM items))

SELECT name FROM customers WHERE id = ANY ($1::int[])

SELECT name FROM customers WHERE id = SOME (ARRAY[1, 2, 3]) OR name LIKE ANY (ARRAY['A%', 'B%'])

SELECT name FROM customers WHERE (id, name) IN ((1, 'Ada'), (2, 'Bob'))

SELECT ROW(1, 'a') = ROW(1, 'a'), (1, 2) < (1, 3)

SELECT name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS orders FROM customers c

SELECT CASE WHEN total > 100 THEN 'big' WHEN total > 10 THEN 'medium' ELSE 'small' END AS size FROM orders

SELECT CASE status WHEN 'paid' THEN 1 ELSE 0 END FROM orders

SELECT coalesce(email, 'none'), nullif(name, ''), greatest(1, 2, 3), least(id, 5) FROM customers

SELECT CAST('42' AS integer), '42'::int, int '42', CAST(total AS numeric(10, 2)) FROM orders

SELECT '1 day'::interval, INTERVAL '1 year 2 months', INTERVAL '5' HOUR, interval '1-2' YEAR TO MONTH, make_interval(days => 10)

SELECT placed_at AT TIME ZONE 'Europe/Berlin', timezone('UTC', placed_at) FROM orders

SELECT date_trunc('month', placed_at) AS month, sum(total) FROM orders GROUP BY 1 ORDER BY 1

SELECT extract(year FROM placed_at), date_part('dow', placed_at), extract(epoch FROM now() - placed_at) FROM orders

SELECT age(now(), created_at), to_char(created_at, 'YYYY-MM-DD HH24:MI'), now()::date - 7 FROM customers

SELECT current_date, current_timestamp, localtimestamp(0), current_time, clock_timestamp(), statement_timestamp()

SELECT current_user, session_user, current_role, current_database(), current_schema, version(), current_catalog

SELECT (DATE '2001-02-16', DATE '2001-12-21') OVERLAPS (DATE '2001-10-30', DATE '2002-10-30')

SELECT date_bin('15 minutes', placed_at, TIMESTAMPTZ '2001-01-01') FROM orders

SELECT meta->'address'->>'city' AS city, meta #>> '{address,zip}', meta ? 'vip' FROM customers WHERE meta @> '{"vip": true}'

SELECT jsonb_build_object('id', id, 'name', name, 'tags', to_jsonb(tags)) FROM customers

SELECT json_agg(json_build_object('sku', sku, 'qty', qty) ORDER BY sku) FROM items GROUP BY order_id

SELECT jsonb_pretty(jsonb_agg(c)), jsonb_object_agg(name, id) FROM customers c

SELECT key, value FROM customers, jsonb_each_text(meta)

SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": "x"}]'::jsonb) AS r(a int, b text)

SELECT * FROM json_populate_record(NULL::place, '{"street": "x", "zip": 1}')

SELECT jsonb_path_query(payload, '$.items[*] ? (@.qty > $min)', '{"min": 2}') FROM events

SELECT payload @? '$.a', payload @@ '$.a > 1', jsonb_path_exists(payload, '$.b') FROM events

SELECT meta['address']['city'] FROM customers

SELECT tags[1], tags[2:3], array_length(tags, 1), cardinality(tags), tags || ARRAY['new'], tags && ARRAY['vip'] FROM customers

SELECT array_agg(DISTINCT name ORDER BY name), string_agg(name, ', ' ORDER BY name) FROM customers

SELECT ARRAY(SELECT id FROM orders ORDER BY id), ARRAY[[1, 2], [3, 4]], '{1,2,3}'::int[]

SELECT array_remove(tags, 'x'), array_position(tags, 'vip'), unnest(tags) FROM customers

SELECT during @> now(), lower(during), upper(during), isempty(during), during * tstzrange(now(), NULL, '[)') FROM orders

SELECT int4range(1, 10) && int4range(5, 15), '[1,5)'::int4range, range_agg(int4range(id, id + 1)) FROM customers

SELECT name ~ '^A', name ~* 'ada', name !~ 'x', regexp_replace(name, '\s+', ' ', 'g'), substring(name from '[a-z]+') FROM customers

SELECT regexp_matches('foobar', '(o)(b)', 'g'), regexp_split_to_table('a,b', ','), (regexp_match(name, '(.)(.)'))[1] FROM customers

SELECT name LIKE 'A\_%' ESCAPE '\', name SIMILAR TO '(A|B)%', name NOT ILIKE '%x%' FROM customers

SELECT lower(name), upper(name), initcap(name), length(name), char_length(name), reverse(name), md5(name), left(name, 3) FROM customers

SELECT trim(both ' ' from name), ltrim(name), btrim(name, 'x'), lpad(name, 10, '.'), split_part(email, '@', 2) FROM customers

SELECT substring(name from 2 for 3), overlay(name placing 'xx' from 2 for 1), position('a' in name), strpos(name, 'a') FROM customers

SELECT format('%s has %L', name, email), concat_ws('-', id, name), quote_literal(name), quote_ident(name) FROM customers

SELECT round(total, 1), ceil(total), floor(total), trunc(total), abs(-1), mod(7, 3), power(2, 10), sqrt(2), ln(2), random() FROM orders

SELECT 7 / 2, 7 % 2, 2 ^ 3, |/ 25, ||/ 27, @ -5, 1 # 3, 5 & 3, 5 | 3, ~ 1, 1 << 2, -id, +id FROM customers

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY status) FROM orders

SELECT corr(qty, price), regr_slope(qty, price), var_pop(qty), bool_and(qty > 0), every(qty > 0), bit_or(qty) FROM items

SELECT rank(100) WITHIN GROUP (ORDER BY total) FROM orders

SELECT width_bucket(total, 0, 1000, 10) AS bucket, count(*) FROM orders GROUP BY bucket ORDER BY bucket

SELECT * FROM orders TABLESAMPLE BERNOULLI (10) REPEATABLE (42)

SELECT * FROM orders TABLESAMPLE SYSTEM (1)

SELECT * FROM ONLY customers

SELECT title, ts_rank(tsv, q) FROM docs, to_tsquery('english', 'cat & dog') q WHERE tsv @@ q ORDER BY 2 DESC

SELECT ts_headline('english', body, plainto_tsquery('cats')), to_tsvector(body) @@ websearch_to_tsquery('"a b" -c') FROM docs

SELECT xmlelement(name doc, xmlattributes(id AS key), xmlforest(title, body), 'text') FROM docs

SELECT xmlagg(xmlelement(name t, title) ORDER BY id), xmlconcat('<a/>', '<b/>'), xmlcomment('hi'), xmlpi(name php, 'x') FROM docs

SELECT xpath('/a/text()', src), xmlexists('//a' PASSING BY VALUE src), src IS DOCUMENT, xmlserialize(CONTENT src AS text) FROM docs

SELECT x.* FROM docs, XMLTABLE('/rows/row' PASSING src COLUMNS id int PATH '@id', name text PATH 'name' DEFAULT 'none', n FOR ORDINALITY) AS x

SELECT xmlparse(DOCUMENT '<a/>'), xmlroot(src, VERSION '1.0', STANDALONE YES) FROM docs

SELECT email IS NULL, email IS NOT NULL, id IS DISTINCT FROM 1, (id > 1) IS TRUE, (id > 1) IS NOT UNKNOWN, email ISNULL FROM customers

SELECT id BETWEEN 1 AND 10, id NOT BETWEEN SYMMETRIC 10 AND 1, id NOT IN (1, 2) FROM customers

SELECT name COLLATE "C" FROM customers ORDER BY name COLLATE "C" USING <

SELECT (home).street, (home).zip + 1 FROM customers

SELECT c.home, c.*, c FROM customers c

SELECT (c.home).zip FROM customers c

SELECT (ROW(1, 2)).*

SELECT "Id", "the column", "select" FROM "Odd Names" o WHERE o."select" > 0

SELECT 'it''s', E'tab\there', $$dollar 'quoted'$$, $tag$ $$ $tag$, B'1010', X'1F', N'x'

SELECT 'a'
  'b' AS joined

SELECT 1 AS a /* a comment ; with DROP TABLE */, 2 AS b -- and; INSERT INTO x
FROM customers

SELECT 1e10, 1.5e-3, .5, 5., 0, 123456789012345678901234567890

SELECT true, false, null, NOT true, true AND false OR true, (true) IS NOT FALSE

SELECT feeling, feeling::text, enum_range(NULL::mood), feeling > 'sad' FROM customers

SELECT pg_typeof(1), pg_column_size(name), pg_size_pretty(pg_total_relation_size('customers')) FROM customers

SELECT relname, reltuples::bigint, pg_table_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace

SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position

SELECT conname, pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint WHERE conrelid = 'orders'::regclass

SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'orders'

SELECT obj_description('customers'::regclass), col_description('customers'::regclass, 1), to_regclass('nope')

SELECT relname, n_live_tup, last_autovacuum FROM pg_stat_user_tables ORDER BY n_live_tup DESC

SELECT has_table_privilege('customers', 'SELECT'), pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v'

SELECT pg_catalog.lower('X'), "pg_catalog"."upper"('x'), PG_CATALOG.now()

SELECT 1 OPERATOR(pg_catalog.+) 2

SELECT EXTRACT(DOW FROM DATE '2024-01-01')::int AS day, to_timestamp(0), make_date(2024, 1, 1), isfinite(now())

SELECT host('192.168.0.1/24'::inet), masklen('10.0.0.0/8'::cidr), '10.1.2.3'::inet << '10.0.0.0/8'

SELECT gen_random_uuid(), encode('abc'::bytea, 'base64'), decode('YWJj', 'base64'), sha256('x'), convert_from('x'::bytea, 'UTF8')

SELECT point(1, 2) <-> point(3, 4), '((0,0),(1,1))'::box && box '((0,0),(2,2))', area(circle '((0,0),1)')

SELECT int4(1.5), text(1), date('2024-01-01'), float8(1), numrange(1, 2)

SELECT customer_id, array_agg(id) AS ids FROM orders GROUP BY customer_id ORDER BY array_length(array_agg(id), 1) DESC FETCH FIRST 5 ROWS ONLY

SELECT * FROM orders ORDER BY total FETCH NEXT 3 ROWS WITH TIES

SELECT * FROM orders OFFSET 5 ROWS

SELECT * FROM orders LIMIT ALL

SELECT DISTINCT status FROM orders

SELECT ALL status FROM orders

SELECT FROM customers

SELECT sum(x.total) FROM (SELECT total FROM orders WHERE status <> 'void') x

SELECT sum(total) FILTER (WHERE status = 'paid') OVER (PARTITION BY customer_id) FROM orders

SELECT c.name FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id)

SELECT * FROM (customers c JOIN orders o ON c.id = o.customer_id) AS j

SELECT * FROM (customers c JOIN orders o ON c.id = o.customer_id) JOIN items i ON i.order_id = o.id

SELECT * FROM orders o JOIN items i ON (o.id = i.order_id AND i.qty > 1) WHERE o.total > (SELECT avg(total) FROM orders)

EXPLAIN SELECT * FROM orders

EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM orders WHERE total > 5

EXPLAIN ANALYZE VERBOSE SELECT count(*) FROM orders

EXPLAIN (COSTS OFF) WITH x AS (SELECT 1) SELECT * FROM x

SHOW server_version

SHOW timezone

SHOW TIME ZONE

SHOW TRANSACTION ISOLATION LEVEL

SELECT current_setting('server_version_num')::int, current_setting('TimeZone', true)

SELECT width, height FROM (SELECT 1 AS width, 2 AS height) AS s(width, height)

SELECT o.id, u.update, u.delete FROM orders o, (SELECT 1 AS update, 2 AS delete) u

SELECT value, name, type, level, time, date, user FROM (SELECT 1, 2, 3, 4, 5, 6) x(value, name, type, level, time, date)

SELECT string_to_array('a,b', ','), string_to_table('a b', ' '), array_to_string(ARRAY[1, 2], ','), generate_subscripts(ARRAY[1], 1)

SELECT row_to_json(c), to_jsonb(c) - 'email', c.meta || '{"x": 1}' FROM customers c

SELECT count(*) AS n, (count(*) * 100.0 / sum(count(*)) OVER ())::numeric(5, 2) AS share FROM orders GROUP BY status

SELECT id, sum(qty * price) AS value FROM orders JOIN items ON items.order_id = orders.id GROUP BY orders.id HAVING sum(qty * price) > 100

WITH monthly AS (SELECT date_trunc('month', placed_at) AS m, sum(total) AS t FROM orders GROUP BY 1), growth AS (SELECT m, t, lag(t) OVER (ORDER BY m) AS p FROM monthly) SELECT m, t, round((t - p) / nullif(p, 0) * 100, 2) AS pct FROM growth ORDER BY m

SELECT name, salary, salary - avg(salary) OVER (PARTITION BY dept) AS diff, cume_dist() OVER (ORDER BY salary), percent_rank() OVER (ORDER BY salary) FROM employees

SELECT nth_value(name, 2) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM employees

SELECT a.id, b.id FROM employees a, employees b WHERE a.manager_id = b.id AND (a.salary, a.id) > (b.salary, b.id)

SELECT $1::text, $2::int + 1, $3::timestamptz

SELECT normalize(name), normalize(name, NFC), name IS NORMALIZED, collation for (name) FROM customers

SELECT '12'::text::int::numeric(5)::float8, 'x'::varchar(10), 'y'::character varying, 'z'::char(3), '1'::double precision, b'1'::bit(1), '01:00'::time with time zone

SELECT key FROM app.settings WHERE value IS NOT NULL

SELECT pg_advisory FROM (SELECT 1 AS pg_advisory) x

SELECT 'pg_read_file(''/etc/passwd'')' AS harmless_text, 'COMMIT; DROP TABLE x' AS more

SELECT multirange(int4range(1, 2)), '{[1,2),[3,4)}'::int4multirange, unnest('{[1,2)}'::int4multirange)

SELECT tableoid::regclass, ctid, xmin FROM customers

SELECT txid_current_if_assigned(), pg_backend_pid(), pg_postmaster_start_time()

SELECT -- 16
  any_value(name), JSON_ARRAYAGG(id ORDER BY id), JSON_OBJECT('a': 1, 'b': 2 ABSENT ON NULL), JSON_ARRAY(1, 2), name IS JSON OBJECT FROM customers

SELECT -- 16
  x.n FROM (SELECT 0x1F AS n, 1_000_000, random_normal()) x

SELECT -- 17
  t.* FROM events, JSON_TABLE(payload, '$.items[*]' COLUMNS (id FOR ORDINALITY, sku text PATH '$.sku', NESTED PATH '$.parts[*]' COLUMNS (part text PATH '$'))) AS t

SELECT -- 17
  JSON_VALUE(payload, '$.a' RETURNING int DEFAULT 0 ON EMPTY), JSON_QUERY(payload, '$.b' WITH WRAPPER), JSON_EXISTS(payload, '$.c') FROM events

SELECT -- 18
  uuidv7(), casefold(name) FROM customers
