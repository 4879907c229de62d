//! Templates: minijinja with nothing in it that could reach out, and with bounded work.
//!
//! A template is the operator's; the values it is rendered with come from clients and from resources. Values are data:
//! nothing that comes out of one is parsed as a template, whatever braces it holds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use portwright_core::limits;

/// The function by which a template asks for a resource's text.
pub(super) const RESOURCE: &str = "resource";

/// The name under which an environment holds its one template.
const ONLY: &str = "template";

/// Why a template did not render.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenderError {
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    #[error("the template takes more than {} steps", limits::PROMPT_FUEL)]
    TooMuchWork,
    #[error("the template failed{}", at_line(.0))]
    Failed(#[source] Error),
}

impl RenderError {
    fn new(error: Error, writer: &Bounded) -> Self {
        match error.kind() {
            _ if writer.overflowed => Self::TooLong(writer.bytes_max),
            ErrorKind::OutOfFuel => Self::TooMuchWork,
            _ => Self::Failed(error),
        }
    }

    /// Whether no argument can make it good.
    pub(super) fn is_hopeless(&self) -> bool {
        match self {
            Self::TooLong(_) | Self::TooMuchWork => true,
            Self::Failed(error) => matches!(
                error.kind(),
                ErrorKind::UnknownFilter
                    | ErrorKind::UnknownFunction
                    | ErrorKind::UnknownMethod
                    | ErrorKind::UnknownTest
                    | ErrorKind::TooManyArguments
                    | ErrorKind::MissingArgument
            ),
        }
    }

    /// What failed, in minijinja's few words, without any value.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Failed(error) => format!("{}{}", error.kind(), at_line(error)),
            other => other.to_string(),
        }
    }
}

/// ` at line 3` of the template, where the engine knows it.
pub(super) fn at_line(error: &Error) -> String {
    error.line().map(|line| format!(" at line {line}")).unwrap_or_default()
}

/// A parsed template.
#[derive(Debug)]
pub(super) struct Template(Environment<'static>);

impl Template {
    /// For text: values are printed as they are.
    pub(super) fn text(source: &str) -> Result<Self, Error> {
        Self::parse(source, environment())
    }

    /// For a URI: printed values are percent-encoded, so that none can step out of its place.
    pub(super) fn uri(source: &str) -> Result<Self, Error> {
        let mut environment = environment();
        environment.set_formatter(|out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value| {
            let encoded = Value::from(percent_encode(&value.to_string()));
            let value = if value.is_undefined() { value } else { &encoded };
            minijinja::escape_formatter(out, state, value)
        });
        Self::parse(source, environment)
    }

    fn parse(source: &str, mut environment: Environment<'static>) -> Result<Self, Error> {
        environment.add_template_owned(ONLY, source.to_owned())?;
        Ok(Self(environment))
    }

    /// Names that it uses and that neither it nor the engine defines, in order.
    pub(super) fn free_names(&self) -> Vec<String> {
        let engine = |name: &String| self.0.globals().any(|(global, _)| global == name);
        let used = self.0.get_template(ONLY).map(|template| template.undeclared_variables(false)).unwrap_or_default();
        let mut free: Vec<_> = used.into_iter().filter(|name| !engine(name)).collect();
        free.sort_unstable();
        free
    }

    /// The text that comes out, of at most `bytes_max` bytes.
    pub(super) fn render(&self, values: BTreeMap<&str, Value>, bytes_max: usize) -> Result<String, RenderError> {
        let mut writer = Bounded { bytes: Vec::new(), bytes_max, overflowed: false };
        let rendered = self
            .0
            .get_template(ONLY)
            .and_then(|template| template.render_captured_to(Value::from(values), &mut writer).map(drop));
        match rendered {
            Ok(()) => String::from_utf8(writer.bytes)
                .map_err(|error| RenderError::Failed(Error::new(ErrorKind::WriteFailure, error.to_string()))),
            Err(error) => Err(RenderError::new(error, &writer)),
        }
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(limits::PROMPT_FUEL));
    environment.add_filter("urlencode", |text: &str| percent_encode(text));
    environment
}

/// All but RFC 3986's unreserved characters, as in RFC 6570's simple expansion.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A buffer that refuses to grow beyond its bound.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
    overflowed: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > self.bytes_max {
            self.overflowed = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
