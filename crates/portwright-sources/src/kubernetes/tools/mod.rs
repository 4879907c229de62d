//! What a model calls. The names are those of the best-known server for Kubernetes; the names of the one that runs
//! `kubectl` are taken too, and never run anything.

mod pods;
mod config;
mod resources;
mod rows;

use super::source::Kubernetes;
use crate::shared::own::{OwnTool, Toolbox};

/// Every tool that the kind has.
pub(super) fn toolbox() -> Toolbox<Kubernetes> {
    let mut tools: Vec<OwnTool<Kubernetes>> = Vec::new();
    tools.extend(config::tools());
    tools.extend(pods::tools());
    tools.extend(resources::tools());
    Toolbox::open(tools)
}
