WITH sessions AS (
  SELECT count(*) AS used, count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle,
         max(clock_timestamp() - state_change) FILTER (WHERE state LIKE 'idle in transaction%') AS longest
  FROM pg_stat_activity WHERE backend_type = 'client backend'
), most AS (SELECT current_setting('max_connections')::int8 AS connections)
SELECT CASE WHEN used * 10 > connections * 8 THEN 'warning' ELSE 'ok' END AS level,
       format('%s of %s connections are used', used, connections) AS finding,
       CASE WHEN used * 10 > connections * 8 THEN 'put a pool in between, or raise max_connections' END AS advice
FROM sessions, most
UNION ALL
SELECT 'warning', format('%s sessions are idle within a transaction, the longest for %s', idle, date_trunc('second', longest)),
       'find out what does not end its transactions; set idle_in_transaction_session_timeout'
FROM sessions WHERE longest > interval '5 minutes'
