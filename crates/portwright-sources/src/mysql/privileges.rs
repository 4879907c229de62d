//! What the user may do beyond what the plan needs, by `SHOW GRANTS`, and the statements that mend it.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error};
use portwright_core::{Diagnostic, Pointer};

use super::dsn::{Dsn, Verify};
use crate::shared::sql::Access;

/// Privileges over the whole server that no source needs. Each alone leads to all others, or to other people's data.
const POWERS: &[&str] = &[
    "ALTER ROUTINE",
    "BINLOG ADMIN",
    "BINLOG_ADMIN",
    "CONNECTION ADMIN",
    "CONNECTION_ADMIN",
    "CREATE TABLESPACE",
    "CREATE USER",
    "FEDERATED ADMIN",
    "PROCESS",
    "READ_ONLY ADMIN",
    "RELOAD",
    "REPLICATION SLAVE",
    "REPLICATION_SLAVE_ADMIN",
    "ROLE_ADMIN",
    "SET USER",
    "SET_USER_ID",
    "SHUTDOWN",
    "SUPER",
    "SYSTEM_USER",
    "SYSTEM_VARIABLES_ADMIN",
];

/// Privileges that change data.
const WRITES: &[&str] = &["DELETE", "INSERT", "UPDATE"];

/// Privileges that change what there is.
const DEFINES: &[&str] = &[
    "ALTER",
    "CREATE",
    "CREATE ROUTINE",
    "CREATE VIEW",
    "DELETE HISTORY",
    "DROP",
    "EVENT",
    "INDEX",
    "REFERENCES",
    "TRIGGER",
];

/// One line of `SHOW GRANTS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// In upper case, without lists of columns.
    pub(super) privileges: Vec<String>,
    /// `*.*`, `shop.*`, `shop.orders`, without quotes.
    pub(super) on: String,
    pub(super) grants_on: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// `name@host`, as the server sees it.
    pub(super) user: String,
    pub(super) grants: Vec<Grant>,
}

pub(super) async fn facts(conn: &mut Conn) -> Result<Facts, Error> {
    let user: Option<String> = conn.query_first("SELECT CURRENT_USER()").await?;
    let lines: Vec<String> = conn.query("SHOW GRANTS").await?;
    Ok(Facts { user: user.unwrap_or_default(), grants: lines.iter().filter_map(|line| parse(line)).collect() })
}

/// Reads `GRANT a, b (c, d) ON x TO y …`; none for a role, whose own grants come on other lines.
pub(super) fn parse(line: &str) -> Option<Grant> {
    let rest = line.strip_prefix("GRANT ")?;
    let (list, rest) = rest.split_once(" ON ")?;
    let (on, rest) = rest.split_once(" TO ")?;
    let mut privileges = Vec::new();
    let (mut depth, mut word) = (0_usize, String::new());
    for c in list.chars().chain([',']) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => privileges.push(std::mem::take(&mut word).trim().to_ascii_uppercase()),
            c if depth == 0 => word.push(c),
            _ => {}
        }
    }
    let on = on.strip_prefix("TABLE ").unwrap_or(on).replace('`', "").replace("\\_", "_");
    Some(Grant { privileges, on, grants_on: rest.contains("WITH GRANT OPTION") || rest.contains("GRANT OPTION") })
}

impl Facts {
    /// Those of some privileges that the user has, with where.
    fn having(&self, wanted: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for grant in &self.grants {
            let has = grant.privileges.iter().filter(|name| wanted.contains(&name.as_str()));
            let names: Vec<&str> = has.map(String::as_str).collect();
            if !names.is_empty() {
                found.push(format!("{} on {}", names.join(", "), grant.on));
            }
        }
        found
    }

    fn all_privileges(&self) -> Option<&Grant> {
        let all = |grant: &&Grant| grant.privileges.iter().any(|name| name.starts_with("ALL"));
        self.grants.iter().filter(all).max_by_key(|grant| grant.on == "*.*")
    }
}

/// The statements that make a user which may do what the access says, and no more.
fn user_of_its_own(access: Access, database: Option<&str>) -> String {
    let (user, privileges) = match access {
        Access::ReadOnly => ("portwright_reader", "SELECT, SHOW VIEW"),
        Access::ReadWrite => ("portwright_writer", "SELECT, SHOW VIEW, INSERT, UPDATE, DELETE"),
    };
    let database = database.unwrap_or("DATABASE").replace('`', "``");
    format!(
        "use a user of its own:\nCREATE USER {user}@'%' IDENTIFIED BY '…';\nGRANT {privileges} ON `{database}`.* TO \
         {user}@'%';"
    )
}

pub(super) fn judge(facts: &Facts, access: Access, database: Option<&str>, place: &Pointer) -> Vec<Diagnostic> {
    let url = place.join("url");
    let user = &facts.user;
    let own = || user_of_its_own(access, database);
    let mut found = Vec::new();
    let mut advise = |rule, message: String| found.push(Diagnostic::advice(url.clone(), rule, message).hint(own()));
    if let Some(grant) = facts.all_privileges().filter(|grant| grant.on == "*.*") {
        advise("superuser", format!("the user `{user}` has {} on {}: no privilege holds it back", "ALL", grant.on));
        return found;
    }
    let powers = facts.having(POWERS);
    if !powers.is_empty() {
        advise("server-powers", format!("the user `{user}` has power over the server: {}", powers.join("; ")));
    }
    let files = facts.having(&["FILE"]);
    if !files.is_empty() {
        advise("server-files", format!("the user `{user}` reaches the server's files: {}", files.join("; ")));
    }
    if facts.grants.iter().any(|grant| grant.grants_on) {
        advise("may-grant", format!("the user `{user}` may give its privileges to others"));
    }
    if let Some(grant) = facts.all_privileges() {
        advise("may-write", format!("the user `{user}` has all privileges on {}", grant.on));
    } else if access == Access::ReadOnly {
        let writes = facts.having(WRITES);
        if !writes.is_empty() {
            advise("may-write", format!("the user `{user}` may {}, and the access is read-only", writes.join("; ")));
        }
    }
    let defines = facts.having(DEFINES);
    if !defines.is_empty() && facts.all_privileges().is_none() {
        advise("may-create", format!("the user `{user}` may change what there is: {}", defines.join("; ")));
    }
    let executes = facts.having(&["EXECUTE"]);
    if access == Access::ReadOnly && !executes.is_empty() {
        let message = format!("the user `{user}` may run stored functions, also those behind views");
        advise("may-execute", format!("{message}: {}", executes.join("; ")));
    }
    let elsewhere: Vec<&str> =
        facts.grants.iter().filter(|grant| reads_elsewhere(grant, database)).map(|grant| grant.on.as_str()).collect();
    if !elsewhere.is_empty() {
        let message = format!("the user `{user}` reads more than the URL's database: {}", elsewhere.join(", "));
        advise("other-databases", message);
    }
    found
}

/// Whether a grant lets read outside of the URL's database.
fn reads_elsewhere(grant: &Grant, database: Option<&str>) -> bool {
    let Some(database) = database else { return false };
    let reads = grant.privileges.iter().any(|name| name == "SELECT" || name.starts_with("ALL"));
    reads && grant.on.split('.').next().is_none_or(|of| of != database)
}

/// What the connection string leaves open.
pub(super) fn of_connection(dsn: &Dsn, place: &Pointer) -> Vec<Diagnostic> {
    let verify = dsn.security.verify;
    if dsn.is_local() || verify == Verify::Identity || (dsn.security.chosen && verify == Verify::Disabled) {
        return Vec::new();
    }
    let message = "the server is on another host and need not prove that it is the right one";
    let hint = "leave out `ssl-mode` or say verify-identity, and name the authority with ssl-ca=PATH if it is your own \
                (ssl-mode=disabled says that the network is trusted)";
    vec![Diagnostic::advice(place.join("url"), "unverified-server", message).hint(hint)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lines: &[&str], access: Access) -> Vec<&'static str> {
        let grants = lines.iter().filter_map(|line| parse(line)).collect();
        let facts = Facts { user: "u@%".to_owned(), grants };
        let found = judge(&facts, access, Some("shop"), &Pointer::new("/sources/shop"));
        found.into_iter().map(|diagnostic| diagnostic.rule).collect()
    }

    #[test]
    fn grants_are_read() {
        let grant =
            parse("GRANT SELECT (`a`, `b`), insert, ALTER ROUTINE ON `sh\\_op`.`t` TO `u`@`%` WITH GRANT OPTION");
        let grant = grant.unwrap();
        assert_eq!(grant.privileges, ["SELECT", "INSERT", "ALTER ROUTINE"]);
        assert_eq!((grant.on.as_str(), grant.grants_on), ("sh_op.t", true));
        assert_eq!(parse("GRANT `role`@`%` TO `u`@`%`"), None);
    }

    #[test]
    fn a_reader_of_one_database_has_nothing_to_hear() {
        let usage = "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*X'";
        let reader = ["GRANT SELECT, SHOW VIEW ON `shop`.* TO `u`@`%`", usage];
        assert!(rules(&reader, Access::ReadOnly).is_empty());
        let writer = ["GRANT SELECT, INSERT, UPDATE, DELETE ON `shop`.* TO `u`@`%`", usage];
        assert!(rules(&writer, Access::ReadWrite).is_empty());
        assert_eq!(rules(&writer, Access::ReadOnly), ["may-write"]);
    }

    #[test]
    fn what_goes_beyond_reading_is_told() {
        for (line, expected) in [
            ("GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION", &["superuser"] as &[&str]),
            ("GRANT FILE ON *.* TO `u`@`%`", &["server-files"]),
            ("GRANT SUPER, PROCESS ON *.* TO `u`@`%`", &["server-powers"]),
            ("GRANT SELECT ON `shop`.* TO `u`@`%` WITH GRANT OPTION", &["may-grant"]),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`", &["may-write"]),
            ("GRANT CREATE, DROP ON `shop`.* TO `u`@`%`", &["may-create"]),
            ("GRANT EXECUTE ON FUNCTION `shop`.`f` TO `u`@`%`", &["may-execute"]),
            ("GRANT SELECT ON *.* TO `u`@`%`", &["other-databases"]),
            ("GRANT SELECT ON `other`.`t` TO `u`@`%`", &["other-databases"]),
        ] {
            assert_eq!(rules(&[line], Access::ReadOnly), expected, "{line}");
        }
    }
}
