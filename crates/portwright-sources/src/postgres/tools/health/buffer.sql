WITH hits AS (
  SELECT 'tables' AS what, sum(heap_blks_hit) AS hit, sum(heap_blks_read) AS read FROM pg_statio_user_tables
  UNION ALL
  SELECT 'indexes', sum(idx_blks_hit), sum(idx_blks_read) FROM pg_statio_user_indexes
), shares AS (
  SELECT what, hit + read AS blocks, hit / nullif(hit + read, 0) AS share FROM hits
)
SELECT CASE WHEN share < 0.95 AND blocks > 100000 THEN 'warning' ELSE 'ok' END AS level,
       CASE WHEN share IS NULL THEN format('no block of %s was read yet', what)
            ELSE format('%s %% of the blocks of %s came from shared buffers', round(share * 100, 1), what) END AS finding,
       CASE WHEN share < 0.95 AND blocks > 100000
            THEN 'find statements that read much (get_top_queries), add indexes for them, or raise shared_buffers' END AS advice
FROM shares
