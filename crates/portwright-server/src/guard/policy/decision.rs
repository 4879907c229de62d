//! The one function that decides.

use std::fmt;
use std::sync::Arc;

use portwright_core::{Auth, Call, Principal};

use super::{ANONYMOUS, LOCAL, Policy, Role, Subject};

/// What was decided, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// The rule, by its place in the plan: `roles.analyst.deny[0]`.
    pub rule: Option<String>,
    pub why: Why,
}

/// Why it was decided so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The plan has no roles.
    NoPolicy,
    /// Whoever started the process, where no role says what they may.
    Local,
    /// A rule allows it.
    Allowed { pattern: String },
    /// A rule denies it.
    Denied { pattern: String },
    /// A rule would allow it, but what must hold for it does not.
    Unmet { pattern: String, condition: String },
    /// No rule of these roles allows it.
    NoRule { roles: Vec<Arc<str>> },
    /// The caller has no role that the plan knows.
    NoRole,
    /// Nothing has that name.
    Unknown,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy => f.write_str("there are no [roles], so whoever is let in may do everything"),
            Self::Local => write!(f, "whoever started the process may do everything, as there is no [roles.{LOCAL}]"),
            Self::Allowed { pattern } => write!(f, "`{pattern}` allows it"),
            Self::Denied { pattern } => write!(f, "`{pattern}` denies it, and a deny wins"),
            Self::Unmet { pattern, condition } => {
                write!(f, "`{pattern}` would allow it, but the condition does not hold: {condition}")
            }
            Self::NoRule { roles } => write!(f, "no rule of the caller's roles allows it ({})", roles.join(", ")),
            Self::NoRole => f.write_str("the caller has none of the plan's [roles]"),
            Self::Unknown => f.write_str("nothing has that name"),
        }
    }
}

impl Decision {
    /// Where there are no roles, everything goes that there is.
    pub(crate) fn without_policy(call: &Call) -> Self {
        let allowed = call.target.is_some();
        Self { allowed, rule: None, why: if allowed { Why::NoPolicy } else { Why::Unknown } }
    }

    pub(super) fn refused(why: Why) -> Self {
        Self { allowed: false, rule: None, why }
    }
}

impl Policy {
    /// The roles that a caller has; none if there is nothing that they may not.
    fn roles_of<'a>(&'a self, principal: &'a Principal) -> Option<impl Iterator<Item = (usize, &'a Role)>> {
        let own = match principal.auth {
            Auth::Local if !self.roles.iter().any(|role| &*role.name == LOCAL) => return None,
            Auth::Local => Some(LOCAL),
            Auth::Anonymous => Some(ANONYMOUS),
            _ => None,
        };
        let has = move |role: &Role| own == Some(&*role.name) || principal.roles.contains(&role.name);
        Some(self.roles.iter().enumerate().filter(move |(_, role)| has(role)))
    }

    /// What decides over a caller's lists: of each of their roles, whether its allows may hold. None: they see all.
    pub(super) fn standing_of(&self, principal: Option<&Principal>) -> Option<Vec<(usize, bool)>> {
        let Some(principal) = principal else { return Some(Vec::new()) };
        let may = |role: &Role| role.when.as_ref().is_none_or(|when| when.holds_for(principal).unwrap_or(true));
        Some(self.roles_of(principal)?.map(|(place, role)| (place, may(role))).collect())
    }

    /// Whether this may be called; without a call, whether it may be listed.
    pub(crate) fn decide(&self, principal: Option<&Principal>, subject: &Subject<'_>, call: Option<&Call>) -> Decision {
        let Some(principal) = principal else { return Decision::refused(Why::NoRole) };
        let Some(roles) = self.roles_of(principal) else {
            return Decision { allowed: true, rule: None, why: Why::Local };
        };
        let roles: Vec<&Role> = roles.map(|(_, role)| role).collect();
        if roles.is_empty() {
            return Decision::refused(Why::NoRole);
        }
        for role in &roles {
            if let Some(place) = role.deny.denies(subject) {
                let pattern = role.deny.get(place).map(|pattern| pattern.as_str().to_owned()).unwrap_or_default();
                let rule = Some(format!("roles.{}.deny[{place}]", role.name));
                return Decision { allowed: false, rule, why: Why::Denied { pattern } };
            }
        }
        let mut unmet = None;
        for role in &roles {
            let Some(place) = role.allow.allows(subject) else { continue };
            let pattern = role.allow.get(place).map(|pattern| pattern.as_str().to_owned()).unwrap_or_default();
            let holds = role.when.as_ref().is_none_or(|when| match call {
                Some(_) => when.holds(principal, call),
                None => when.holds_for(principal).unwrap_or(true),
            });
            if holds {
                let rule = Some(format!("roles.{}.allow[{place}]", role.name));
                return Decision { allowed: true, rule, why: Why::Allowed { pattern } };
            }
            let condition = role.when.as_ref().map(|when| when.as_str().to_owned()).unwrap_or_default();
            let rule = Some(format!("roles.{}.when", role.name));
            unmet.get_or_insert(Decision { allowed: false, rule, why: Why::Unmet { pattern, condition } });
        }
        unmet.unwrap_or_else(|| {
            Decision::refused(Why::NoRule { roles: roles.iter().map(|role| role.name.clone()).collect() })
        })
    }
}
