//! The catalog: which source owns which name. It is never changed, only replaced whole, so that a call sees one
//! version from start to end. It knows sources by their contract alone, and no transport.

mod alike;
mod listing;
mod pins;
mod supervisor;
mod views;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use portwright_core::protocol::{Reference, ResourceTemplate};
use portwright_core::{
    Alias, Call, Context, Endpoint, Guard, Operation, PoolUse, Refusal, Reply, Source, Target, UriTemplate, async_trait,
};
use serde_json::Value;
use serde_json::value::RawValue;

use alike::Twins;
pub(crate) use listing::{HeaderParam, Listing, ToolEntry};
pub(crate) use pins::Pins;
pub(crate) use supervisor::Supervisor;
pub use supervisor::{Fingerprint, Mount, Origin, Reloaded, SourceHealth, State};
pub(crate) use views::{Entry, Sight, Standing};

/// One page-able list: entries as they go over the wire, with the names that order them.
#[derive(Debug, Default)]
pub(crate) struct Section {
    entries: Vec<(String, Arc<RawValue>)>,
}

impl Section {
    fn sorted(mut entries: Vec<(String, Arc<RawValue>)>) -> Self {
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        Self { entries }
    }

    /// Up to `count` entries whose names come after `after`, and the last name if more follow.
    pub(crate) fn page(&self, after: Option<&str>, count: usize) -> (&[(String, Arc<RawValue>)], Option<&str>) {
        let start = after.map_or(0, |name| self.entries.partition_point(|entry| entry.0.as_str() <= name));
        let end = self.entries.len().min(start + count);
        let page = &self.entries[start..end];
        let more = end < self.entries.len();
        (page, page.last().filter(|_| more).map(|entry| entry.0.as_str()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.0.as_str())
    }

    fn same_as(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(left, right)| left.1.get() == right.1.get())
    }
}

/// Which lists differ between two catalogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Changed {
    pub(crate) tools: bool,
    pub(crate) resources: bool,
    pub(crate) prompts: bool,
}

impl Changed {
    pub(crate) fn any(self) -> bool {
        self.tools || self.resources || self.prompts
    }
}

/// What happened that clients may want to know.
#[derive(Debug, Clone)]
pub(crate) enum News {
    Lists(Changed),
    /// A resource's contents changed.
    Updated(Arc<str>),
    /// So much that some of it was missed.
    Missed,
}

/// Says how what another server tells of itself may be listed.
pub(crate) trait Censor: fmt::Debug + Send + Sync {
    /// Changes a definition, as JSON, into one that may be listed; gives what was done, or why it may not be listed.
    fn tidy(&self, definition: &mut Value) -> Result<Option<&'static str>, String>;

    /// Whether a definition that changed is left out.
    fn bars_drift(&self) -> bool;

    /// What it goes by, to tell whether another does the same.
    fn written(&self) -> &'static str;
}

/// What is replaced together with the names: a call is judged by the guards, and a client is told the words, that
/// belong to the configuration which its catalog comes from.
pub(crate) struct Rules {
    /// The chain.
    pub(crate) guards: Vec<Arc<dyn Guard>>,
    /// What the lists are filtered by; the chain judges calls by the same.
    pub(crate) policy: Option<Arc<dyn Sight>>,
    /// Cleans what other servers say of themselves.
    pub(crate) definitions: Arc<dyn Censor>,
    /// What this server is for, for the model.
    pub(crate) instructions: Option<String>,
}

impl Rules {
    /// Whether everybody sees the same of the same.
    fn sees_as(&self, other: &Self) -> bool {
        self.policy.as_ref().map(|policy| policy.written()) == other.policy.as_ref().map(|policy| policy.written())
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("guards", &self.guards.iter().map(|guard| guard.name()).collect::<Vec<_>>())
            .field("instructions", &self.instructions)
            .finish_non_exhaustive()
    }
}

/// What is listed.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) tools: Section,
    pub(crate) resources: Section,
    pub(crate) templates: Section,
    pub(crate) prompts: Section,
}

/// Names and their owners.
#[derive(Debug)]
pub struct Catalog {
    pub(crate) rules: Arc<Rules>,
    /// Everything that is listed for those who may do everything.
    pub(crate) all: Arc<Lists>,
    views: views::Views,
    tool_entries: HashMap<String, ToolEntry>,
    /// By the name that a client uses: the listed name, and what becomes of the arguments.
    aliases: HashMap<String, (String, Alias)>,
    prompt_targets: HashMap<String, Arc<Target>>,
    resource_targets: HashMap<String, Arc<Target>>,
    template_targets: Vec<(UriTemplate, Arc<Target>)>,
    sources: HashMap<Arc<str>, Arc<dyn Source>>,
    collisions: Vec<String>,
    /// Resources that are left out because they look like those of others.
    posing: Vec<String>,
    /// Whether a source can tell when its resources change.
    pub(crate) watchable: bool,
}

impl Catalog {
    /// One catalog of everything that is listed. Where two sources offer the same name, each gets `SOURCE.name`; of
    /// two that offer the same URI, the first in the order of the configuration serves it.
    pub(crate) fn merge(listings: &[Arc<Listing>], rules: Arc<Rules>) -> Self {
        let mut catalog = Self {
            rules,
            all: Arc::default(),
            views: views::Views::default(),
            tool_entries: HashMap::new(),
            aliases: HashMap::new(),
            prompt_targets: HashMap::new(),
            resource_targets: HashMap::new(),
            template_targets: Vec::new(),
            sources: HashMap::new(),
            collisions: Vec::new(),
            posing: Vec::new(),
            watchable: false,
        };
        let tools = twice(listings.iter().flat_map(|one| one.tool_names()));
        let prompts = twice(listings.iter().flat_map(|one| one.prompt_names()));
        let twins = Twins::among(listings);
        let (mut tool_rows, mut prompt_rows) = (Vec::new(), Vec::new());
        let (mut resource_rows, mut template_rows) = (Vec::new(), Vec::new());
        for (at, listing) in listings.iter().enumerate() {
            catalog.sources.insert(listing.name.clone(), listing.source.clone());
            catalog.watchable |= listing.watchable;
            for entry in &listing.tools {
                let own = entry.tool.name.as_ref();
                let entry = entry.listed_as(&listing.name, tools.contains(own) || twins.tools.contains(&(at, own)));
                let name = entry.tool.name.to_string();
                tool_rows.push((name.clone(), entry.json.clone()));
                catalog.tool_entries.insert(name, entry);
            }
            for (prompt, target, json) in &listing.prompts {
                let own = prompt.name.as_str();
                let collides = prompts.contains(own) || twins.prompts.contains(&(at, own));
                let (name, json) = listing::prompt_listed_as(&listing.name, prompt, json, collides);
                prompt_rows.push((name.clone(), json));
                catalog.prompt_targets.insert(name, target.clone());
            }
            for (uri, target, json) in &listing.resources {
                if !catalog.resource_targets.contains_key(uri) && !twins.resources.contains(&(at, uri.as_str())) {
                    catalog.resource_targets.insert(uri.clone(), target.clone());
                    resource_rows.push((uri.clone(), json.clone()));
                }
            }
            for (template, target, json) in &listing.templates {
                if twins.templates.contains(&(at, template.text())) {
                    continue;
                }
                template_rows.push((template.text().to_owned(), json.clone()));
                catalog.template_targets.push((template.clone(), target.clone()));
            }
        }
        catalog.alias(listings);
        let alike = twins.tools.iter().chain(&twins.prompts).map(|(_, name)| *name);
        catalog.collisions = tools.into_iter().chain(prompts).chain(alike).map(str::to_owned).collect();
        catalog.collisions.sort();
        catalog.collisions.dedup();
        catalog.posing = twins.told(listings);
        catalog.all = Arc::new(Lists {
            tools: Section::sorted(tool_rows),
            resources: Section::sorted(resource_rows),
            templates: Section::sorted(template_rows),
            prompts: Section::sorted(prompt_rows),
        });
        catalog
    }

    /// An alias works where exactly one source has it and nothing is listed by that name. One of a tool's own name
    /// renames arguments, wherever the tool is listed.
    fn alias(&mut self, listings: &[Arc<Listing>]) {
        let other = |alias: &&Alias| alias.name != alias.tool;
        let names = listings.iter().flat_map(|one| one.aliases.iter().filter(other).map(|alias| alias.name.as_str()));
        let shared = twice(names);
        for listing in listings {
            for alias in &listing.aliases {
                let dotted = format!("{}.{}", listing.name, alias.tool);
                let listed = if self.tool_entries.contains_key(&dotted) { dotted } else { alias.tool.clone() };
                let own = alias.name == alias.tool;
                let name = if own { listed.clone() } else { alias.name.clone() };
                let free = !self.tool_entries.contains_key(&name) && !shared.contains(name.as_str());
                if own || free {
                    self.aliases.insert(name, (listed, alias.clone()));
                }
            }
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ToolEntry> {
        self.tool_entries.get(name).or_else(|| self.tool_entries.get(&self.aliases.get(name)?.0))
    }

    /// The call that an operation is: with its target, and with the arguments as the target knows them.
    pub(crate) fn call(&self, mut operation: Operation) -> Call {
        if let Operation::CallTool { name, arguments } = &mut operation
            && let Some((_, alias)) = self.aliases.get(name.as_str())
        {
            *arguments = alias.own_arguments(std::mem::take(arguments));
        }
        let target = self.target(&operation);
        Call { operation, target }
    }

    /// Whether any tool's calls may become tasks.
    pub(crate) fn has_tasks(&self) -> bool {
        self.tool_entries.values().any(|entry| !entry.target.tasks.is_never())
    }

    /// Names that several sources offer, and that are therefore listed as `SOURCE.name`.
    pub fn collisions(&self) -> &[String] {
        &self.collisions
    }

    /// What is left out because it looks like something else of another source.
    pub(crate) fn posing(&self) -> &[String] {
        &self.posing
    }

    /// How the sources that have pools use them, by source.
    pub(crate) fn pools(&self) -> Vec<(Arc<str>, PoolUse)> {
        let mut pools: Vec<_> =
            self.sources.iter().filter_map(|(name, source)| Some((name.clone(), source.pool()?))).collect();
        pools.sort_by(|left, right| left.0.cmp(&right.0));
        pools
    }

    /// The names of the tools, as listed.
    pub fn tool_names(&self) -> Vec<String> {
        self.all.tools.names().map(str::to_owned).collect()
    }

    /// What an operation's name stands for.
    pub(crate) fn target(&self, operation: &Operation) -> Option<Arc<Target>> {
        match operation {
            Operation::CallTool { name, .. } => self.tool(name).map(|entry| entry.target.clone()),
            Operation::GetPrompt { name, .. } => self.prompt_targets.get(name).cloned(),
            Operation::ReadResource { uri } | Operation::Subscribe { uri } => self.resource(uri),
            Operation::Complete { reference: Reference::Prompt(prompt), .. } => {
                self.prompt_targets.get(&prompt.name).cloned()
            }
            Operation::Complete { reference: Reference::Resource(resource), .. } => {
                let uri = resource.uri.as_str();
                let listed = self.template_targets.iter().find(|(template, _)| template.text() == uri);
                listed.map(|(_, target)| target.clone()).or_else(|| self.resource(uri))
            }
            _ => None,
        }
    }

    /// Whether a method finds what it names.
    pub(crate) fn serves(&self, method: &str, name: &str) -> bool {
        match method {
            "tools/call" => self.tool(name).is_some(),
            "prompts/get" => self.prompt_targets.contains_key(name),
            "resources/read" => self.resource(name).is_some(),
            _ => false,
        }
    }

    fn resource(&self, uri: &str) -> Option<Arc<Target>> {
        let exact = self.resource_targets.get(uri);
        let fitting = || self.template_targets.iter().find(|(template, _)| template.fits(uri)).map(|found| &found.1);
        exact.or_else(fitting).cloned()
    }

    /// What changed since `old`.
    pub(crate) fn changed_since(&self, old: &Self) -> Changed {
        if !self.rules.sees_as(&old.rules) {
            return Changed { tools: true, resources: true, prompts: true };
        }
        let (new, old) = (&self.all, &old.all);
        Changed {
            tools: !new.tools.same_as(&old.tools),
            resources: !(new.resources.same_as(&old.resources) && new.templates.same_as(&old.templates)),
            prompts: !new.prompts.same_as(&old.prompts),
        }
    }
}

/// The names that occur more than once.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

/// The URI template of a resource template, if it can be matched.
fn compile(template: &ResourceTemplate) -> Option<UriTemplate> {
    UriTemplate::parse(&template.uri_template)
}

/// The end of the chain: the source that owns the name.
#[async_trait]
impl Endpoint for Catalog {
    async fn reach(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        let target = call.target.as_ref().ok_or_else(|| call.operation.not_found())?;
        let source = self.sources.get(&target.source).ok_or_else(|| call.operation.not_found())?;
        cx.downstream.use_up().await?;
        cx.note(|trail| trail.reached = true);
        match &call.operation {
            Operation::CallTool { arguments, .. } => source.call(&target.name, arguments, cx).await.map(Reply::Tool),
            Operation::ReadResource { uri } => source.read(uri, cx).await.map(Reply::Resource),
            Operation::Subscribe { uri } => subscribe(&**source, uri, cx).await,
            Operation::GetPrompt { arguments, .. } => {
                source.get_prompt(&target.name, arguments, cx).await.map(Reply::Prompt)
            }
            Operation::Complete { reference, argument, context } => {
                let reference = own_reference(reference, &target.name);
                source.complete(&reference, argument, context.as_ref(), cx).await.map(Reply::Completion)
            }
            _ => Err(call.operation.not_found()),
        }
    }
}

async fn subscribe(source: &dyn Source, uri: &str, cx: &Context) -> Result<Reply, Refusal> {
    if source.updates().is_none() {
        return Err(Refusal::invalid(format!("nobody can tell when `{uri}` changes; read it again when you need it")));
    }
    source.subscribe(uri, cx).await.map(|()| Reply::Subscribed)
}

/// The reference as its source knows it, where the listed name is another one.
fn own_reference(reference: &Reference, name: &str) -> Reference {
    let mut own = reference.clone();
    if let Reference::Prompt(prompt) = &mut own
        && prompt.name != name
    {
        name.clone_into(&mut prompt.name);
    }
    own
}
