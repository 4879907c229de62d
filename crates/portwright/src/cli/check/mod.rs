//! `portwright check`: everything that is wrong with a configuration and with what it points at, at once.

mod beside;
mod roles;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use portwright_core::{Diagnostic, Health, Pointer, Source, limits};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, BAD, CAREFUL, FAINT, GOOD, STRONG, styled};
use crate::config::{self, ConfigError, Configured, Loaded, Origin, Problems};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portwright check\n  portwright check --offline        reads the file and opens nothing\n  \
                        portwright check --json | jq .problems"
)]
pub(crate) struct CheckArgs {
    /// The configuration (default: ./portwright.toml, then the platform's config folder)
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Open nothing: only the configuration itself
    #[arg(long)]
    offline: bool,
    /// The findings as JSON
    #[arg(long)]
    json: bool,
}

/// A source after the attempt to open it.
struct Tried {
    name: Arc<str>,
    kind: String,
    /// Why it could not be opened: the words, then each cause.
    failed: Option<Vec<String>>,
    /// It is open, but not well.
    degraded: Option<String>,
    tools: Vec<String>,
    resources: usize,
    prompts: Vec<String>,
    found: Vec<Diagnostic>,
}

pub(crate) async fn run(args: &CheckArgs, own: &Own) -> Result<Exit, CliError> {
    let loaded = match config::load(args.config.as_deref(), own.environment()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Problems(problems)) if args.json => {
            print::json(&report(&problems, &[]))?;
            return Ok(Exit::Config);
        }
        Err(error) => return Err(error.into()),
    };
    let Loaded { plan, origin } = loaded;
    let approvals = config::approvals::advice(&plan.server);
    let beside = if args.offline { Vec::new() } else { beside::found(&plan).await };
    let server = plan.server.clone();
    let tried = if args.offline { Vec::new() } else { join_all(plan.sources.into_iter().map(attempt)).await };
    let unfit = if args.offline { Vec::new() } else { roles::unfit(&server, &tried) };
    let of_sources = tried.iter().flat_map(|source| source.found.iter().cloned());
    let own = beside.into_iter().chain(approvals).chain(unfit);
    let found = of_sources.chain(collisions(&tried)).chain(own).collect();
    let problems = Problems::new(origin.clone(), found);
    if args.json {
        print::json(&report(&problems, &tried))?;
    } else {
        print::out(&text(&origin, &problems, &tried, args.offline))?;
    }
    let unreachable = tried.iter().any(|source| source.failed.is_some());
    Ok(match (unreachable, problems.errors()) {
        (true, _) => Exit::Unreachable,
        (false, 0) => Exit::Ok,
        (false, _) => Exit::Findings,
    })
}

/// Opens a source once, and asks it about itself.
async fn attempt(source: Configured) -> Tried {
    let Configured { name, kind, config, print: _ } = source;
    let mut tried = Tried {
        name,
        kind,
        failed: None,
        degraded: None,
        tools: Vec::new(),
        resources: 0,
        prompts: Vec::new(),
        found: Vec::new(),
    };
    match tokio::time::timeout(limits::CONNECT_WAIT, config.connect()).await {
        Ok(Ok(open)) => inspect(&mut tried, &*open).await,
        Ok(Err(error)) => {
            let mut said = chain(&error);
            tried.failed = Some(said.clone());
            if let Some(place) = error.place {
                let told = Diagnostic::error(place, "unreachable", said.remove(0));
                tried.found.push(if said.is_empty() { told } else { told.hint(said.join(": ")) });
            }
        }
        Err(_) => tried.failed = Some(vec![format!("no answer within {:?}", limits::CONNECT_WAIT)]),
    }
    tried
}

async fn inspect(tried: &mut Tried, source: &dyn Source) {
    /// A source asks its host a handful of questions.
    const INSPECT_WAIT: Duration = limits::CONNECT_WAIT;
    tried.tools = source.tools().into_iter().map(|tool| tool.name.into_owned()).collect();
    tried.resources = source.resources().len() + source.templates().len();
    tried.prompts = source.prompts().into_iter().map(|prompt| prompt.name).collect();
    match tokio::time::timeout(INSPECT_WAIT, source.inspect()).await {
        Ok(found) => tried.found = found,
        Err(_) => tried.degraded = Some("it did not tell its privileges in time".into()),
    }
    if let Ok(Health::Degraded(why)) = tokio::time::timeout(limits::HEALTH_WAIT, source.health()).await {
        tried.degraded = Some(why);
    }
}

fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.iter().any(|text| text.contains(&next)) {
            said.push(next);
        }
        cause = error.source();
    }
    said
}

/// Names that more than one source offers: each is listed with its source's name in front. One word for all that the
/// same sources share.
fn collisions(tried: &[Tried]) -> Vec<Diagnostic> {
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in tried {
        for tool in &source.tools {
            owners.entry(tool).or_default().push(&source.name);
        }
    }
    let mut shared: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for (tool, sources) in owners.into_iter().filter(|(_, sources)| sources.len() > 1) {
        shared.entry(sources).or_default().push(tool);
    }
    let told = shared.into_iter().map(|(sources, tools)| {
        let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let place = Pointer::root().join("sources").join(sources[1]);
        let message = format!("more than one source ({}) offers {}", quoted(&sources), quoted(&tools));
        let example = format!("{}.{}", sources[0], tools[0]);
        Diagnostic::advice(place, "same-name", message)
            .hint(format!("each is listed as SOURCE.NAME, such as `{example}`; `tools = [...]` chooses which to offer"))
    });
    told.collect()
}

fn report(problems: &Problems, tried: &[Tried]) -> Value {
    let sources = tried.iter().map(|source| {
        json!({
            "name": &*source.name,
            "kind": source.kind,
            "state": match (&source.failed, &source.degraded) {
                (Some(_), _) => "unreachable",
                (None, Some(_)) => "degraded",
                (None, None) => "ready",
            },
            "reason": source.failed.as_ref().map(|said| said.join(": ")).or_else(|| source.degraded.clone()),
            "tools": source.tools,
            "resources": source.resources,
            "prompts": source.prompts.len(),
        })
    });
    json!({
        "file": problems.path().display().to_string(),
        "ok": problems.errors() == 0 && tried.iter().all(|source| source.failed.is_none()),
        "problems": problems.to_json(),
        "sources": sources.collect::<Vec<_>>(),
    })
}

fn text(origin: &Origin, problems: &Problems, tried: &[Tried], offline: bool) -> String {
    let mut out = String::new();
    let path = origin.path.display();
    let depth = if offline { styled(FAINT, "  (offline: nothing was opened)") } else { String::new() };
    let _ = writeln!(out, "{} {path}{depth}", styled(GOOD, "ok         "));
    for source in tried {
        let name = format!("{} ({})", styled(STRONG, &source.name), source.kind);
        let offered =
            format!("{} tools, {} resources, {} prompts", source.tools.len(), source.resources, source.prompts.len());
        let _ = match (&source.failed, &source.degraded) {
            (Some(_), _) if source.found.iter().any(|found| found.rule == "unreachable") => {
                writeln!(out, "{} {name}", styled(BAD, "unreachable"))
            }
            (Some(said), _) => {
                writeln!(out, "{} {name}: {}", styled(BAD, "unreachable"), print::safe(&said.join("\n    because: ")))
            }
            (None, Some(why)) => writeln!(out, "{} {name}: {}", styled(CAREFUL, "degraded   "), print::safe(why)),
            (None, None) => writeln!(out, "{} {name}: {offered}", styled(GOOD, "ok         ")),
        };
    }
    if !problems.is_empty() {
        let _ = writeln!(out, "\n{}", problems.render(true));
    }
    out
}
