//! `portwright init`: a configuration from what is there: a database, a folder, the servers that a client starts.
//!
//! What is written is read back before it is kept, and each proposed tool is shown to the database first.

mod clients;
mod draft;
mod origin;
mod propose;
mod questions;
mod schema;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::{Pointer, Severity, Source, limits};
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::print;
use crate::config;
use crate::program::Own;
use clients::Carried;
use draft::{Draft, SourceDraft, plain};
use origin::{Database, Origin, Place, usage};

/// What the person asked for.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    pub(crate) from: Option<&'a str>,
    /// Where it goes.
    pub(crate) file: &'a Path,
    /// Tables to make tools for; without any the ones that seem to matter most.
    pub(crate) tables: &'a [String],
    /// Replace a file that is there.
    pub(crate) force: bool,
    /// Show it and write nothing.
    pub(crate) print: bool,
}

/// What was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// Where it was written; none if it was only shown.
    pub(crate) file: Option<PathBuf>,
    /// Where an earlier one went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<PathBuf>,
    pub(crate) sources: Vec<MadeSource>,
    pub(crate) tools: Vec<String>,
    /// Files beside it that hold secrets.
    pub(crate) secrets: Vec<PathBuf>,
    pub(crate) notes: Vec<String>,
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct MadeSource {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
}

/// Makes it.
pub(crate) async fn run(options: &Options<'_>, own: &Own) -> Result<Made, CliError> {
    if !options.print {
        store::free(options.file, options.force)?;
    }
    let asked = if options.from.is_none() { Some(ask()?) } else { None };
    let from = options.from.or(asked.as_deref()).unwrap_or_default();
    let origin = Origin::of(from)?;
    let mut draft = Draft::default();
    Making { draft: &mut draft, options, own }.take_in(origin).await?;
    if draft.sources.is_empty() {
        let notes = draft.notes.join("; ");
        return Err(usage(format!("nothing in it can be a source: {notes}"), "give a database URL or a folder"));
    }
    let text = finished(&mut draft, options, own).await?;
    let kept = if options.print { None } else { store::write(options.file, &draft, &text)? };
    let folder = store::folder(options.file).join(draft::SECRETS);
    Ok(Made {
        file: (!options.print).then(|| options.file.to_owned()),
        kept,
        sources: draft.sources.iter().map(|one| MadeSource { name: one.name.clone(), kind: one.kind }).collect(),
        tools: draft.tools.iter().map(|tool| tool.name.clone()).collect(),
        secrets: draft.secrets.iter().map(|secret| folder.join(&secret.name)).collect(),
        notes: draft.notes,
        text,
    })
}

/// Asks the person at the terminal, if there is one.
fn ask() -> Result<String, CliError> {
    use std::io::IsTerminal as _;
    let hint = "say what to start from: portwright init --from postgresql://reader@localhost/shop, --from DIRECTORY, \
                --from shop.db, or --from claude_desktop_config.json";
    let (input, out) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !out.is_terminal() {
        return Err(usage("there is nobody to ask", hint));
    }
    let answer = questions::ask(&questions::found(), input.lock(), out.lock());
    answer.map_err(CliError::start)?.ok_or_else(|| usage("nothing was said", hint))
}

/// A draft that grows.
struct Making<'a> {
    draft: &'a mut Draft,
    options: &'a Options<'a>,
    own: &'a Own,
}

impl Making<'_> {
    async fn take_in(mut self, origin: Origin) -> Result<(), CliError> {
        match origin {
            Origin::Database(database) => {
                self.draft.origin = format!("a {} database", kind_in_words(database.kind));
                self.draft.name = plain(&database.name, "db");
                self.database(database, None).await
            }
            Origin::Folder(folder) => self.folder(&folder),
            Origin::Client(path, file) => {
                self.draft.origin = path.display().to_string();
                self.draft.name = "work".into();
                for (name, server) in clients::servers(&file).into_iter().flatten() {
                    match clients::carry(self.draft, name, server) {
                        Carried::Source(source) => self.draft.sources.push(source),
                        Carried::Database(database) => self.database(database, Some(name)).await?,
                        Carried::Left(why) => self.draft.notes.push(format!("{name}: {why}")),
                    }
                }
                Ok(())
            }
        }
    }

    fn folder(self, folder: &Path) -> Result<(), CliError> {
        let whole =
            std::fs::canonicalize(folder).map_err(|error| usage(error.to_string(), "give a folder that is there"))?;
        let name = whole.file_name().map_or_else(|| "docs".to_owned(), |name| name.to_string_lossy().into_owned());
        self.draft.origin = "a folder".into();
        self.draft.name = plain(&name, "docs");
        let root = self.relative(&whole);
        let source = SourceDraft::new(plain(&name, "docs"), "files")
            .key("roots", vec![toml::Value::from(root)], "nothing outside of it can be reached")
            .key("exclude", vec![toml::Value::from(".env"), "*.pem".into(), "*.key".into()], "not there, by any way")
            .also("access = \"read-write\"            # to let tools write; the default is to read only");
        self.draft.sources.push(source);
        Ok(())
    }

    /// A path as it stands in the configuration: from its folder where it is within it.
    fn relative(&self, whole: &Path) -> String {
        let base = std::fs::canonicalize(store::folder(self.options.file)).ok();
        match base.as_deref().and_then(|base| whole.strip_prefix(base).ok()) {
            Some(within) if within.as_os_str().is_empty() => ".".to_owned(),
            Some(within) => within.display().to_string(),
            None => whole.display().to_string(),
        }
    }

    /// A database; the one that a client's file names need not be there now.
    async fn database(&mut self, database: Database, of_client: Option<&str>) -> Result<(), CliError> {
        let name = self.draft.source_name(of_client.unwrap_or(&database.name));
        let place = match &database.place {
            Place::Plain(text) if database.kind == "sqlite" => {
                let whole = std::fs::canonicalize(text)
                    .map_err(|error| usage(format!("{text} can't be read: {error}"), "give a file of SQLite"));
                match (whole, of_client) {
                    (Ok(whole), _) => self.relative(&whole),
                    (Err(_), Some(_)) => text.clone(),
                    (Err(error), None) => return Err(error),
                }
            }
            Place::Plain(text) => text.clone(),
            Place::Reference { written, .. } => written.clone(),
            Place::Secret(secret) => self.draft.keep(&format!("{name}.url"), secret.clone()),
        };
        let exposed = if database.kind == "sqlite" { place.as_str() } else { database.place.exposed() };
        let opened = open(&database, &name, exposed, self.options.file, self.own).await;
        let source = SourceDraft::new(&name, database.kind)
            .key(database.key, place, "")
            .key(
                "tools",
                vec![toml::Value::from("list_tables"), "describe_table".into()],
                "its own tools, beside yours below",
            )
            .also("tools = [\"run_sql_query\", …]     # to let the model write queries of its own, read-only")
            .also("schema = false                   # not to offer the live schema as db://…/schema")
            .also("max_rows = 200                   # of a result");
        self.draft.sources.push(source);
        match opened {
            Ok(source) => self.propose(&*source, &name).await,
            Err(error) if of_client.is_none() => Err(error),
            Err(error) => {
                self.draft.notes.push(format!("{name}: {error}, so no tools are proposed for it"));
                Ok(())
            }
        }
    }

    /// Adds tools for the tables that matter.
    async fn propose(&mut self, source: &dyn Source, name: &str) -> Result<(), CliError> {
        let schema =
            schema::read(source, name).await.map_err(|refusal| CliError::Refused(refusal.public().to_owned()))?;
        let ranked = propose::ranked(&schema);
        let chosen: Vec<&schema::Table> = if self.options.tables.is_empty() {
            ranked.iter().take(propose::TABLES_MAX).copied().collect()
        } else {
            let named = self.options.tables.iter().map(|wanted| named(&schema, wanted));
            named.collect::<Result<_, _>>()?
        };
        self.draft.tools.extend(propose::tools(&schema, &chosen, name));
        let others: Vec<&str> = ranked.iter().skip(chosen.len()).map(|table| table.name.as_str()).collect();
        if self.options.tables.is_empty() && !others.is_empty() {
            let more = if schema.truncated { ", and more" } else { "" };
            self.draft
                .notes
                .push(format!("tables without tools: {}{more}; choose with --tables a,b", others.join(", ")));
        }
        if chosen.is_empty() {
            self.draft.notes.push(format!("{name} has no tables yet that tools could be about"));
        }
        Ok(())
    }
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "postgres" => "PostgreSQL",
        "sqlite" => "SQLite",
        "mysql" => "MySQL",
        other => other,
    }
}

/// A table by the name that the person gave.
fn named<'a>(schema: &'a schema::Schema, wanted: &str) -> Result<&'a schema::Table, CliError> {
    let fits = |table: &&schema::Table| table.name == wanted || format!("{}.{}", table.schema, table.name) == wanted;
    schema.tables.iter().find(fits).ok_or_else(|| {
        let names = schema.tables.iter().map(|table| table.name.as_str());
        let near = config::nearest::nearest(wanted, names.clone());
        let hint = near.map_or_else(
            || format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        usage(format!("there is no table `{wanted}`"), hint)
    })
}

/// Opens a database as its source would, to ask for its schema.
async fn open(
    database: &Database,
    name: &str,
    exposed: &str,
    file: &Path,
    own: &Own,
) -> Result<Arc<dyn Source>, CliError> {
    if own.kinds.find(database.kind).is_none() {
        let message = format!("this build has no source of kind `{}`", database.kind);
        return Err(usage(message, "give another database, a folder, or a client's configuration"));
    }
    let place = toml::Value::from(exposed.replace("${", "$${"));
    let text = format!("[sources.{name}]\nkind = \"{}\"\n{} = {place}\n", database.kind, database.key);
    let loaded = config::parse(file, &text, own.environment()).map_err(config::ConfigError::Problems)?;
    let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| CliError::Unreachable {
        what: format!("the database `{name}`"),
        source,
    };
    let source = loaded.plan.sources.into_iter().find(|source| &*source.name == name);
    let source = source.ok_or_else(|| CliError::Bug("the source is not in its own plan".to_owned()))?;
    match tokio::time::timeout(limits::CONNECT_WAIT, source.config.connect()).await {
        Ok(Ok(source)) => Ok(source),
        Ok(Err(error)) => Err(unreachable(error.into())),
        Err(_) => Err(unreachable(format!("no answer within {:?}", limits::CONNECT_WAIT).into())),
    }
}

/// The text, once every tool in it has been shown to its database; those that it refuses are left out.
async fn finished(draft: &mut Draft, options: &Options<'_>, own: &Own) -> Result<String, CliError> {
    let secrets: Vec<(String, String)> = draft
        .secrets
        .iter()
        .map(|file| (format!("${{file:{}/{}}}", draft::SECRETS, file.name), file.secret.expose().replace("${", "$${")))
        .collect();
    // The secrets are not written yet, so they stand in for their references, in memory only.
    let exposed = |text: String| {
        secrets.iter().fold(text, |text, (reference, secret)| text.replace(reference, &toml_text(secret)))
    };
    let parsed = config::parse(options.file, &exposed(draft.text()), own.environment());
    let loaded = parsed.map_err(config::ConfigError::Problems)?;
    for source in loaded.plan.sources {
        let name = source.name.clone();
        let proposed = draft.tools.iter().any(|tool| tool.source == *name);
        if !proposed {
            continue;
        }
        let Ok(Ok(source)) = tokio::time::timeout(limits::CONNECT_WAIT, source.config.connect()).await else {
            continue;
        };
        for found in source.inspect().await.into_iter().filter(|found| found.severity == Severity::Error) {
            let unfit = |tool: &draft::ToolDraft| {
                found.place.to_string().starts_with(&Pointer::root().join("tools").join(&tool.name).to_string())
            };
            if let Some(at) = draft.tools.iter().position(unfit) {
                let tool = draft.tools.remove(at);
                draft.notes.push(format!("{} is left out: {}", tool.name, print::safe(&found.message)));
            }
        }
        source.close().await;
    }
    Ok(draft.text())
}

/// As it stands within the quotes of a text.
fn toml_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
