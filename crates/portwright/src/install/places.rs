//! [`Places`]: the folders that clients keep their files in.

use std::path::PathBuf;

/// The systems that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Os {
    Mac,
    Windows,
    Linux,
}

/// Where a person's files are. Tests have their own.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) os: Os,
    pub(crate) home: PathBuf,
    /// The folder at hand.
    pub(crate) cwd: PathBuf,
    /// `XDG_CONFIG_HOME`, where it is set.
    pub(crate) xdg: Option<PathBuf>,
    /// `APPDATA`, where it is set.
    pub(crate) appdata: Option<PathBuf>,
    /// `CODEX_HOME`, where it is set.
    pub(crate) codex: Option<PathBuf>,
}

impl Places {
    /// Of this process; none without a home.
    pub(crate) fn here() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let os = if cfg!(windows) {
            Os::Windows
        } else if cfg!(target_os = "macos") {
            Os::Mac
        } else {
            Os::Linux
        };
        Some(Self {
            os,
            home: std::env::home_dir()?,
            cwd: std::env::current_dir().ok()?,
            xdg: variable("XDG_CONFIG_HOME"),
            appdata: variable("APPDATA"),
            codex: variable("CODEX_HOME"),
        })
    }

    /// What programs with a Unix habit call the folder for configuration, on every system.
    pub(super) fn config(&self) -> PathBuf {
        self.xdg.clone().unwrap_or_else(|| self.home.join(".config"))
    }

    /// The platform's own folder for the data of programs.
    pub(super) fn programs(&self) -> PathBuf {
        match self.os {
            Os::Mac => self.home.join("Library/Application Support"),
            Os::Windows => self.appdata.clone().unwrap_or_else(|| self.home.join("AppData/Roaming")),
            Os::Linux => self.config(),
        }
    }
}
