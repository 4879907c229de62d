//! [`CliError`]: why a command failed, in two tiers: what was to be expected, and bugs.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use portwright_core::limits;

use super::exit::Exit;
use super::print;
use crate::config::ConfigError;

type Cause = Box<dyn Error + Send + Sync>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command line says something that can't be done.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// A server that is somebody else's, or a source.
    #[error("{what} can't be reached")]
    Unreachable { what: String, source: Cause },
    /// The login at a server did not work.
    #[error("can't log in at {what}")]
    Login { what: String, source: Cause },
    /// It asks for a login that there was not.
    #[error("{0} asks who you are")]
    Unknown(String),
    /// It was reached, and then said nothing.
    #[error("{0} did not answer within {wait:?}", wait = limits::CLIENT_CALL_WAIT)]
    Silent(String),
    /// The address of our own listener.
    #[error("can't listen on {address}")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    /// A client's file was not changed.
    #[error("{message}")]
    ClientFile { message: String, source: Option<Cause>, hint: &'static str },
    /// The server answered with an error.
    #[error("{0}")]
    Refused(String),
    /// What the configuration asks for can't be had on this machine.
    #[error("can't start")]
    Start { source: Cause, hint: Option<&'static str> },
    /// Nobody reads what we print.
    #[error("standard output was closed")]
    Closed,
    #[error("can't write the output")]
    Output(#[source] io::Error),
    /// What must not happen.
    #[error("{0}")]
    Bug(String),
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(crate) fn start(source: impl Into<Cause>) -> Self {
        Self::Start { source: source.into(), hint: None }
    }

    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Closed => Exit::Ok,
            Self::Usage { .. } => Exit::Usage,
            Self::Config(_) | Self::Start { .. } => Exit::Config,
            Self::Unreachable { .. }
            | Self::Login { .. }
            | Self::Unknown(_)
            | Self::Silent(_)
            | Self::Listen { .. } => Exit::Unreachable,
            Self::ClientFile { .. } => Exit::ClientFile,
            Self::Refused(_) => Exit::Refused,
            Self::Bug(_) | Self::Output(_) => Exit::Bug,
        }
    }

    fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } => hint.as_deref(),
            Self::Start { hint, .. } => *hint,
            Self::Config(ConfigError::Locate(crate::config::LocateError::Nowhere(_))) => Some("name one with -c FILE"),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there: stop it, or choose another port with --listen 127.0.0.1:PORT")
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need privileges; choose another with --listen 127.0.0.1:PORT")
            }
            Self::Unknown(_) => {
                Some("log in with `portwright login --url URL`, or put a token or key into PORTWRIGHT_TOKEN")
            }
            Self::Login { .. } => Some("`portwright login --url URL` starts anew; --forget drops what is kept"),
            Self::ClientFile { hint, .. } => Some(hint),
            Self::Bug(_) => Some("this is a bug in portwright; please report it with what you did"),
            _ => None,
        }
    }

    /// Says on standard error what went wrong: the one printer of all commands.
    pub fn report(&self) {
        if matches!(self, Self::Closed) {
            return;
        }
        let mut text = String::new();
        if let Self::Config(ConfigError::Problems(problems)) = self {
            let _ = writeln!(text, "{}\n", problems.render(true));
        }
        let (bad, end) = (print::BAD.render(), print::BAD.render_reset());
        let _ = writeln!(text, "{bad}error{end}: {self}");
        let mut said = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Wrappers of other crates repeat what they wrap.
            let next = error.to_string();
            if !said.contains(&next) {
                let _ = writeln!(text, "  because: {next}");
            }
            said = next;
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            let _ = writeln!(text, "  help: {hint}");
        }
        print::note(text.trim_end());
    }
}
