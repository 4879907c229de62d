SELECT * FROM (
  SELECT 'warning' AS level, format('the index %I.%I is invalid', n.nspname, c.relname) AS finding,
         format('REINDEX INDEX CONCURRENTLY %I.%I', n.nspname, c.relname) AS advice
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT i.indisvalid AND c.relkind = 'i'
  UNION ALL
  SELECT 'warning', format('the index %I.%I is the same as %I', n.nspname, c.relname, o.relname),
         format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_index j ON j.indrelid = i.indrelid AND j.indkey::text = i.indkey::text AND j.indclass::text = i.indclass::text
    AND j.indoption::text = i.indoption::text AND j.indcollation::text = i.indcollation::text
    AND j.indexprs::text IS NOT DISTINCT FROM i.indexprs::text AND j.indpred::text IS NOT DISTINCT FROM i.indpred::text
  JOIN pg_class o ON o.oid = j.indexrelid AND o.relam = c.relam
  WHERE i.indisvalid AND j.indisvalid AND NOT i.indisprimary AND c.relkind = 'i'
    AND (j.indisprimary, j.indisunique, -j.indexrelid::int8) > (i.indisprimary, i.indisunique, -i.indexrelid::int8)
    AND (j.indisunique OR NOT i.indisunique)
  UNION ALL
  SELECT 'ok', format('the index %I.%I (%s) was never used since %s', n.nspname, c.relname,
                      pg_size_pretty(pg_relation_size(c.oid)), coalesce(to_char(d.stats_reset, 'YYYY-MM-DD'), 'the statistics began')),
         'drop it if that stays so, on the replicas too'
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_stat_database d ON d.datname = current_database()
  WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND c.relkind = 'i'
    AND pg_stat_get_numscans(c.oid) = 0 AND pg_relation_size(c.oid) > 1048576
    AND n.nspname NOT LIKE 'pg\_%'
) found ORDER BY level DESC, finding
