//! Who calls, and what the credential says of them.

use std::sync::Arc;

use serde_json::Value;

use crate::protocol::JsonObject;

/// How a principal was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Auth {
    /// The person who started the process: stdio.
    Local,
    /// Nobody asked. Allowed only where the plan allows it.
    Anonymous,
    /// An API key.
    Key,
    /// An OAuth access token.
    Token,
    /// A client certificate.
    Certificate,
}

impl Auth {
    /// The word that stands in an audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Anonymous => "anonymous",
            Self::Key => "key",
            Self::Token => "token",
            Self::Certificate => "certificate",
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Unique and stable: the user name, the key's name, the token's subject with its issuer.
    pub id: Arc<str>,
    /// How they proved it.
    pub auth: Auth,
    /// Roles that the credential grants, as the plan names them.
    pub roles: Vec<Arc<str>>,
    /// Facts that the credential proves, by name: a tenant, an e-mail address.
    pub claims: JsonObject,
}

impl Principal {
    /// Somebody with no roles and no claims.
    pub fn new(id: impl Into<Arc<str>>, auth: Auth) -> Self {
        Self { id: id.into(), auth, roles: Vec::new(), claims: JsonObject::new() }
    }

    /// The one who started the process.
    pub fn local(user: &str) -> Self {
        Self::new(user, Auth::Local)
    }

    /// Somebody who showed no credential, where that is allowed.
    pub fn anonymous() -> Self {
        Self::new("anonymous", Auth::Anonymous)
    }

    /// Adds a fact that the credential proves.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// The roles by which they are judged: those that the credential grants, and the one that goes without saying, where
    /// there is no credential: [`Auth::Anonymous`] and [`Auth::Local`] are roles by the word that stands in the audit.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        let unsaid = matches!(self.auth, Auth::Anonymous | Auth::Local).then(|| self.auth.as_str());
        let granted = self.roles.iter().enumerate().filter(|(at, role)| !self.roles[..*at].contains(role));
        let granted = granted.map(|(_, role)| &**role).filter(move |role| Some(*role) != unsaid);
        unsaid.into_iter().chain(granted)
    }

    /// A claim by name; dots step into objects (`org.id`). `sub` is the principal's id where no claim has that name.
    pub fn claim(&self, path: &str) -> Option<Value> {
        let mut steps = path.split('.');
        let first = steps.next()?;
        let Some(start) = self.claims.get(first) else {
            return (path == "sub").then(|| Value::from(&*self.id));
        };
        steps.try_fold(start, |value, step| value.get(step)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Auth, Principal};

    #[test]
    fn roles_are_named_once_and_some_go_without_saying() {
        let mut who = Principal::anonymous();
        who.roles = vec!["a".into(), "b".into(), "a".into(), "anonymous".into()];
        assert_eq!(who.role_names().collect::<Vec<_>>(), ["anonymous", "a", "b"]);
        who.auth = Auth::Key;
        assert_eq!(who.role_names().collect::<Vec<_>>(), ["a", "b", "anonymous"]);
        assert_eq!(Principal::local("ada").role_names().collect::<Vec<_>>(), ["local"]);
    }

    #[test]
    fn claims_step_into_objects() {
        let who = Principal::new("ada", Auth::Token).with_claim("org", json!({"id": 7}));
        assert_eq!(who.claim("org.id"), Some(json!(7)));
        assert_eq!(who.claim("org.name"), None);
        assert_eq!(who.claim("sub"), Some(json!("ada")));
        assert_eq!(who.claim("tenant"), None);
    }
}
