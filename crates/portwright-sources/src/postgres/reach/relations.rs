//! What the names of a statement stand for, asked from the catalogs in the transaction that the statement will run in.

use std::collections::{HashMap, HashSet};

use tokio_postgres::{Client, Error};

use super::Reach;
use super::rewrite::rewrite;
use crate::postgres::guard::{Relation, Use};
use crate::shared::sql::SqlError;

/// `$1` schemas or nulls, `$2` names: what each of them means here. A name as long as PostgreSQL cuts names is cut.
const RESOLVE: &str = "\
SELECT u.place, c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
     WITH ORDINALITY u(schema, name, place)
JOIN pg_catalog.pg_class c ON c.relname = u.name::pg_catalog.name
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE CASE WHEN u.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
           ELSE n.nspname = u.schema::pg_catalog.name END";

/// `$1` relations: each with the columns of all that it reads rows of, in the end: the tables of a view, parents and
/// children. `read` are those that a view on the way names, or may read as a part of a whole row, which the catalogs
/// don't record.
const COLUMNS: &str = "\
WITH RECURSIVE reach(root, oid) AS (
  SELECT r.oid, r.oid FROM pg_catalog.unnest($1::pg_catalog.oid[]) r(oid)
  UNION
  SELECT reach.root, next.oid FROM reach CROSS JOIN LATERAL (
    SELECT d.refobjid FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON d.objid = w.oid
    WHERE w.ev_class = reach.oid AND w.ev_type = '1' AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = reach.oid
    UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = reach.oid) next(oid)),
rules AS (
  SELECT reach.root, w.oid, pg_catalog.strpos(w.ev_action::pg_catalog.text, ':varattno 0 ') > 0 AS whole
  FROM reach JOIN pg_catalog.pg_rewrite w ON w.ev_class = reach.oid AND w.ev_type = '1')
SELECT reach.root, reach.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, a.attname::pg_catalog.text,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       EXISTS (SELECT FROM rules u WHERE u.root = reach.root AND u.whole)
       OR EXISTS (SELECT FROM rules u JOIN pg_catalog.pg_depend d ON d.objid = u.oid
                  WHERE u.root = reach.root AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)
FROM reach JOIN pg_catalog.pg_class c ON c.oid = reach.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = reach.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY reach.root, reach.oid, a.attnum";

/// A relation as the catalogs have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    kind: String,
    /// In their order; only those of a table that has masked ones.
    pub(super) columns: Vec<Column>,
    /// It is a view that reads what is masked.
    lifts: bool,
}

/// A column of a table that has masked ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) masked: bool,
}

/// Why a statement may not run.
#[derive(Debug)]
pub(in crate::postgres) enum Beyond {
    Asking(Error),
    Refused(SqlError),
}

impl From<Error> for Beyond {
    fn from(error: Error) -> Self {
        Self::Asking(error)
    }
}

impl Reach {
    /// The statement as it may run, or why it may not.
    pub(in crate::postgres) async fn hold(
        &self,
        client: &Client,
        sql: &str,
        relations: &[Relation],
    ) -> Result<String, Beyond> {
        if relations.is_empty() {
            return Ok(sql.to_owned());
        }
        let mut known = resolve(client, relations).await?;
        for (place, relation) in relations.iter().enumerate() {
            self.judge(sql, relation, known.get(&place)).map_err(Beyond::Refused)?;
        }
        if self.masks() {
            self.fill(client, &mut known).await?;
            for (relation, known) in relations.iter().enumerate().filter_map(|(at, it)| Some((it, known.get(&at)?))) {
                unmasked(relation, known).map_err(Beyond::Refused)?;
            }
        }
        let read = |(place, relation): (usize, &'_ Relation)| (relation.used == Use::Read).then_some(place);
        let places: Vec<usize> = relations.iter().enumerate().filter_map(read).collect();
        Ok(rewrite(sql, places.iter().filter_map(|place| Some((&relations[*place], known.get(place)?)))))
    }

    /// What is beyond the fence reads as what is not there.
    fn judge(&self, sql: &str, relation: &Relation, known: Option<&Known>) -> Result<(), SqlError> {
        match known {
            Some(known) if self.opens(&known.schema, &known.name) => Ok(()),
            Some(known) if relation.used == Use::Type && known.kind == "c" && self.opens_schema(&known.schema) => {
                Ok(())
            }
            // A type that is no table's, of a schema that is open or on the path.
            None if relation.used == Use::Type
                && relation.schema.as_ref().is_none_or(|of| of == "pg_catalog" || self.opens_schema(of)) =>
            {
                Ok(())
            }
            _ => Err(SqlError::Database {
                message: match relation.used {
                    Use::Type => format!("type \"{}\" does not exist", relation.words()),
                    _ => format!("relation \"{}\" does not exist", relation.words()),
                },
                code: if relation.used == Use::Type { "42704" } else { "42P01" }.to_owned(),
                position: Some(sql.get(..relation.start).map_or(0, |before| before.chars().count()) + 1),
            }),
        }
    }

    /// Learns which columns are masked.
    async fn fill(&self, client: &Client, known: &mut HashMap<usize, Known>) -> Result<(), Error> {
        let roots: HashSet<u32> = known.values().map(|known| known.oid).collect();
        let roots: Vec<u32> = roots.into_iter().collect();
        let views: HashSet<u32> = known.values().filter(|known| !known.is_table()).map(|known| known.oid).collect();
        let rows = client.query(COLUMNS, &[&roots]).await?;
        // By relation: the masked columns of it and its kin; of a view, those of what it reads.
        let mut hidden: HashSet<(u32, String)> = HashSet::new();
        for row in &rows {
            let (root, oid): (u32, u32) = (row.try_get(0)?, row.try_get(1)?);
            let (schema, table, column): (String, String, String) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
            if !(views.contains(&root) && oid == root) && self.hides(&schema, &table, &column) {
                hidden.insert((root, column));
            }
        }
        for row in &rows {
            let (root, oid, name): (u32, u32, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(4)?);
            let (ty, may, read): (String, bool, bool) = (row.try_get(5)?, row.try_get(6)?, row.try_get(7)?);
            let of_kin = hidden.contains(&(root, name.clone()));
            for known in known.values_mut().filter(|known| known.oid == root) {
                if oid != root {
                    known.lifts |= !known.is_table() && of_kin && read;
                    continue;
                }
                let masked = if known.is_table() { of_kin } else { self.hides(&known.schema, &known.name, &name) };
                if may || masked {
                    known.columns.push(Column { name: name.clone(), ty: ty.clone(), masked });
                }
            }
        }
        for known in known.values_mut().filter(|known| !known.columns.iter().any(|column| column.masked)) {
            known.columns.clear();
        }
        Ok(())
    }
}

impl Known {
    fn is_table(&self) -> bool {
        !matches!(self.kind.as_str(), "v" | "m")
    }
}

/// Refuses what the rewriting can't hold.
fn unmasked(relation: &Relation, known: &Known) -> Result<(), SqlError> {
    let refuse = |words: String| Err(SqlError::Rejected(words));
    let name = relation.words();
    if known.lifts && relation.used != Use::Type {
        return refuse(format!("the view `{name}` reads a masked column; query its tables instead"));
    }
    if known.columns.is_empty() {
        return Ok(());
    }
    match relation.used {
        Use::Write => refuse(format!(
            "`{name}` has masked columns and can't be written by ad-hoc statements; a declared tool can write it"
        )),
        Use::Read if !relation.plain => refuse(format!(
            "`{name}` has masked columns: read it with SELECT … FROM {name}, without ONLY, * after its name, TABLE or \
             TABLESAMPLE"
        )),
        Use::Read | Use::Type => Ok(()),
    }
}

async fn resolve(client: &Client, relations: &[Relation]) -> Result<HashMap<usize, Known>, Error> {
    let schemas: Vec<Option<&str>> = relations.iter().map(|relation| relation.schema.as_deref()).collect();
    let names: Vec<&str> = relations.iter().map(|relation| relation.name.as_str()).collect();
    let rows = client.query(RESOLVE, &[&schemas, &names]).await?;
    let known = rows.iter().map(|row| {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(usize::MAX);
        let (oid, schema, name, kind) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        Ok((place, Known { oid, schema, name, kind, columns: Vec::new(), lifts: false }))
    });
    known.collect()
}
