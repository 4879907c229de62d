//! [`Program`]: the command line, with kinds of source and guards of one's own.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use portwright_core::{Guard, SourceKind};

use crate::cli;
use crate::config::kinds::TwoOfAName;
use crate::config::{Environment, Kinds};

/// The program `portwright` with what its author adds: a binary of one's own in one expression.
///
/// Every command knows the kinds: `serve` opens them, `check` finds what is wrong with their tables, `schema` prints
/// theirs among the others. The guards stand in the chain of each server that the program starts.
///
/// ```no_run
/// # use portwright_core::{Diagnostic, SourceConfig, SourceKind, SourceSpec};
/// # struct Tides;
/// # impl SourceKind for Tides {
/// #     fn name(&self) -> &'static str { "tides" }
/// #     fn summary(&self) -> &'static str { "High and low water" }
/// #     fn schema(&self, _: &mut schemars::SchemaGenerator) -> schemars::Schema { schemars::json_schema!({}) }
/// #     fn decode(&self, _: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> { Err(Vec::new()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     portwright::Program::new().kind(Tides).main()
/// }
/// ```
#[derive(Default)]
pub struct Program {
    kinds: Vec<&'static dyn SourceKind>,
    guards: Vec<Arc<dyn Guard>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("kinds", &self.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>())
            .field("guards", &self.guards.iter().map(|guard| guard.name()).collect::<Vec<_>>())
            .finish()
    }
}

impl Program {
    /// The program as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind of source, which `kind = "…"` may then name.
    #[must_use]
    pub fn kind(mut self, kind: impl SourceKind + 'static) -> Self {
        // A kind lives as long as the program.
        self.kinds.push(Box::leak(Box::new(kind)));
        self
    }

    /// Adds a guard to the chain, as [`App::guard`](crate::App::guard) does.
    #[must_use]
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Arc::new(guard));
        self
    }

    /// Reads the command line and does what it says.
    pub fn main(self) -> ExitCode {
        cli::run(self)
    }

    pub(crate) fn own(self) -> Result<Own, TwoOfAName> {
        Ok(Own { kinds: Kinds::with(self.kinds)?, guards: self.guards })
    }
}

/// What the author of the program added.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) kinds: Kinds,
    pub(crate) guards: Vec<Arc<dyn Guard>>,
}

impl Own {
    /// What configurations are read with.
    pub(crate) fn environment(&self) -> Environment {
        Environment { kinds: self.kinds, ..Environment::default() }
    }
}
