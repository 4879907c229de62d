SELECT 'ok' AS level, CASE WHEN pg_is_in_recovery() THEN 'the server is a standby' ELSE 'the server is a primary' END AS finding,
       NULL::text AS advice
UNION ALL
SELECT CASE WHEN replay_lag > interval '1 minute' THEN 'warning' ELSE 'ok' END,
       format('the replica %s is %s and %s behind', coalesce(nullif(application_name, ''), pid::text), state,
              coalesce(replay_lag::text, 'not')),
       CASE WHEN replay_lag > interval '1 minute' THEN 'look at the replica''s load and at the network' END
FROM pg_stat_replication
UNION ALL
SELECT CASE WHEN active THEN 'ok' ELSE 'warning' END,
       format('the replication slot %I is %s', slot_name, CASE WHEN active THEN 'in use' ELSE 'not in use, and keeps write-ahead logs' END),
       CASE WHEN NOT active THEN format('SELECT pg_drop_replication_slot(%L), if nobody will come back for it', slot_name) END
FROM pg_replication_slots
