//! The configuration of a running server: read again when its files change, or on SIGHUP. A broken one changes nothing.

use std::net::SocketAddr;

use portwright_core::limits;
use portwright_server::{Reloaded, Server};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use crate::config::watch::Watch;
use crate::config::{self, ConfigError, Configured, Environment, Plan};

/// Keeps a server true to its configuration.
pub(crate) struct Reloading {
    pub(crate) server: Server,
    pub(crate) watch: Watch,
    pub(crate) environment: Environment,
    /// Where the configuration says to listen, unless the command line said something else.
    pub(crate) listen: Option<SocketAddr>,
    /// Whether SIGHUP is ours. A client that starts its server on standard input and output ends it as it likes.
    pub(crate) hangup: bool,
}

impl Reloading {
    /// Looks after the configuration until the handle is dropped.
    pub(crate) fn begin(self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run()))
    }

    async fn run(mut self) {
        let mut hangups = Hangups::new(self.hangup);
        let mut looks = tokio::time::interval(limits::CONFIG_LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = looks.tick() => false,
                () = hangups.next() => true,
            };
            // Files may lie on a disk that is slow or gone: the threads that serve do not wait for it.
            let looked = tokio::task::spawn_blocking(move || {
                let read = asked || self.watch.look();
                let loaded = read.then(|| {
                    self.watch.renew();
                    config::load(Some(self.watch.path()), self.environment)
                });
                (self, loaded)
            });
            let loaded;
            (self, loaded) = match looked.await {
                Ok(looked) => looked,
                Err(error) => return tracing::error!(%error, "the configuration is not looked after any more"),
            };
            match loaded {
                None => {}
                Some(Ok(loaded)) => self.swap(loaded.plan).await,
                Some(Err(error)) => self.refuse(&error),
            }
        }
    }

    async fn swap(&self, plan: Plan) {
        let Plan { server, listen, sources } = plan;
        let mounts = sources.into_iter().map(Configured::into_mount).collect();
        match self.server.reload(&server, mounts).await {
            Ok(Reloaded { kept, opened, removed, mut after_restart }) => {
                if self.listen.is_some_and(|address| address != listen) {
                    after_restart.insert(0, "listen.http".to_owned());
                }
                self.server.set_fault(None);
                tracing::info!(
                    kept = kept.join(", "),
                    opened = opened.join(", "),
                    removed = removed.join(", "),
                    "configuration reloaded"
                );
                if !after_restart.is_empty() {
                    let parts = after_restart.join(", ");
                    tracing::warn!(parts, "these changes take effect after a restart");
                }
            }
            Err(error) => {
                tracing::error!(%error, "configuration not used; the last good one is served");
                self.server.set_fault(Some(format!("configuration: {error}; the last good one is served")));
            }
        }
    }

    /// Says what is wrong, each thing on its own line of the log, and that all stays as it was.
    fn refuse(&self, error: &ConfigError) {
        if let ConfigError::Problems(problems) = error {
            for problem in problems.to_json().as_array().into_iter().flatten() {
                let text = |key: &str| problem[key].as_str().unwrap_or_default();
                let place = format!("{}:{}:{}", text("file"), problem["line"], problem["column"]);
                let hint = problem.get("hint").and_then(Value::as_str);
                tracing::error!(place, rule = text("rule"), hint, "{}", text("message"));
            }
        }
        tracing::error!(%error, "configuration not used; the last good one is served");
        self.server.set_fault(Some(format!("configuration: {error}; the last good one is served")));
    }
}

/// The signal by which an operator asks for a reload.
#[cfg(unix)]
struct Hangups(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    fn new(ours: bool) -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(ours.then(|| signal(SignalKind::hangup()).ok()).flatten())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    fn new(_: bool) -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
