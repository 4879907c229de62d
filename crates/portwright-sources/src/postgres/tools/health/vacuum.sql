SELECT * FROM (
  SELECT CASE WHEN age(datfrozenxid) > 1500000000 THEN 'warning' ELSE 'ok' END AS level,
         format('the oldest transaction of the database is %s old, of 2 billion that there can be', age(datfrozenxid)) AS finding,
         CASE WHEN age(datfrozenxid) > 1500000000 THEN 'run VACUUM (FREEZE), and look why autovacuum does not' END AS advice
  FROM pg_database WHERE datname = current_database()
  UNION ALL
  SELECT 'warning', format('the table %I.%I has %s dead rows beside %s live ones, last vacuumed %s', schemaname, relname,
                           n_dead_tup, n_live_tup, coalesce(to_char(greatest(last_vacuum, last_autovacuum), 'YYYY-MM-DD'), 'never')),
         format('VACUUM (ANALYZE) %I.%I', schemaname, relname)
  FROM pg_stat_user_tables WHERE n_dead_tup > 10000 AND n_dead_tup * 5 > n_live_tup
  UNION ALL
  SELECT 'warning', format('the table %I.%I has about %s rows and was never analyzed', schemaname, relname, n_live_tup),
         format('ANALYZE %I.%I', schemaname, relname)
  FROM pg_stat_user_tables WHERE n_live_tup > 1000 AND last_analyze IS NULL AND last_autoanalyze IS NULL
) found ORDER BY level DESC, finding
