//! Bounds of the tools that PostgreSQL alone has.

/// Objects or indexes that one page of a list has, where the caller asks for nothing else.
pub const OBJECTS_PAGE: usize = 100;

/// Objects or indexes that a caller may ask for at once.
pub const OBJECTS_CEILING: usize = 500;

/// Objects or indexes that are read to make a list of. A database with more is listed schema by schema.
pub const OBJECTS_READ_MAX: usize = 5_000;

/// Bytes that these may have as JSON before they are parted into pages.
pub const OBJECTS_READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Columns, constraints, indexes or triggers that are told of one object, of each.
pub const OBJECT_PARTS_MAX: usize = 500;

/// Sessions, locks or statements that one answer has, where the caller asks for nothing else.
pub const SESSIONS_PAGE: usize = 50;

/// Sessions, locks or statements that a caller may ask for.
pub const SESSIONS_CEILING: usize = 200;

/// Characters of another session's statement that are told.
pub const STATEMENT_TOLD_CHARS: usize = 500;

/// Things that one check of the database's health tells.
pub const FINDINGS_MAX: usize = 20;

/// How many indexes that are not there a plan is asked for with.
pub const IMAGINED_MAX: usize = 8;

/// How many columns one of them has; PostgreSQL's own bound.
pub const IMAGINED_COLUMNS_MAX: usize = 32;
