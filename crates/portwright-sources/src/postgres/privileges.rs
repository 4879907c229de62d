//! What the role may do beyond what the plan needs, and the statements that mend it.

use portwright_core::{Diagnostic, Pointer};
use tokio_postgres::{Client, Error};

use super::dsn::{Dsn, Verify};
use super::session::identifier;
use crate::shared::sql::Access;

/// Roles of PostgreSQL's that reach the server's files and programs.
const FILE_ROLES: [&str; 3] = ["pg_read_server_files", "pg_write_server_files", "pg_execute_server_program"];

/// Names that one message tells at most.
const TOLD_MAX: usize = 5;

/// What the role is and may do.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) role: String,
    pub(super) database: String,
    pub(super) superuser: bool,
    pub(super) bypasses_rls: bool,
    pub(super) creates_roles: bool,
    /// Roles of [`FILE_ROLES`] that it is a member of.
    pub(super) file_roles: Vec<String>,
    /// Tables that it may write to, as `schema.table`.
    pub(super) writable: Vec<String>,
    /// Schemas that it may create objects in.
    pub(super) creates_in: Vec<String>,
    /// Schemas that it may use.
    pub(super) schemas: Vec<String>,
    /// Views that it may read and that call functions, not PostgreSQL's own, that may do more than compute.
    pub(super) volatile_views: Vec<String>,
}

/// What a view's rule refers to, operators with what they call. PostgreSQL notes nothing about its own functions.
const VOLATILE_VIEWS: &str = "\
SELECT DISTINCT format('%I.%I (%I)', n.nspname, c.relname, p.proname)
FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
JOIN pg_proc p ON p.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
WHERE c.relkind = 'v' AND p.provolatile = 'v' AND p.pronamespace <> 'pg_catalog'::regnamespace
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1 LIMIT 1000";

pub(super) async fn facts(client: &Client) -> Result<Facts, Error> {
    let role = "SELECT r.rolname::text, current_database()::text, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
                       ARRAY(SELECT m.rolname::text FROM pg_roles m WHERE m.rolname = ANY ($1::text[]) AND pg_has_role(r.oid, m.oid, 'USAGE') ORDER BY 1)
                FROM pg_roles r WHERE r.rolname = current_user";
    let schemas = "SELECT nspname::text, has_schema_privilege(oid, 'CREATE') FROM pg_namespace
                   WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
                     AND has_schema_privilege(oid, 'USAGE') ORDER BY 1";
    let tables = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p', 'f', 'v') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
                    AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                         OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
                  ORDER BY 1 LIMIT 1000";
    let role = client.query_one(role, &[&FILE_ROLES.as_slice()]).await?;
    let mut facts = Facts {
        role: role.try_get(0)?,
        database: role.try_get(1)?,
        superuser: role.try_get(2)?,
        bypasses_rls: role.try_get(3)?,
        creates_roles: role.try_get(4)?,
        file_roles: role.try_get(5)?,
        ..Facts::default()
    };
    for row in client.query(schemas, &[]).await? {
        let schema: String = row.try_get(0)?;
        if row.try_get(1)? {
            facts.creates_in.push(schema.clone());
        }
        facts.schemas.push(schema);
    }
    for (sql, names) in [(tables, &mut facts.writable), (VOLATILE_VIEWS, &mut facts.volatile_views)] {
        for row in client.query(sql, &[]).await? {
            names.push(row.try_get(0)?);
        }
    }
    Ok(facts)
}

/// The statements that make a role which may do what the access says, and no more.
fn role_of_its_own(facts: &Facts, access: Access) -> String {
    let database = identifier(&facts.database);
    let (role, privileges) = match access {
        Access::ReadOnly => ("portwright_reader", "SELECT"),
        Access::ReadWrite => ("portwright_writer", "SELECT, INSERT, UPDATE, DELETE"),
    };
    let mut statements = vec![
        format!("CREATE ROLE {role} LOGIN PASSWORD '…' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;"),
        format!("GRANT CONNECT ON DATABASE {database} TO {role};"),
    ];
    if access == Access::ReadOnly {
        statements.push(format!("ALTER ROLE {role} SET default_transaction_read_only = on;"));
    }
    for schema in facts.schemas.iter().map(|schema| identifier(schema)) {
        statements.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role};"));
        statements.push(format!("GRANT {privileges} ON ALL TABLES IN SCHEMA {schema} TO {role};"));
        if access == Access::ReadWrite {
            statements.push(format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"));
        }
    }
    format!("use a role of its own:\n{}", statements.join("\n"))
}

fn some(names: &[String]) -> String {
    let told = names.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > TOLD_MAX { format!("{told} and {} more", names.len() - TOLD_MAX) } else { told }
}

pub(super) fn judge(facts: &Facts, access: Access, place: &Pointer) -> Vec<Diagnostic> {
    let url = place.join("url");
    let role = &facts.role;
    let quoted = identifier(role);
    let advice = |rule, message: String, hint: String| Diagnostic::advice(url.clone(), rule, message).hint(hint);
    let mut found = Vec::new();
    if access == Access::ReadOnly && !facts.volatile_views.is_empty() {
        let message = format!("reading {} calls functions that may do more than compute", some(&facts.volatile_views));
        let hint = "the guard does not see behind views: declare functions that only read STABLE, and take the SELECT \
                    privilege on the other views from the role";
        found.push(advice("volatile-view", message, hint.to_owned()));
    }
    if facts.superuser {
        let message = format!("the role `{role}` is a superuser: no privilege of the database holds it back");
        found.push(advice("superuser", message, role_of_its_own(facts, access)));
        return found;
    }
    if facts.bypasses_rls {
        let message = format!("the role `{role}` is not held by row-level security");
        found.push(advice("bypasses-rls", message, format!("ALTER ROLE {quoted} NOBYPASSRLS;")));
    }
    if facts.creates_roles {
        let message = format!("the role `{role}` may create roles");
        found.push(advice("creates-roles", message, format!("ALTER ROLE {quoted} NOCREATEROLE;")));
    }
    for member in &facts.file_roles {
        let message = format!("the role `{role}` is a member of `{member}`: it reaches the server's files or programs");
        found.push(advice("server-files", message, format!("REVOKE {} FROM {quoted};", identifier(member))));
    }
    if access == Access::ReadOnly && !facts.writable.is_empty() {
        let message = format!("the role `{role}` may write to {}, and the access is read-only", some(&facts.writable));
        found.push(advice("may-write", message, role_of_its_own(facts, access)));
    }
    if !facts.creates_in.is_empty() {
        let message = format!("the role `{role}` may create objects in {}", some(&facts.creates_in));
        let revoke = facts.creates_in.iter().map(|schema| {
            let schema = identifier(schema);
            // What everybody may do can only be taken from everybody.
            format!("REVOKE CREATE ON SCHEMA {schema} FROM {quoted}, PUBLIC;")
        });
        found.push(advice("may-create", message, revoke.collect::<Vec<_>>().join("\n")));
    }
    found
}

/// What the connection string leaves open.
pub(super) fn of_connection(dsn: &Dsn, place: &Pointer) -> Vec<Diagnostic> {
    let verified = matches!(dsn.security.verify, Verify::Authority | Verify::Host);
    if dsn.is_local() || verified || (dsn.security.chosen && dsn.security.verify == Verify::Disable) {
        return Vec::new();
    }
    let message = "the server is on another host and need not prove that it is the right one";
    let hint = "add sslmode=verify-full to `url`, and sslrootcert=PATH if the authority is your own (sslmode=disable \
                says that the network is trusted)";
    vec![Diagnostic::advice(place.join("url"), "unverified-server", message).hint(hint)]
}
