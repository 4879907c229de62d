//! The lists that callers see: everything, or what the rules of their roles leave of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use portwright_core::{Call, Principal, Target, limits};

use super::{Catalog, Lists, Section, ToolEntry};

/// What decides over a caller's lists: of each of their roles, by its place in the plan, whether its allows may hold.
pub(crate) type Standing = Vec<(usize, bool)>;

/// An entry of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry<'a> {
    Tool(&'a Target),
    Prompt(&'a Target),
    Resource(&'a str),
    Template(&'a str),
}

/// Who sees what. The policy says so; the catalog does not know it by another name.
pub(crate) trait Sight: fmt::Debug + Send + Sync {
    /// What decides over this caller's lists. None: they see all.
    fn standing(&self, principal: Option<&Principal>) -> Option<Standing>;

    /// Whether this caller sees the entry.
    fn sees(&self, principal: Option<&Principal>, entry: Entry<'_>) -> bool;

    /// Whether this caller may make this call.
    fn allows(&self, principal: &Principal, call: &Call) -> bool;

    /// What it was made of: two that were made of the same see the same.
    fn written(&self) -> &str;
}

/// Lists that were made, by what decided over them.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<Standing, Arc<Lists>>>);

impl Catalog {
    /// What this caller sees.
    pub(crate) fn lists_for(&self, principal: Option<&Principal>) -> Arc<Lists> {
        let Some(policy) = &self.rules.policy else { return self.all.clone() };
        let Some(standing) = policy.standing(principal) else { return self.all.clone() };
        if let Some(made) = self.made(&standing) {
            return made;
        }
        let made = Arc::new(self.filtered(&**policy, principal));
        let mut views = self.views.0.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= limits::LIST_VIEWS_MAX {
            views.clear();
        }
        views.insert(standing, made.clone());
        made
    }

    fn made(&self, standing: &Standing) -> Option<Arc<Lists>> {
        self.views.0.lock().unwrap_or_else(PoisonError::into_inner).get(standing).cloned()
    }

    fn filtered(&self, policy: &dyn Sight, principal: Option<&Principal>) -> Lists {
        let keep = |section: &Section, sees: &dyn Fn(&str) -> bool| Section {
            entries: section.entries.iter().filter(|entry| sees(&entry.0)).cloned().collect(),
        };
        let sees = |entry: Entry<'_>| policy.sees(principal, entry);
        Lists {
            tools: keep(&self.all.tools, &|name| self.tool(name).is_some_and(|entry| sees(Entry::Tool(&entry.target)))),
            prompts: keep(&self.all.prompts, &|name| {
                self.prompt_targets.get(name).is_some_and(|target| sees(Entry::Prompt(target)))
            }),
            resources: keep(&self.all.resources, &|uri| sees(Entry::Resource(uri))),
            templates: keep(&self.all.templates, &|uri| sees(Entry::Template(uri))),
        }
    }

    /// Names that several sources offer, of those that stand in these lists.
    pub(crate) fn collisions_in(&self, lists: &Lists) -> Vec<String> {
        let seen = |name: &&String| {
            let dotted = |listed: &str| listed.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
            lists.tools.names().chain(lists.prompts.names()).any(dotted)
        };
        self.collisions().iter().filter(seen).cloned().collect()
    }

    /// The tool of this name, if this caller may know of it.
    pub(crate) fn tool_for(&self, name: &str, principal: Option<&Principal>) -> Option<&ToolEntry> {
        let entry = self.tool(name)?;
        let policy = self.rules.policy.as_ref();
        policy.is_none_or(|policy| policy.sees(principal, Entry::Tool(&entry.target))).then_some(entry)
    }
}
