//! What the server needs to know, resolved: the part of the plan that is not about sources.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::Icon;
use portwright_core::{Fetch, limits};

use crate::guard::authenticate::OAuthPlan;
use crate::guard::limit::Rate;
use crate::guard::policy::PolicyPlan;
use crate::guard::{ApprovalPlan, AuditPlan, LimitPlan, SanitizePlan};
pub use crate::ops::telemetry::plan::{ExportPlan, Protocol, Receiver, Signal};
pub use crate::session::replicas::ReplicaPlan;
pub use crate::transport::ClientRoles;

/// The plan of one server.
#[derive(Debug, Clone)]
pub struct ServerPlan {
    /// `serverInfo.name`.
    pub name: String,
    pub title: Option<String>,
    /// What this server is for, in a line for people; it stands on the server's card, which anybody may read.
    pub description: Option<String>,
    /// A page that tells people more.
    pub website_url: Option<String>,
    /// Pictures that clients may show.
    pub icons: Vec<Icon>,
    pub version: String,
    /// What this server is for, for the model.
    pub instructions: Option<String>,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// How long a call may wait for its client's answers, beside that.
    pub ask_timeout: Duration,
    pub sessions: SessionPlan,
    /// What makes several processes one server.
    pub replicas: Option<ReplicaPlan>,
    pub tasks: TaskPlan,
    pub listen: ListenPlan,
    /// No file, no audit.
    pub audit: Option<AuditPlan>,
    /// What is done about orders, secrets and hidden characters in what sources say.
    pub sanitize: SanitizePlan,
    /// Who may do what. No roles: whoever is let in may do everything.
    pub policy: PolicyPlan,
    /// How often, how much and how many at once.
    pub limit: LimitPlan,
    /// Which calls a person must approve, and who that is.
    pub approvals: ApprovalPlan,
    /// The file of API keys.
    pub keys: Option<PathBuf>,
    /// Whose access tokens are taken.
    pub oauth: Option<OAuthPlan>,
    /// Who reads the numbers of `/metrics`.
    pub metrics: MetricsReaders,
    /// Who looks at the dashboard, and who sees everybody's calls there.
    pub dashboard: DashboardPlan,
    /// Where what happens is exported to.
    pub export: Option<Arc<ExportPlan>>,
    /// Gets pages of other hosts, where something needs them: an issuer's keys.
    pub fetch: Option<Arc<dyn Fetch>>,
}

impl ServerPlan {
    /// Whether callers can prove who they are.
    pub fn asks_for_proof(&self) -> bool {
        let certificates = self.listen.tls.as_ref().is_some_and(TlsPlan::proves_clients);
        self.keys.is_some() || self.oauth.is_some() || certificates
    }

    /// A plan with every default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            website_url: None,
            icons: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instructions: None,
            call_timeout: limits::CALL_WAIT,
            ask_timeout: limits::ASK_WAIT,
            sessions: SessionPlan::default(),
            replicas: None,
            tasks: TaskPlan::default(),
            listen: ListenPlan::default(),
            audit: None,
            sanitize: SanitizePlan::default(),
            policy: PolicyPlan::default(),
            limit: LimitPlan::default(),
            approvals: ApprovalPlan::default(),
            keys: None,
            oauth: None,
            metrics: MetricsReaders::default(),
            dashboard: DashboardPlan::default(),
            export: None,
            fetch: None,
        }
    }

    /// The sections and keys, as the configuration names them, that `other` says differently and that a running server
    /// can't change.
    pub(crate) fn fixed_parts_that_differ(&self, other: &Self) -> Vec<String> {
        let parts = [
            ("server.name", self.name == other.name),
            ("server.title", self.title == other.title),
            ("server.description", self.description == other.description),
            ("server.website_url", self.website_url == other.website_url),
            ("server.icons", self.icons == other.icons),
            ("listen", self.listen == other.listen),
            ("audit", self.audit == other.audit),
            ("dashboard", self.dashboard == other.dashboard),
            ("telemetry.metrics", self.metrics == other.metrics),
            ("telemetry.otlp", self.export == other.export),
            ("auth.keys", self.keys == other.keys),
            ("auth.oauth", self.oauth == other.oauth),
            ("replicas", self.replicas == other.replicas),
            ("limits.store", self.limit.store == other.limit.store),
            ("limits.task_timeout", self.tasks.timeout == other.tasks.timeout),
            ("limits.task_ttl", self.tasks.ttl == other.tasks.ttl),
        ];
        parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part.to_owned()).collect()
    }
}

/// Sessions of the `initialize` lifecycle.
#[derive(Debug, Clone, Copy)]
pub struct SessionPlan {
    /// In all.
    pub max: usize,
    /// Of one principal.
    pub max_of_one: usize,
    /// How long one may be idle before it ends.
    pub idle: Duration,
}

impl Default for SessionPlan {
    fn default() -> Self {
        Self { max: limits::SESSIONS_MAX, max_of_one: limits::SESSIONS_OF_ONE_MAX, idle: limits::SESSION_IDLE }
    }
}

/// Calls that go on as tasks.
#[derive(Debug, Clone, Copy)]
pub struct TaskPlan {
    /// How long one may take.
    pub timeout: Duration,
    /// How long one is kept, from its beginning; longer than `timeout`.
    pub ttl: Duration,
    /// Running or kept, in all.
    pub max: usize,
    /// Of one principal.
    pub max_of_one: usize,
}

impl Default for TaskPlan {
    fn default() -> Self {
        Self {
            timeout: limits::TASK_WAIT,
            ttl: limits::TASK_TTL,
            max: limits::TASKS_MAX,
            max_of_one: limits::TASKS_OF_ONE_MAX,
        }
    }
}

/// Who reads the numbers of `/metrics`. They name tools and principals, so nobody beyond this machine does, unless the plan
/// says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricsReaders {
    Off,
    /// Those on this machine.
    #[default]
    Loopback,
    /// Those on this machine, and everybody who may call.
    Callers,
    /// Everybody who reaches the listener.
    Anyone,
}

/// The page for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DashboardPlan {
    pub readers: DashboardReaders,
    /// Who has one of these roles, and proved it, sees everybody's calls; others see their own. Without any, and without roles
    /// in the policy, whoever sits at this machine sees all.
    pub roles: Vec<Arc<str>>,
}

/// Who looks at the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DashboardReaders {
    Off,
    /// Those on this machine.
    #[default]
    Loopback,
    /// Those, and everybody who may call.
    Callers,
}

/// Who may call without a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anonymous {
    Never,
    /// Those on this machine.
    #[default]
    Loopback,
    Anywhere,
}

/// The listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenPlan {
    /// Where clients find it from outside: `https://mcp.acme.example`. Its host is allowed as Host, it as Origin.
    pub public_url: Option<String>,
    /// Origins of web pages that may call, beside loopback and `public_url`.
    pub allowed_origins: Vec<String>,
    pub anonymous: Anonymous,
    pub transports: Transports,
    /// How long calls in flight may take to end when the server stops.
    pub drain: Duration,
    /// How long calls are still taken before that, while `/ready` says no already: a balancer's time to look elsewhere.
    pub drain_delay: Duration,
    pub waits: Waits,
    /// No TLS: a proxy in front has it, or nobody but this machine calls.
    pub tls: Option<TlsPlan>,
    /// New connections from one address.
    pub connections_per_address: Option<Rate>,
    /// Credentials from one address that do not hold.
    pub failures_per_address: Option<Rate>,
}

/// TLS on the listener. Files are in PEM, and read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPlan {
    /// The certificate, and behind it those up to a root that clients know.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Authorities whose certificates clients may prove themselves with.
    pub client_ca: Option<PathBuf>,
    pub client_certificates: ClientCertificates,
    /// Certificates that were revoked.
    pub crl: Option<PathBuf>,
    /// The roles of those who show a certificate.
    pub clients: ClientRoles,
}

impl TlsPlan {
    /// Whether a client can prove by a certificate who they are.
    pub fn proves_clients(&self) -> bool {
        self.client_ca.is_some() && self.client_certificates != ClientCertificates::Off
    }
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    #[default]
    Off,
    /// Whoever has none may show a key or a token.
    Optional,
    /// No handshake without.
    Required,
}

impl Default for ListenPlan {
    fn default() -> Self {
        Self {
            public_url: None,
            allowed_origins: Vec::new(),
            anonymous: Anonymous::default(),
            transports: Transports::default(),
            drain: limits::DRAIN_WAIT,
            drain_delay: Duration::ZERO,
            waits: Waits::default(),
            tls: None,
            connections_per_address: Some(Rate::new(limits::CONNECTIONS_OF_ONE_PER_SECOND, Duration::from_secs(1))),
            failures_per_address: Some(Rate::new(limits::FAILURES_OF_ONE_PER_MINUTE, Duration::from_mins(1))),
        }
    }
}

/// What the listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transports {
    /// Streamable HTTP, at `/mcp`.
    pub http: bool,
    /// HTTP+SSE of 2024-11-05, at `/sse` and `/messages`.
    pub sse: bool,
    /// WebSocket, at `/ws`.
    pub websocket: bool,
}

impl Default for Transports {
    fn default() -> Self {
        Self { http: true, sse: true, websocket: true }
    }
}

/// How long a client may take over each part of an HTTP exchange; kept to within a [`tick`](Self::tick).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For a request's head, from its first byte.
    pub head: Duration,
    /// For a request's body.
    pub body: Duration,
    /// To take bytes off our hands.
    pub write: Duration,
    /// Between requests.
    pub idle: Duration,
    /// How often a connection is looked at.
    pub tick: Duration,
    /// Between comments on a stream that has nothing to say.
    pub keep_alive: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            head: limits::HEAD_WAIT,
            body: limits::BODY_WAIT,
            write: limits::WRITE_WAIT,
            idle: limits::CONNECTION_IDLE,
            tick: limits::CONNECTION_TICK,
            keep_alive: limits::KEEP_ALIVE,
        }
    }
}
