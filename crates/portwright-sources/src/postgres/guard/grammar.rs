//! Which parts of the grammar a statement may be made of. What is not listed is refused, so that a newer grammar never
//! lets through what nobody looked at.

use squawk_syntax::SyntaxKind::{self, *};

/// Statements whose whole effect is rows.
pub(super) fn is_query(kind: SyntaxKind) -> bool {
    matches!(kind, SELECT | COMPOUND_SELECT | VALUES | TABLE | PAREN_SELECT)
}

/// Statements that may run where calls may write. Nothing that ends or outlives the transaction, reaches the server's
/// files, or hides other statements in a string.
pub(super) fn may_write(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        ALTER_DOMAIN
            | ALTER_INDEX
            | ALTER_MATERIALIZED_VIEW
            | ALTER_SEQUENCE
            | ALTER_TABLE
            | ALTER_TYPE
            | ALTER_VIEW
            | ANALYZE
            | CALL
            | COMMENT_ON
            | CREATE_DOMAIN
            | CREATE_INDEX
            | CREATE_MATERIALIZED_VIEW
            | CREATE_SCHEMA
            | CREATE_SEQUENCE
            | CREATE_STATISTICS
            | CREATE_TABLE
            | CREATE_TABLE_AS
            | CREATE_TYPE
            | CREATE_VIEW
            | DELETE
            | DROP_DOMAIN
            | DROP_INDEX
            | DROP_MATERIALIZED_VIEW
            | DROP_SEQUENCE
            | DROP_STATISTICS
            | DROP_TABLE
            | DROP_TYPE
            | DROP_VIEW
            | INSERT
            | MERGE
            | REFRESH
            | SELECT_INTO
            | TRUNCATE
            | UPDATE
    )
}

/// What a part that a query may not have would do; none if a query may have it.
pub(super) fn objection(kind: SyntaxKind) -> Option<&'static str> {
    if may_read(kind) {
        return None;
    }
    Some(match kind {
        INSERT | UPDATE | DELETE | MERGE => "it changes data",
        SELECT_INTO | INTO_CLAUSE => "SELECT INTO creates a table",
        LOCKING_CLAUSE => "FOR UPDATE and FOR SHARE lock rows",
        _ => "it has a part that a read-only query may not have",
    })
}

fn may_read(kind: SyntaxKind) -> bool {
    is_query(kind) || is_clause(kind) || is_expression(kind) || is_type(kind) || is_json_or_xml(kind)
}

fn is_clause(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        ALL | AS_NAME
            | COLUMN_DEF
            | COLUMN_DEF_LIST
            | COLUMN_LIST
            | COLUMN_NAME
            | COLUMN_NAME_REF
            | COLUMN_REF_LIST
            | CTE_NAME
            | CURRENT_ROW
            | CYCLE_CLAUSE
            | CYCLE_COLUMNS
            | CYCLE_COLUMN_TO
            | CYCLE_DEFAULT
            | CYCLE_PATH
            | CYCLE_SET_COLUMN
            | DEPTH_FIRST
            | BREADTH_FIRST
            | DISTINCT
            | DISTINCT_CLAUSE
            | DISTINCT_ON
            | EXCEPT
            | EXPLAIN_ANALYZE
            | EXPLAIN_OPTION
            | EXPLAIN_OPTION_LIST
            | EXPLAIN_OPTION_NAME
            | EXPLAIN_OPTION_VALUE
            | EXPLAIN_VERBOSE
            | EXPR_FOLLOWING
            | EXPR_PRECEDING
            | FETCH_CLAUSE
            | FETCH_ONLY
            | FRAME_BETWEEN
            | FRAME_CLAUSE
            | FRAME_EXCLUDE
            | FRAME_GROUPS
            | FRAME_RANGE
            | FRAME_ROWS
            | FROM_ALIAS
            | FROM_CLAUSE
            | FUNCTION_FROM_ITEM
            | GROUPING_CUBE
            | GROUPING_EXPR
            | GROUPING_ROLLUP
            | GROUPING_SETS
            | GROUP_BY_CLAUSE
            | GROUP_BY_LIST
            | HAVING_CLAUSE
            | INTERSECT
            | JOIN
            | JOIN_CROSS
            | JOIN_EXPR
            | JOIN_FULL
            | JOIN_INNER
            | JOIN_LEFT
            | JOIN_RIGHT
            | JOIN_USING_CLAUSE
            | LIMIT_CLAUSE
            | MATERIALIZED
            | NO_OTHERS
            | NOT_MATERIALIZED
            | NULLS_FIRST
            | NULLS_LAST
            | OFFSET_CLAUSE
            | ON_CLAUSE
            | ORDER_BY_CLAUSE
            | PAREN_FROM_ITEM
            | PARTITION_BY_CLAUSE
            | RELATION_FROM_ITEM
            | RELATION_NAME
            | RELATION_NAME_REF
            | REPEATABLE_CLAUSE
            | ROW
            | ROWS_FROM_ARG
            | ROWS_FROM_ITEM
            | ROW_LIST
            | SEARCH_CLAUSE
            | SEARCH_COLUMNS
            | SEARCH_SET_COLUMN
            | SELECT_CLAUSE
            | SORT_ASC
            | SORT_BY
            | SORT_BY_LIST
            | SORT_DESC
            | SORT_USING
            | SOURCE_FILE
            | TABLE_ALIAS
            | TABLESAMPLE_CLAUSE
            | TARGET
            | TARGET_LIST
            | TIES
            | UNBOUNDED_FOLLOWING
            | UNBOUNDED_PRECEDING
            | UNION
            | USING_CLAUSE
            | WHERE_CLAUSE
            | WINDOW
            | WINDOW_CLAUSE
            | WINDOW_DEF
            | WINDOW_REF
            | WINDOW_SPEC
            | WITH_CLAUSE
            | WITH_ORDINALITY
            | WITH_TABLE
            | WITH_TIES
    )
}

fn is_expression(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        ALL_FN
            | ANY_FN
            | ARG
            | ARG_LIST
            | ARRAY_EXPR
            | ASYMMETRIC
            | AT_LOCAL
            | AT_TIME_ZONE
            | BETWEEN_EXPR
            | BIN_EXPR
            | CALL_EXPR
            | CASE_EXPR
            | CAST_EXPR
            | COLLATE
            | COLLATION_FOR_FN
            | COLLATION_REF
            | COLON_COLON
            | CUSTOM_OP
            | ELSE_CLAUSE
            | EXISTS_FN
            | EXTRACT_FIELD_LITERAL
            | EXTRACT_FIELD_NAME
            | EXTRACT_FN
            | FIELD_EXPR
            | FILTER_CLAUSE
            | INDEX_EXPR
            | IS_DISTINCT_FROM
            | IS_NORMALIZED
            | IS_NOT
            | IS_NOT_DISTINCT_FROM
            | IS_NOT_NORMALIZED
            | LITERAL
            | NAMED_ARG
            | NAME_REF
            | NOT_ILIKE
            | NOT_IN
            | NOT_LIKE
            | NOT_SIMILAR_TO
            | OP
            | OPERATOR_CALL
            | OVERLAY_EXPRS
            | OVERLAY_FN
            | OVERLAY_PLACING
            | OVER_CLAUSE
            | OVER_WINDOW_SPEC
            | PARAM_NAME_REF
            | PAREN_EXPR
            | PATH_REF
            | PATH_SEGMENT_REF
            | POSITION_FN
            | POSTFIX_EXPR
            | PREFIX_EXPR
            | IGNORE_NULLS
            | RESPECT_NULLS
            | SIMILAR_TO
            | SLICE_EXPR
            | SOME_FN
            | SUBSTRING_EXPRS
            | SUBSTRING_FN
            | SUBSTRING_FOR_FROM
            | SUBSTRING_FROM_FOR
            | SUBSTRING_SIMILAR_ESCAPE
            | SYMMETRIC
            | TRIM_BOTH
            | TRIM_EXPRS
            | TRIM_EXPR_FROM
            | TRIM_FN
            | TRIM_FROM
            | TRIM_LEADING
            | TRIM_TRAILING
            | TUPLE_EXPR
            | UNICODE_NORMAL_FORM
            | WHEN_CLAUSE
            | WHEN_CLAUSE_LIST
            | WITHIN_CLAUSE
    )
}

fn is_type(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        ARRAY_BOUND
            | ARRAY_TYPE
            | BIT_TYPE
            | BIT_VARYING_TYPE
            | CHARACTER_TYPE
            | DOUBLE_TYPE
            | INTERVAL_DAY
            | INTERVAL_HOUR
            | INTERVAL_MINUTE
            | INTERVAL_MONTH
            | INTERVAL_SECOND
            | INTERVAL_TYPE
            | INTERVAL_YEAR
            | PATH_TYPE
            | PERCENT_TYPE
            | PERCENT_TYPE_CLAUSE
            | TIMESTAMP_TYPE
            | TIME_TYPE
            | VARCHAR_TYPE
            | WITHOUT_TIMEZONE
            | WITH_TIMEZONE
    )
}

fn is_json_or_xml(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        ELEMENT_TAG
            | EXPR_AS_ELEMENT_TAG
            | EXPR_AS_ELEMENT_TAG_LIST
            | EXPR_AS_XML_ATTR
            | EXPR_AS_XML_ATTR_LIST
            | IS_JSON
            | IS_JSON_ARRAY
            | IS_JSON_OBJECT
            | IS_JSON_SCALAR
            | IS_JSON_VALUE
            | IS_NOT_JSON
            | IS_NOT_JSON_ARRAY
            | IS_NOT_JSON_OBJECT
            | IS_NOT_JSON_SCALAR
            | IS_NOT_JSON_VALUE
            | JSON_ABSENT_ON_NULL
            | JSON_ARRAY_AGG_FN
            | JSON_ARRAY_FN
            | JSON_BEHAVIOR_DEFAULT
            | JSON_BEHAVIOR_EMPTY_ARRAY
            | JSON_BEHAVIOR_EMPTY_OBJECT
            | JSON_BEHAVIOR_ERROR
            | JSON_BEHAVIOR_FALSE
            | JSON_BEHAVIOR_NULL
            | JSON_BEHAVIOR_TRUE
            | JSON_BEHAVIOR_UNKNOWN
            | JSON_ENCODING
            | JSON_ENCODING_CLAUSE
            | JSON_EXISTS_FN
            | JSON_EXPR_FORMAT
            | JSON_FN
            | JSON_FORMAT_CLAUSE
            | JSON_KEY_VALUE
            | JSON_NULL_ON_NULL
            | JSON_OBJECT_AGG_FN
            | JSON_OBJECT_FN
            | JSON_ON_EMPTY_CLAUSE
            | JSON_ON_ERROR_CLAUSE
            | JSON_PASSING_ARG
            | JSON_PASSING_CLAUSE
            | JSON_PATH_CLAUSE
            | JSON_PATH_NAME
            | JSON_PATH_NAME_CLAUSE
            | JSON_QUERY_FN
            | JSON_QUOTES_CLAUSE
            | JSON_RETURNING_CLAUSE
            | JSON_SCALAR_FN
            | JSON_SELECT_FORMAT
            | JSON_SERIALIZE_FN
            | JSON_TABLE
            | JSON_TABLE_COLUMN_LIST
            | JSON_TABLE_EXISTS_COLUMN
            | JSON_TABLE_FROM_ITEM
            | JSON_TABLE_NESTED_COLUMN
            | JSON_TABLE_ORDINALITY_COLUMN
            | JSON_TABLE_VALUE_COLUMN
            | JSON_VALUE_EXPR
            | JSON_VALUE_FN
            | JSON_VARIABLE_NAME
            | JSON_WITHOUT_UNIQUE_KEYS
            | JSON_WITHOUT_WRAPPER
            | JSON_WITH_CONDITIONAL_WRAPPER
            | JSON_WITH_UNCONDITIONAL_WRAPPER
            | JSON_WITH_UNIQUE_KEYS
            | KEEP_QUOTES
            | OMIT_QUOTES
            | ON_SCALAR_STRING
            | NOT_NULL_CONSTRAINT
            | NULL_CONSTRAINT
            | OPTION_DEFAULT
            | OPTION_NOT_NULL
            | OPTION_NULL
            | OPTION_PATH
            | PRESERVE_WHITESPACE
            | STANDALONE_NO
            | STANDALONE_NO_VALUE
            | STANDALONE_YES
            | STRIP_WHITESPACE
            | XML_ATTR
            | XML_COLUMN_OPTION_LIST
            | XML_CONTENT
            | XML_DOCUMENT
            | XML_ELEMENT_FN
            | XML_EXISTS_FN
            | XML_FOREST_FN
            | XML_NAMESPACE
            | XML_NAMESPACE_LIST
            | XML_NAMESPACE_PREFIX
            | XML_PARSE_FN
            | XML_PASSING_DOC
            | XML_PASSING_MECH_BY_REF
            | XML_PASSING_MECH_BY_VALUE
            | XML_PI_FN
            | XML_PI_TARGET
            | XML_ROOT_FN
            | XML_ROW_PASSING_CLAUSE
            | XML_SERIALIZE_FN
            | XML_TABLE
            | XML_TABLE_COLUMN
            | XML_TABLE_COLUMN_LIST
            | XML_TABLE_FROM_ITEM
            | XML_VERSION_EXPR
            | XML_VERSION_NO_VALUE
    )
}
