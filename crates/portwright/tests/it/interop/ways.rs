//! The ways to reach a server: the columns of the table.

use std::net::SocketAddr;

use crate::harness::wire::Era;

/// A transport, and the era that is spoken on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Stdio,
    StdioModern,
    Http,
    HttpModern,
    Sse,
    WebSocket,
}

impl Way {
    pub(super) const ALL: [Self; 6] =
        [Self::Stdio, Self::StdioModern, Self::Http, Self::HttpModern, Self::Sse, Self::WebSocket];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::StdioModern => "stdio 2026",
            Self::Http => "http",
            Self::HttpModern => "http 2026",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }

    pub(super) const fn era(self) -> Era {
        match self {
            Self::StdioModern | Self::HttpModern => Era::Modern,
            Self::Stdio | Self::Http | Self::Sse | Self::WebSocket => Era::Legacy,
        }
    }

    /// Whether the client starts the server.
    pub(super) const fn starts_the_server(self) -> bool {
        matches!(self, Self::Stdio | Self::StdioModern)
    }

    /// The transport as the clients' scripts name it.
    pub(super) const fn transport(self) -> &'static str {
        match self {
            Self::Stdio | Self::StdioModern => "stdio",
            Self::Http | Self::HttpModern => "http",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }

    /// Where a server that listens is found on this way.
    pub(super) fn url(self, address: SocketAddr) -> String {
        match self {
            Self::Sse => format!("http://{address}/sse"),
            Self::WebSocket => format!("ws://{address}/ws"),
            Self::Stdio | Self::StdioModern | Self::Http | Self::HttpModern => format!("http://{address}/mcp"),
        }
    }
}
