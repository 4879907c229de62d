//! Bounds of the dashboard.

use std::time::Duration;

/// How many records of the audit a page shows, where it does not say how many.
pub const DASHBOARD_RECORDS: usize = 50;

/// How many records a page may show.
pub const DASHBOARD_RECORDS_MAX: usize = 500;

/// How long one value of a query may be, in bytes.
pub const DASHBOARD_QUERY_BYTES_MAX: usize = 1_024;

/// How many look through the audit at once.
pub const DASHBOARD_SEARCHES: usize = 2;

/// How long others wait for that.
pub const DASHBOARD_WAIT: Duration = Duration::from_secs(5);
