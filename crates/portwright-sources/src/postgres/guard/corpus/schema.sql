CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE place AS (street text, zip int);
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email text, created_at timestamptz DEFAULT now(),
  meta jsonb DEFAULT '{}', tags text[] DEFAULT '{}', feeling mood, home place);
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int REFERENCES customers, total numeric(12,2), status text,
  placed_at timestamptz DEFAULT now(), during tstzrange);
CREATE TABLE items (order_id int REFERENCES orders, sku text, qty int, price numeric, PRIMARY KEY (order_id, sku));
CREATE TABLE events (id bigserial PRIMARY KEY, at timestamptz, kind text, payload jsonb);
CREATE TABLE employees (id int PRIMARY KEY, name text, manager_id int, salary numeric, dept text, hired date);
CREATE TABLE docs (id int PRIMARY KEY, title text, body text, tsv tsvector, src xml);
CREATE TABLE "Odd Names" ("Id" int, "the column" text, "select" int);
CREATE SCHEMA app;
CREATE TABLE app.settings (key text PRIMARY KEY, value text);
