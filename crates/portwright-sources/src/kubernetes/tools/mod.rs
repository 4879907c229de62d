//! What a model calls. The names are those of the best-known server for Kubernetes; the names of the one that runs
//! `kubectl` are taken too, and never run anything.

mod apply;
mod change;
mod config;
pub(super) mod events;
mod exec;
mod explain;
pub(super) mod logs;
mod nodes;
mod pods;
pub(super) mod resources;
mod rollout;
pub(super) mod rows;
mod workload;

use super::source::Kubernetes;
use crate::shared::own::{OwnTool, Toolbox};

/// Every tool that the kind has.
pub(super) fn toolbox() -> Toolbox<Kubernetes> {
    let mut tools: Vec<OwnTool<Kubernetes>> = Vec::new();
    tools.extend(config::tools());
    tools.extend(pods::tools());
    tools.extend(logs::tools());
    tools.extend(events::tools());
    tools.extend(nodes::tools());
    tools.extend(resources::tools());
    tools.extend(rollout::tools());
    tools.extend(explain::tools());
    tools.extend(apply::tools());
    tools.extend(change::tools());
    tools.extend(exec::tools());
    Toolbox::open(tools)
}
