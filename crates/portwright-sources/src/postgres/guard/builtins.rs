//! What PostgreSQL brings itself: which of its functions only compute, which settings and relations may be shown.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Access;

/// `+name` only computes, `-name` does more.
const LIST: &str = include_str!("builtins.txt");

/// Harmless functions of servers newer than the one that the list comes from, and what the grammar spells as a
/// function.
const NEWER: &[&str] = &[
    "any_value",
    "array_reverse",
    "array_sample",
    "array_shuffle",
    "array_sort",
    "casefold",
    "coalesce",
    "crc32",
    "crc32c",
    "current_time",
    "current_timestamp",
    "date_add",
    "date_subtract",
    "erf",
    "erfc",
    "gamma",
    "greatest",
    "grouping",
    "icu_unicode_version",
    "json",
    "json_array",
    "json_arrayagg",
    "json_object",
    "json_objectagg",
    "json_scalar",
    "json_serialize",
    "least",
    "lgamma",
    "localtime",
    "localtimestamp",
    "normalize",
    "nullif",
    "pg_input_is_valid",
    "random_normal",
    "system_user",
    "to_bin",
    "to_oct",
    "unicode_assigned",
    "unicode_version",
    "uuid_extract_timestamp",
    "uuid_extract_version",
    "uuidv4",
    "uuidv7",
    "xmlconcat",
    "xmltext",
];

/// Functions that write or keep state as an ordinary part of writing statements.
const WRITING: &[&str] = &[
    "currval",
    "lastval",
    "nextval",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_current_xact_id",
    "pg_notify",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "setseed",
    "setval",
    "txid_current",
];

/// Relations whose rows are credentials, settings, files, or what other sessions are doing.
const PRIVATE_RELATIONS: &[&str] = &[
    "_pg_foreign_servers",
    "_pg_user_mappings",
    "foreign_server_options",
    "pg_authid",
    "pg_config",
    "pg_cursors",
    "pg_db_role_setting",
    "pg_file_settings",
    "pg_foreign_server",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_largeobject",
    "pg_prepared_statements",
    "pg_roles",
    "pg_settings",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_gssapi",
    "pg_stat_replication",
    "pg_stat_ssl",
    "pg_stat_statements",
    "pg_stat_subscription",
    "pg_stat_wal_receiver",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_subscription",
    "pg_user",
    "pg_user_mapping",
    "pg_user_mappings",
    "user_mapping_options",
];

/// Settings that tell how the data is to be read. Others may hold credentials and paths.
const SETTINGS: &[&str] = &[
    "block_size",
    "bytea_output",
    "client_encoding",
    "datestyle",
    "default_statistics_target",
    "default_text_search_config",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "effective_cache_size",
    "enable_hashjoin",
    "enable_indexscan",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_seqscan",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "integer_datetimes",
    "intervalstyle",
    "jit",
    "lc_collate",
    "lc_ctype",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "maintenance_work_mem",
    "max_connections",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "row_security",
    "search_path",
    "seq_page_cost",
    "server_encoding",
    "server_version",
    "server_version_num",
    "shared_buffers",
    "standard_conforming_strings",
    "statement_timeout",
    "timezone",
    "transaction_isolation",
    "transaction_read_only",
    "work_mem",
    "xmlbinary",
    "xmloption",
];

static BUILTINS: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    let listed = LIST.lines().filter_map(|line| match line.split_at_checked(1) {
        Some(("+", name)) => Some((name, true)),
        Some(("-", name)) => Some((name, false)),
        _ => None,
    });
    listed.chain(NEWER.iter().map(|name| (*name, true))).collect()
});

/// Whether a function of `pg_catalog` may be called; none if it has no function of that name.
pub(super) fn may_call(name: &str, access: Access) -> Option<bool> {
    let computes = BUILTINS.get(name).copied()?;
    Some(computes || (access == Access::ReadWrite && WRITING.contains(&name)))
}

pub(super) fn is_private_relation(name: &str) -> bool {
    PRIVATE_RELATIONS.binary_search(&name).is_ok()
}

pub(super) fn may_show(setting: &str) -> bool {
    SETTINGS.binary_search(&setting).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Access, BUILTINS, PRIVATE_RELATIONS, SETTINGS, may_call};

    #[test]
    fn lists_are_sorted_for_their_search() {
        assert!(PRIVATE_RELATIONS.is_sorted());
        assert!(SETTINGS.is_sorted());
        assert!(BUILTINS.len() > 2000, "{}", BUILTINS.len());
    }

    #[test]
    fn what_reaches_beyond_the_data_is_not_called() {
        for name in [
            "pg_sleep",
            "pg_read_file",
            "pg_ls_dir",
            "lo_create",
            "lo_from_bytea",
            "query_to_xml",
            "set_config",
            "current_setting",
            "nextval",
            "pg_notify",
            "pg_advisory_lock",
            "pg_terminate_backend",
            "ts_stat",
            "pg_logical_emit_message",
            "pg_stat_get_activity",
            "database_to_xml",
            "txid_current",
            "pg_stat_file",
        ] {
            assert_eq!(may_call(name, Access::ReadOnly), Some(false), "{name}");
        }
        assert_eq!(may_call("nextval", Access::ReadWrite), Some(true));
        assert_eq!(may_call("pg_sleep", Access::ReadWrite), Some(false));
        assert_eq!(may_call("dblink", Access::ReadWrite), None);
        assert_eq!(may_call("lower", Access::ReadOnly), Some(true));
    }
}
