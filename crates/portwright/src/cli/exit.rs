//! Exit codes. Scripts rely on them: none is ever given another meaning.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// A bug of ours.
    Bug = 1,
    /// The command line.
    Usage = 2,
    /// The configuration.
    Config = 3,
    /// A source or server can't be reached, or an address can't be listened on.
    Unreachable = 4,
    /// What was checked has findings.
    Findings = 5,
    /// A client's file can't be read or written.
    ClientFile = 6,
    /// The tool answered `isError`, or the server refused.
    Refused = 7,
}

impl Exit {
    /// Every code with its meaning, for the help text.
    pub const MEANINGS: [(Self, &'static str); 8] = [
        (Self::Ok, "done"),
        (Self::Bug, "a bug in portwright"),
        (Self::Usage, "the command line is wrong"),
        (Self::Config, "the configuration is wrong"),
        (Self::Unreachable, "a source or server can't be reached, or a port is taken"),
        (Self::Findings, "check, lint or audit verify found something"),
        (Self::ClientFile, "a client's file can't be read or written, or is broken"),
        (Self::Refused, "the tool or server answered with an error"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
