SELECT 'warning' AS level, format('the constraint %I of %I.%I was never validated', k.conname, n.nspname, c.relname) AS finding,
       format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, c.relname, k.conname) AS advice
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT k.convalidated ORDER BY 2
