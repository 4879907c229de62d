//! Portwright: databases, files, clusters and APIs as production MCP servers, by configuration.

pub mod config;
