-- Which names of pg_catalog an ad-hoc statement may call. A name is allowed only if each of its overloads is.
WITH overload AS (
  SELECT p.proname AS name,
         p.prokind IN ('f', 'a', 'w')
           AND (p.provolatile IN ('i', 's')
             -- Volatile, but harmless: they change nothing and wait for nothing.
             OR p.proname ~ '^(random|clock_timestamp|timeofday|gen_random_uuid|pg_is_in_recovery)$'
             OR p.proname ~ '^pg_(database|table|indexes|relation|total_relation)_size$')
           AND NOT (p.prorettype = ANY (inner_type.oids) OR p.proargtypes::oid[] && inner_type.oids)
           -- Run a query given as text, or work on large objects, or are the insides of something.
           AND p.proname !~ '_to_xml|^(binary_upgrade|fmgr|lo)_|^(lowrite|loread|ts_rewrite|ts_stat)$'
           AND p.proname !~ '_(accum|accum_inv|combine|serialize|transfn|finalfn)$'
           -- Reach the server's files, other sessions, replication, settings.
           AND p.proname !~ '^pg_(read|ls_|stat_file|sleep|advisory|try_advisory|notify|terminate|cancel|reload|rotate)'
           AND p.proname !~ '^pg_(logical|replication|create|drop|switch|wal_replay|walfile|backup|start|stop|export)'
           AND p.proname !~ '^pg_(log_|promote|control|config|hba|ident_|show|file|prepared|cursor|event_trigger)'
           AND p.proname !~ '^pg_(relation_filepath|tablespace_|current_xact_id$|current_logfile|get_wal|lock_status)'
           AND p.proname !~ '^pg_(get_replication|import|extension_config|mcv)'
           AND p.proname !~ '^pg_stat_get_(activity|backend|wal|progress|subscription|replication|snapshot_timestamp)'
           AND p.proname !~ '^(set_config|current_setting|txid_current|setseed|nextval|setval|currval|lastval)$'
           AND p.proname !~ '^inet_(client|server)_(addr|port)$' AS allowed,
         'internal'::regtype = ANY (p.proargtypes::oid[]) OR p.prorettype = ANY (uncallable.oids) AS uncallable
  FROM pg_catalog.pg_proc p,
       (SELECT ARRAY['internal', 'cstring', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler',
                     'index_am_handler', 'table_am_handler', 'tsm_handler']::regtype[]::oid[] AS oids) inner_type,
       (SELECT ARRAY['trigger', 'event_trigger', 'language_handler', 'fdw_handler', 'index_am_handler',
                     'table_am_handler', 'tsm_handler']::regtype[]::oid[] AS oids) uncallable
  WHERE p.pronamespace = 'pg_catalog'::regnamespace
), function AS (
  SELECT name, bool_and(allowed) AS allowed FROM overload
  GROUP BY name HAVING bool_and(allowed) OR NOT bool_and(uncallable)
)
SELECT line FROM (
  SELECT CASE WHEN allowed THEN '+' ELSE '-' END || name AS line, name FROM function
  UNION ALL
  -- `type(value)` is a cast.
  SELECT '+' || typname, typname FROM pg_catalog.pg_type
  WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typelem = 0
    AND typname NOT IN (SELECT name FROM function)
) lines
ORDER BY name COLLATE "C"
