//! `portwright lint`: are the tools written for a model?

use std::collections::HashMap;
use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use portwright_core::{Diagnostic, Pointer};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::list::{self, Offer};
use super::print::{self, BAD, CAREFUL, FAINT, GOOD, STRONG, safe, styled};
use super::target::TargetArgs;
use crate::config::{self, Problems};
use crate::lint::{self, Finding, Place, RULES, Report, Severity, Subject};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright lint\n  portwright lint --stdio -- npx -y some-mcp-server\n  \
                        portwright lint --url https://mcp.example.com/mcp --format sarif > lint.sarif\n  portwright lint --rules")]
pub(crate) struct LintArgs {
    /// How to tell the findings
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// The findings as JSON, with what each tool costs
    #[arg(long)]
    json: bool,
    /// Let hints count as findings, too
    #[arg(long)]
    strict: bool,
    /// Leave a rule out; may be given several times
    #[arg(long = "allow", value_name = "RULE", value_parser = rule_id)]
    allowed: Vec<String>,
    /// Tell the rules instead: what each is for, with a bad and a good example
    #[arg(long)]
    rules: bool,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

fn rule_id(text: &str) -> Result<String, String> {
    if RULES.iter().any(|rule| rule.id == text) {
        return Ok(text.to_owned());
    }
    let near = config::nearest::nearest(text, RULES.iter().map(|rule| rule.id));
    Err(near.map_or_else(
        || "there is no such rule; --rules lists them".to_owned(),
        |near| format!("did you mean `{near}`?"),
    ))
}

pub(crate) async fn run(args: &LintArgs, own: &Own) -> Result<Exit, CliError> {
    let format = if args.json { Format::Json } else { args.format };
    if args.rules {
        tell_rules(format)?;
        return Ok(Exit::Ok);
    }
    let client = args.target.connect(own).await?;
    let offer = list::ask(&client).await;
    client.close().await;
    let Offer { tools, resources, resource_templates, prompts, .. } = offer?;
    let subject = Subject::new(&tools, prompts, resources, resource_templates);
    let mut report = lint::lint(&subject, &args.allowed);
    if args.target.is_ours() {
        place(&mut report, args, own);
    }
    match format {
        Format::Text => print::out(&text(&report))?,
        Format::Json => print::json(&whole(&report))?,
        Format::Sarif => print::json(&lint::sarif(&report))?,
    }
    let counts = |severity| severity != Severity::Hint || args.strict;
    let findings = report.findings.iter().any(|finding| counts(finding.severity));
    Ok(if findings { Exit::Findings } else { Exit::Ok })
}

/// Adds where in the configuration each finding's tool, prompt or resource is declared.
fn place(report: &mut Report, args: &LintArgs, own: &Own) {
    let Ok(loaded) = config::load(args.target.config(), own.environment()) else { return };
    let written: toml::Table = loaded.origin.text.parse().unwrap_or_default();
    let mut known: HashMap<String, Option<Place>> = HashMap::new();
    for finding in &mut report.findings {
        let (Some(kind), Some(name)) = (finding.kind, &finding.name) else { continue };
        // A source's own tools are declared nowhere.
        if written.get(&format!("{kind}s")).and_then(|declared| declared.get(name)).is_none() {
            continue;
        }
        let pointer = Pointer::root().join(format!("{kind}s")).join(name);
        let found = known.entry(pointer.to_string()).or_insert_with(|| {
            let told = Diagnostic::error(pointer, "lint", "");
            let told = Problems::new(loaded.origin.clone(), vec![told]).to_json();
            let first = told.as_array().and_then(|all| all.first())?;
            let (line, column) = (first["line"].as_u64()?, first["column"].as_u64()?);
            Some(Place { file: loaded.origin.path.display().to_string(), line, column })
        });
        finding.place.clone_from(found);
    }
}

fn whole(report: &Report) -> Value {
    json!({
        "ok": report.count(Severity::Error) + report.count(Severity::Warning) == 0,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "hints": report.count(Severity::Hint),
        "tokens": report.tokens_all,
        "tools": report.tokens.iter().map(|(name, tokens)| json!({"name": name, "tokens": tokens})).collect::<Vec<_>>(),
        "findings": report.findings,
    })
}

fn coloured(severity: Severity) -> String {
    let style = match severity {
        Severity::Error => BAD,
        Severity::Warning => CAREFUL,
        Severity::Hint => FAINT,
    };
    styled(style, severity.as_str())
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&line(finding));
    }
    let count = |severity: Severity| {
        let count = report.count(severity);
        format!("{count} {}{}", severity.as_str(), if count == 1 { "" } else { "s" })
    };
    let (errors, warnings, hints) = (count(Severity::Error), count(Severity::Warning), count(Severity::Hint));
    let cost = format!("{} tools for {} tokens", report.tokens.len(), report.tokens_all);
    let well = report.count(Severity::Error) + report.count(Severity::Warning) == 0;
    let head = if well { styled(GOOD, "ok") } else { styled(STRONG, "lint") };
    let _ = write!(out, "{head}  {errors}, {warnings}, {hints}; {cost}");
    if let Some((name, tokens)) = report.tokens.first().filter(|_| report.tokens.len() > 1) {
        let _ = write!(out, "; the dearest is {} with {tokens}", safe(name));
    }
    out
}

fn line(finding: &Finding) -> String {
    let mut out = format!("{}[{}]", coloured(finding.severity), finding.rule);
    if let (Some(kind), Some(name)) = (finding.kind, &finding.name) {
        let _ = write!(out, " {kind} {}", styled(STRONG, &safe(name)));
    }
    let _ = write!(out, ": {}", safe(&finding.message));
    if let Some(place) = &finding.place {
        let _ = write!(out, "\n    {} {}:{}:{}", styled(FAINT, "at"), place.file, place.line, place.column);
    }
    if finding.severity != Severity::Hint {
        let _ = write!(out, "\n    {} {}", styled(FAINT, "fix"), finding.fix);
    }
    out.push('\n');
    out
}

fn tell_rules(format: Format) -> Result<(), CliError> {
    if format != Format::Text {
        let told = RULES.iter().map(|rule| {
            json!({"id": rule.id, "severity": rule.severity, "reason": rule.reason, "bad": rule.bad, "good": rule.good, "fix": rule.fix})
        });
        return print::json(&told.collect::<Vec<_>>());
    }
    let told = RULES.iter().map(|rule| {
        let head = format!("{}  {}", styled(STRONG, rule.id), coloured(rule.severity));
        format!("{head}\n  {}\n  bad   {}\n  good  {}\n  fix   {}\n", rule.reason, rule.bad, rule.good, rule.fix)
    });
    print::out(&told.collect::<Vec<_>>().join("\n"))
}
