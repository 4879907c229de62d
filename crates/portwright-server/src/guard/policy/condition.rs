//! [`Condition`]: what must hold for a role's rules to allow: an expression in CEL, the Common Expression Language.
//!
//! What callers send is data to it, never part of the expression. It always ends: CEL has no loops but over the members
//! of a list, of which a condition may have one. Whatever goes wrong in it, it does not hold.

use cel::{Context, Program, Value};
use portwright_core::{Call, Principal, limits};
use serde_json::json;

/// A condition, compiled.
pub struct Condition {
    written: String,
    program: Program,
    /// Whether it looks at the call, and not at the caller alone.
    of_the_call: bool,
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCondition {
    #[error("it is longer than {} bytes", limits::CONDITION_BYTES_MAX)]
    TooLong,
    #[error("it can't be read: {0}")]
    Syntax(String),
    #[error("`{0}` is nothing that a condition knows: there are `principal`, `call` and `args`")]
    Variable(String),
    #[error("there is no function `{0}`")]
    Function(String),
    #[error("it goes over lists more than once; one of all(), exists(), exists_one(), map() and filter() is allowed")]
    Loops,
}

const VARIABLES: [&str; 3] = ["args", "call", "principal"];
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];
const FUNCTIONS: [&str; 14] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "endsWith",
    "has",
    "int",
    "matches",
    "max",
    "min",
    "size",
    "startsWith",
    "string",
    "uint",
];

impl Condition {
    /// Compiles it.
    pub fn read(text: &str) -> Result<Self, BadCondition> {
        if text.len() > limits::CONDITION_BYTES_MAX {
            return Err(BadCondition::TooLong);
        }
        if loops(text) > 1 {
            return Err(BadCondition::Loops);
        }
        let program = Program::compile(text).map_err(|errors| BadCondition::Syntax(one_line(&errors.to_string())))?;
        let references = program.references();
        let own = bound(text);
        let variables = references.variables();
        if let Some(strange) = variables.iter().find(|name| !VARIABLES.contains(name) && own.as_deref() != Some(**name))
        {
            return Err(BadCondition::Variable((*strange).to_owned()));
        }
        let named = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let known =
            |name: &str| FUNCTIONS.contains(&name) || LOOPS.contains(&name) || name.starts_with(['_', '@', '!']);
        if let Some(strange) = references.functions().into_iter().filter(named).find(|name| !known(name)) {
            return Err(BadCondition::Function(strange.to_owned()));
        }
        let of_the_call = variables.iter().any(|name| matches!(*name, "args" | "call"));
        Ok(Self { written: text.to_owned(), program, of_the_call })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it holds for this caller; none if that depends on the call.
    pub(super) fn holds_for(&self, principal: &Principal) -> Option<bool> {
        (!self.of_the_call).then(|| self.holds(principal, None))
    }

    /// Whether it holds for this caller and this call.
    pub(super) fn holds(&self, principal: &Principal, call: Option<&Call>) -> bool {
        let mut known = Context::default();
        let facts = json!({
            "id": &*principal.id,
            "auth": principal.auth.as_str(),
            "roles": principal.roles.iter().map(|role| &**role).collect::<Vec<_>>(),
            "claims": &principal.claims,
        });
        let mut set = |name: &str, value: serde_json::Value| {
            cel::to_value(value).map(|value| known.add_variable_from_value(name.to_owned(), value)).is_ok()
        };
        let mut whole = set("principal", facts);
        if let Some(call) = call.filter(|_| self.of_the_call) {
            let arguments = call.operation.arguments().cloned().unwrap_or_default();
            let bytes = serde_json::to_string(&arguments).map_or(usize::MAX, |text| text.len());
            whole &= bytes <= limits::CONDITION_ARGUMENTS_BYTES_MAX && set("args", arguments.into());
            whole &= set(
                "call",
                json!({
                    "operation": call.operation.method(),
                    "name": call.operation.name(),
                    "source": call.target.as_ref().map(|target| &*target.source),
                }),
            );
        }
        whole && matches!(self.program.execute(&known), Ok(Value::Bool(true)))
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

/// How often it goes over a list.
fn loops(text: &str) -> usize {
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    LOOPS.iter().map(|name| plain.matches(&format!(".{name}(")).count()).sum()
}

/// The name that the one loop gives to a member.
fn bound(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let start = LOOPS.iter().find_map(|name| {
        let call = format!(".{name}(");
        plain.find(&call).map(|at| at + call.len())
    })?;
    plain[start..].split(',').next().map(str::to_owned)
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).take(1).collect::<Vec<_>>().join(" ")
}
