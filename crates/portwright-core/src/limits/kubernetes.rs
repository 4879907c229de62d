//! Bounds of sources of the kind `kubernetes`.

use std::time::Duration;

/// How long one call of a cluster's API may take. The plan may change it (`timeout`).
pub const CLUSTER_WAIT: Duration = Duration::from_secs(20);

/// Bytes of one answer of a cluster's API, as it comes. Hundred rows with their annotations stay far below.
pub const CLUSTER_ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Objects of one page of a list. The plan may change it (`max_items`).
pub const CLUSTER_ITEMS_MAX: usize = 100;
/// Objects of one page that the plan may set at most.
pub const CLUSTER_ITEMS_CEILING: usize = 1000;

/// How long it is remembered which kinds a cluster has. New ones come with each operator that is installed.
pub const CLUSTER_KINDS_FRESH: Duration = Duration::from_mins(5);

/// Groups of kinds that are read of one cluster.
pub const CLUSTER_GROUPS_MAX: usize = 300;

/// Namespaces that a plan may fence a source into: a list over all of them asks for each.
pub const CLUSTER_NAMESPACES_MAX: usize = 100;

/// Pods whose logs one call reads.
pub const CLUSTER_LOG_PODS_MAX: usize = 20;

/// Bytes of a container's log that are read to find what a call wants of it.
pub const CLUSTER_LOG_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Lines of a log, where the call does not say how many.
pub const CLUSTER_LOG_LINES: u32 = 100;

/// Bytes of a manifest.
pub const CLUSTER_MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// Objects of one manifest.
pub const CLUSTER_MANIFEST_OBJECTS_MAX: usize = 50;

/// Bytes of a cluster's own words in a refusal.
pub const CLUSTER_WORDS_BYTES_MAX: usize = 800;

/// Objects that are watched for subscribers at once. The one that was asked for longest ago makes room.
pub const CLUSTER_WATCHES_MAX: usize = 64;

/// How long a watch stays with one answer before it asks anew.
pub const CLUSTER_WATCH_WAIT: Duration = Duration::from_mins(4);

/// How long a watch that was broken off pauses: first, and at most.
pub const CLUSTER_WATCH_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Events that tell of one object.
pub const CLUSTER_EVENTS_MAX: usize = 20;

/// Questions about rights that one inspection asks.
pub const CLUSTER_REVIEWS_MAX: usize = 40;

/// Revisions of a workload that are told.
pub const CLUSTER_REVISIONS_MAX: usize = 20;

/// Bytes of a kubeconfig.
pub const KUBECONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of what a command in a pod prints on one of its outputs.
pub const CLUSTER_EXEC_BYTES_MAX: usize = 64 * 1024;
