//! [`File`]: the sections of `portwright.toml` that belong to no source, as written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portwright_core::{HumanDuration, IconTable, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::approvals::ApprovalsSection;
use super::audit::AuditSection;
use super::dashboard::DashboardSection;
use super::limits::{ByteRate, CallRate, QuotaSection};
use super::oauth::OAuthSection;
use super::replicas::ReplicasSection;
use super::roles::RoleSection;
use super::telemetry::TelemetrySection;
use super::tls::{CertificatesSection, TlsSection};

/// Databases, files, clusters and APIs as MCP servers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    /// What the server says it is.
    pub(crate) server: ServerSection,
    /// Where clients reach it.
    pub(crate) listen: ListenSection,
    /// How callers prove who they are.
    pub(crate) auth: AuthSection,
    /// Who may do what, by role. Without any, whoever is let in may do everything. The role `anonymous` is that of callers
    /// who show no credential, `local` that of whoever starts the process, who may do everything where there is none.
    pub(crate) roles: BTreeMap<String, RoleSection>,
    /// Bounds on every call.
    pub(crate) limits: LimitsSection,
    /// The record of every call.
    pub(crate) audit: Option<AuditSection>,
    /// What is done about orders, secrets and hidden characters in what sources say.
    pub(crate) sanitize: SanitizeSection,
    /// Calls that a person must approve before they are made.
    pub(crate) approvals: ApprovalsSection,
    /// What is told about calls in numbers and traces.
    pub(crate) telemetry: TelemetrySection,
    /// The page for people.
    pub(crate) dashboard: DashboardSection,
    /// What makes several processes behind one address one server.
    pub(crate) replicas: Option<ReplicasSection>,
}

/// What the server says it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// The name that clients get in `serverInfo`.
    #[schemars(length(min = 1, max = 128))]
    pub(crate) name: String,
    /// The name for people.
    #[schemars(length(max = 256))]
    pub(crate) title: Option<String>,
    /// What this server is for, in a line for people. It stands on the server card, which anybody who reaches the
    /// listener may read.
    #[schemars(length(max = 256))]
    pub(crate) description: Option<String>,
    /// The page that tells people more about this server: `https://acme.example/data`.
    #[schemars(length(max = 2_048))]
    pub(crate) website_url: Option<String>,
    /// Pictures that clients may show beside this server.
    #[schemars(length(max = 8))]
    pub(crate) icons: Vec<IconTable>,
    /// What this server is for, in words for the model.
    #[schemars(length(max = 65_536))]
    pub(crate) instructions: Option<String>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            name: "portwright".into(),
            title: None,
            description: None,
            website_url: None,
            icons: Vec::new(),
            instructions: None,
        }
    }
}

/// Where clients reach it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListenSection {
    /// The address of the HTTP listener: `127.0.0.1:8722` where nothing is said.
    pub(crate) http: Option<String>,
    /// What the listener speaks; all of them where nothing is said.
    pub(crate) transports: Option<Vec<Transport>>,
    /// The address that clients see, when a proxy stands in front: `https://mcp.example.com`.
    pub(crate) public_url: Option<String>,
    /// Origins of web pages whose scripts may call: `https://chat.example.com`. Pages of the server's own host may.
    pub(crate) allowed_origins: Vec<String>,
    /// Who may call without a credential.
    pub(crate) anonymous: AnonymousSection,
    /// TLS, where no proxy in front has it.
    pub(crate) tls: Option<TlsSection>,
    /// How many connections an address may open in a time: `100/s` where nothing is said. This machine is not counted.
    pub(crate) connections_per_address: Option<CallRate>,
    /// How many credentials from an address may fail in a time before it has to wait: `60/min` where nothing is said. This
    /// machine is not counted; a good credential is never refused for it.
    pub(crate) failures_per_address: Option<CallRate>,
    /// How long calls in flight may take to end when the server stops: `30s` where nothing is said.
    pub(crate) drain: Option<HumanDuration>,
    /// How long calls are still taken before that, while `/ready` says no already, so that a balancer looks elsewhere: `0s`
    /// where nothing is said.
    pub(crate) drain_delay: Option<HumanDuration>,
}

/// What an HTTP listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Streamable HTTP, on `/mcp`.
    Http,
    /// HTTP+SSE of 2024-11-05, on `/sse`.
    Sse,
    /// WebSocket, on `/ws`.
    Websocket,
}

/// Who may call without a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnonymousSection {
    /// Nobody.
    Never,
    /// Programs on this machine. The default.
    #[default]
    Loopback,
    /// Everybody who reaches the listener.
    Anywhere,
}

/// How callers prove who they are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuthSection {
    /// API keys.
    pub(crate) keys: Option<KeysSection>,
    /// Access tokens of an OAuth 2.1 authorization server.
    pub(crate) oauth: Option<OAuthSection>,
    /// What certificates of clients grant; `listen.tls.client_ca` says whose count.
    pub(crate) certificates: Option<CertificatesSection>,
}

/// API keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysSection {
    /// The file that `portwright keys` writes, with hashes of the keys; relative to the configuration's folder.
    pub(crate) file: PathBuf,
}

/// Bounds on every call. How often, how much and how many at once count for each principal; a role, a source or a tool
/// may have such limits of its own beside them, and all that speak of a call must have room for it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// How many calls in a time a principal may make, such as `120/min`; the times are `s`, `min`, `h` and `day`.
    pub(crate) calls: Option<CallRate>,
    /// How many of these calls may come all at once after a pause; as many as `calls` says where nothing is said.
    pub(crate) burst: Option<u64>,
    /// How many calls of a principal may run at the same time, tasks included.
    pub(crate) concurrent: Option<u32>,
    /// How many bytes of results in a time a principal may get, such as `10MiB/min`. The result that goes beyond is still
    /// delivered; then calls are refused until that is made up for.
    pub(crate) result_bytes: Option<ByteRate>,
    /// The same for all principals together, to shield what stands behind.
    pub(crate) total: QuotaSection,
    /// How long a call that is over a limit may wait for room before it is refused: `1s` where nothing is said, `0s` for
    /// not at all.
    pub(crate) queue_wait: Option<HumanDuration>,
    /// Where what was used is kept: `memory` where nothing is said, or `redis://…` for several servers to share it.
    #[schemars(with = "Option<String>")]
    pub(crate) store: Option<Secret>,
    /// What the keys in that store begin with: `portwright` where nothing is said.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) store_prefix: Option<String>,
    /// What becomes of calls while that store is away.
    pub(crate) store_down: StoreDown,
    /// How long a call may take: `30s` where nothing is said.
    pub(crate) call_timeout: Option<HumanDuration>,
    /// How long a call may wait, beside that, for answers of the person or the model behind the client: `5m` where
    /// nothing is said.
    pub(crate) ask_timeout: Option<HumanDuration>,
    /// How long a session may be idle before it ends: `30m` where nothing is said.
    pub(crate) session_idle: Option<HumanDuration>,
    /// How long a call may take that goes on as a task: `30m` where nothing is said.
    pub(crate) task_timeout: Option<HumanDuration>,
    /// How long a task is kept for its client, from its beginning: `1h` where nothing is said.
    pub(crate) task_ttl: Option<HumanDuration>,
}

/// What becomes of calls while the store of the limits is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreDown {
    /// They are refused. The default.
    #[default]
    Closed,
    /// Each server counts by itself.
    Local,
}

/// What is done about orders, secrets and hidden characters in what sources say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SanitizeSection {
    /// What is done with text that reads like an order to the model.
    pub(crate) injection: InjectionSection,
    /// What is done with a definition of another server that changes after it was listed.
    pub(crate) drift: DriftSection,
    /// What is taken out: `secrets`, `email`, `card`, `iban`, `phone`, or the name of a pattern; `["secrets"]` where
    /// nothing is said.
    pub(crate) redact: Vec<String>,
    /// Regular expressions, by the names under which `redact` uses them.
    pub(crate) patterns: BTreeMap<String, String>,
}

impl Default for SanitizeSection {
    fn default() -> Self {
        Self {
            injection: InjectionSection::default(),
            drift: DriftSection::default(),
            redact: vec!["secrets".into()],
            patterns: BTreeMap::new(),
        }
    }
}

/// What is done with a definition of another server that changes after it was listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DriftSection {
    /// It is listed as it is now; the log and the health page say so. The default.
    #[default]
    Log,
    /// It is left out until the configuration is read anew.
    Block,
}

/// What is done with text that reads like an order to the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InjectionSection {
    /// It is not looked for.
    Off,
    /// It is put between borders, with a warning. The default.
    #[default]
    Mark,
    /// The call is refused.
    Block,
}
