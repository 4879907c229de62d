//! Functions of the servers' own: those that only compute, and those that do more.
//!
//! MySQL's and MariaDB's together. A name that is on neither list is a stored function's, or one that is new.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Functions that give a value and do nothing else, in the bounds of the statement's time.
const COMPUTES: &str = "\
    abs acos add_months adddate addtime any_value area asbinary ascii asin astext aswkb aswkt atan atan2 avg \
    bin bin_to_uuid binary bit_and bit_count bit_length bit_or bit_xor boundary buffer cast ceil ceiling \
    centroid char char_length character_length charset chr coalesce coercibility collation compress concat \
    concat_ws connection_id contains conv convert convert_tz convexhull cos cot count crc32 crc32c crosses \
    cume_dist curdate current_date current_role current_time current_timestamp current_user curtime database \
    date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear default degrees \
    dense_rank dimension disjoint distance distance_sphere elt endpoint envelope equals exp export_set \
    exteriorring extract extractvalue field find_in_set first_value floor format found_rows from_base64 \
    from_days from_unixtime from_vector geomcollection geometrycollection geometryn geometrytype geomfromtext \
    get_format glength greatest group_concat grouping hex hour icu_version if ifnull inet6_aton inet6_ntoa \
    inet_aton inet_ntoa insert instr interiorringn intersects interval is_ipv4 is_ipv4_compat is_ipv4_mapped \
    is_ipv6 is_uuid isclosed isempty isnull issimple json_array json_array_append json_array_insert \
    json_array_intersect json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed \
    json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge \
    json_merge_patch json_merge_preserve json_normalize json_object json_object_filter_keys \
    json_object_to_array json_objectagg json_overlaps json_pretty json_query json_quote json_remove \
    json_replace json_schema_valid json_schema_validation_report json_search json_set json_storage_free \
    json_storage_size json_table json_type json_unquote json_valid json_value kdf key_value lag last_day \
    last_value lcase lead least left length lengthb linestring ln localtime localtimestamp locate log log10 \
    log2 lower lpad ltrim make_set makedate maketime max mbrcontains mbrcoveredby mbrcovers mbrdisjoint \
    mbrequal mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin md5 median microsecond mid min minute \
    mod month monthname multilinestring multipoint multipolygon natural_sort_key now nth_value ntile nullif \
    numgeometries numinteriorrings numpoints nvl nvl2 oct octet_length ord overlaps percent_rank \
    percentile_cont percentile_disc period_add period_diff pi point pointn pointonsurface polygon position \
    pow power quarter quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace \
    regexp_substr repeat replace reverse right round row row_count row_number rpad rtrim schema sec_to_time \
    second session_user sformat sha sha1 sha2 sign sin soundex space sqrt srid startpoint statement_digest \
    statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector subdate \
    substr substring substring_index subtime sum sys_guid sysdate system_user tan time time_format \
    time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days to_seconds to_vector \
    touches trim truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml upper user \
    utc_date utc_time utc_timestamp uuid uuid_short uuid_to_bin uuid_v4 uuid_v7 values var_pop var_samp \
    variance vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext vector_dim \
    vector_to_string version week weekday weekofyear weight_string within x y year yearweek";

/// Spatial functions, after their `st_`.
const SPATIAL: &str = "\
    area asbinary asgeojson astext aswkb aswkt boundary buffer centroid collect contains convexhull crosses \
    difference dimension disjoint distance distance_sphere endpoint envelope equals exteriorring \
    frechetdistance geohash geomcollfromtext geomfromgeojson geomfromtext geomfromwkb geometryfromtext \
    geometryfromwkb geometryn geometrytype hausdorffdistance interiorringn intersection intersects isclosed \
    isempty isring issimple isvalid latfromgeohash latitude length linefromtext lineinterpolatepoint \
    linestringfromtext longfromgeohash longitude makeenvelope numgeometries numinteriorrings numpoints \
    overlaps pointatdistance pointfromgeohash pointfromtext pointn pointonsurface polyfromtext \
    polygonfromtext relate simplify srid startpoint swapxy symdifference touches transform union validate \
    within x y";

/// Words that may stand before a parenthesis without calling anything.
const KEYWORDS: &str = "\
    against all always and any array as between bigint binary bit blob bool boolean by case char character \
    check columns cross date datetime dec decimal default distinct div double else end enum escape except \
    exists filter fixed float for force foreign from group having ignore in index inner int integer intersect \
    interval is join key keys lateral like limit match longblob longtext mediumblob mediumint mediumtext minus \
    natural nchar not numeric nvarchar of offset on only or order over partition precision primary real \
    recursive references regexp return returning rlike row select separator set signed smallint some sounds \
    straight_join table text then time timestamp tinyblob tinyint tinytext union unique unsigned use using \
    value values varbinary varchar vector when where window with within xor year";

/// Functions that read the server's files, hold locks, wait, change sequences, know keys, or run programs.
const DOES_MORE: &str = "\
    aes_decrypt aes_encrypt asymmetric_sign audit_api_message_emit_udf benchmark binlog_gtid_pos decode \
    des_decrypt des_encrypt encode encrypt get_lock group_replication_set_as_primary \
    group_replication_switch_to_multi_primary_mode group_replication_switch_to_single_primary_mode \
    is_free_lock is_used_lock keyring_key_fetch keyring_key_generate keyring_key_length_fetch \
    keyring_key_remove keyring_key_store keyring_key_type_fetch last_insert_id lastval lib_mysqludf_sys_info \
    load_file master_gtid_wait master_pos_wait mysql_firewall_flush_status name_const nextval old_password \
    password procedure_analyse ps_current_thread_id ps_thread_id read_firewall_users read_firewall_whitelist \
    release_all_locks release_lock service_get_read_locks service_get_write_locks service_release_locks \
    set_firewall_mode setval sleep source_pos_wait spider_bg_direct_sql spider_copy_tables spider_direct_sql \
    spider_flush_table_mon_cache sys_eval sys_exec sys_get sys_set version_tokens_lock_exclusive \
    version_tokens_lock_shared version_tokens_set wait_for_executed_gtid_set \
    wait_until_sql_thread_after_gtids wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid";

type Names = LazyLock<HashSet<&'static str>>;

static COMPUTING: Names = LazyLock::new(|| COMPUTES.split_whitespace().collect());
static SPATIALS: Names = LazyLock::new(|| SPATIAL.split_whitespace().collect());
static BEFORE_PARENTHESES: Names = LazyLock::new(|| KEYWORDS.split_whitespace().collect());
static DOING_MORE: Names = LazyLock::new(|| DOES_MORE.split_whitespace().collect());

/// `name` in lower case.
pub(super) fn only_computes(name: &str) -> bool {
    COMPUTING.contains(name) || name.strip_prefix("st_").is_some_and(|spatial| SPATIALS.contains(spatial))
}

pub(super) fn is_keyword(name: &str) -> bool {
    BEFORE_PARENTHESES.contains(name)
}

pub(super) fn does_more(name: &str) -> bool {
    DOING_MORE.contains(name)
}

#[cfg(test)]
mod tests {
    use super::{BEFORE_PARENTHESES, COMPUTING, DOING_MORE};

    #[test]
    fn no_name_is_on_both_sides() {
        assert_eq!(COMPUTING.intersection(&DOING_MORE).count(), 0);
        assert_eq!(BEFORE_PARENTHESES.intersection(&DOING_MORE).count(), 0);
    }
}
