WITH used AS (
  SELECT format('%I.%I', schemaname, sequencename) AS name, cycle,
         CASE WHEN increment_by > 0 THEN (last_value - min_value)::numeric / nullif(max_value::numeric - min_value, 0)
              ELSE (max_value - last_value)::numeric / nullif(max_value::numeric - min_value, 0) END AS share
  FROM pg_sequences WHERE last_value IS NOT NULL
)
SELECT CASE WHEN share > 0.8 AND NOT cycle THEN 'warning' ELSE 'ok' END AS level,
       format('the sequence %s has used %s %% of its numbers', name, round(share * 100, 1)) AS finding,
       CASE WHEN share > 0.8 AND NOT cycle THEN 'make it and the columns that it fills bigint' END AS advice
FROM used WHERE share > 0.5 ORDER BY share DESC
