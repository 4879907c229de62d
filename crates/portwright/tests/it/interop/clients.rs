//! The clients: which there are, and what each can't do. A reason is written down here and shown by a probe, so that a
//! later version that can do it is noticed.

use super::ways::Way;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Python1,
    Python2,
    FastMcp,
    TypeScript1,
    TypeScript2,
    Inspector,
    McpRemote,
    McpProxy,
    Supergateway,
}

/// What some clients can't do; each that is here can list, call, read, get a prompt and take an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ability {
    Complete,
    Cancel,
    Progress,
}

/// Why a client does not go a way at all.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) why: &'static str,
    pub(super) shown_by: Probe,
}

/// How a reason is shown.
#[derive(Debug)]
pub(super) enum Probe {
    /// Asked for the newest revision, it agrees on the one before.
    Older,
    /// Sent that way, it says these words.
    Says(&'static str),
    /// Started with these arguments, its program prints these words.
    Prints(&'static [&'static str], &'static str),
}

/// What a client leaves out where it does go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) ability: Ability,
    pub(super) why: &'static str,
}

const NO_WEBSOCKET: &str = "has no WebSocket client";
const PYTHON_1_INSIDE: &str = "speaks to the server with version 1 of the Python SDK, which knows no 2026-07-28";

impl Client {
    pub(super) const ALL: [Self; 9] = [
        Self::Python1,
        Self::Python2,
        Self::FastMcp,
        Self::TypeScript1,
        Self::TypeScript2,
        Self::Inspector,
        Self::McpRemote,
        Self::McpProxy,
        Self::Supergateway,
    ];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Python1 => "Python SDK 1.30",
            Self::Python2 => "Python SDK 2.3",
            Self::FastMcp => "fastmcp 4.1",
            Self::TypeScript1 => "TypeScript SDK 1.32",
            Self::TypeScript2 => "TypeScript SDK 2.4",
            Self::Inspector => "inspector 2.12",
            Self::McpRemote => "mcp-remote 0.15",
            Self::McpProxy => "mcp-proxy 0.13",
            Self::Supergateway => "supergateway 4.0",
        }
    }

    /// Why it does not go this way, if it does not.
    pub(super) fn closed(self, way: Way) -> Option<Closed> {
        let (why, shown_by) = match (self, way) {
            (Self::Python1 | Self::TypeScript1, Way::StdioModern | Way::HttpModern) => {
                ("version 1 of the SDK knows no 2026-07-28", Probe::Older)
            }
            (Self::McpProxy, Way::StdioModern | Way::HttpModern) => (PYTHON_1_INSIDE, Probe::Older),
            (Self::Supergateway, Way::HttpModern) => {
                ("opens a session of its own with the server, so clients get no 2026-07-28 through it", Probe::Older)
            }
            (Self::Python2, Way::WebSocket) => (NO_WEBSOCKET, Probe::Says("No module named 'mcp.client.websocket'")),
            (Self::FastMcp, Way::WebSocket) => {
                (NO_WEBSOCKET, Probe::Says("Could not infer a valid transport from: ws:"))
            }
            (Self::TypeScript2, Way::WebSocket) => {
                (NO_WEBSOCKET, Probe::Says("WebSocketClientTransport is not a constructor"))
            }
            (Self::Inspector, Way::WebSocket) => (NO_WEBSOCKET, Probe::Says("Valid types are: sse, http, stdio")),
            (Self::McpRemote, Way::WebSocket) => {
                (NO_WEBSOCKET, Probe::Prints(&["ws://127.0.0.1:9/ws", "--allow-http"], "fetch failed"))
            }
            (Self::McpProxy, Way::WebSocket) => {
                (NO_WEBSOCKET, Probe::Prints(&["--transport", "websocket"], "choose from 'sse', 'streamablehttp'"))
            }
            (Self::Supergateway, Way::WebSocket) => {
                let words = "You must specify one of --stdio, --sse, or --streamableHttp";
                (NO_WEBSOCKET, Probe::Prints(&["--ws", "ws://127.0.0.1:9/ws"], words))
            }
            (Self::McpRemote, Way::Stdio | Way::StdioModern) => {
                ("reaches servers by their URL and starts none", Probe::Prints(&["portwright"], "Invalid URL"))
            }
            _ => return None,
        };
        Some(Closed { why, shown_by })
    }

    /// What it leaves out on a way that it goes.
    pub(super) fn gaps(self, way: Way) -> &'static [Gap] {
        match (self, way) {
            (Self::Inspector, _) => &[
                Gap { ability: Ability::Complete, why: "its CLI has no method completion/complete" },
                Gap { ability: Ability::Cancel, why: "its CLI makes one call a process and calls none off" },
                Gap { ability: Ability::Progress, why: "its CLI prints results and no progress" },
            ],
            (Self::McpRemote, Way::HttpModern) => {
                &[Gap { ability: Ability::Cancel, why: "keeps a request open that its client calls off" }]
            }
            (Self::McpProxy, _) => &[Gap {
                ability: Ability::Cancel,
                why: "forgets a call that its client calls off, and tells the server nothing",
            }],
            (Self::Supergateway, Way::Stdio) => {
                &[Gap { ability: Ability::Cancel, why: "gives calls new ids, but not the notes that call them off" }]
            }
            (Self::Supergateway, Way::StdioModern) => {
                &[Gap { ability: Ability::Cancel, why: "starts a server for each request and calls none off" }]
            }
            (Self::Supergateway, Way::Http | Way::Sse) => {
                &[Gap { ability: Ability::Progress, why: "makes calls anew, without asking for progress" }]
            }
            _ => &[],
        }
    }

    pub(super) fn can(self, ability: Ability, way: Way) -> bool {
        self.gaps(way).iter().all(|gap| gap.ability != ability)
    }
}
