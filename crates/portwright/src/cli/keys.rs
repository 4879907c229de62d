//! `portwright keys`: who may call with an API key.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use portwright_core::HumanDuration;
use portwright_server::guard::authenticate::key::Key;
use portwright_server::guard::authenticate::keys::{Entry, KeyFile, KeyFileError, last_uses};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::print;
use super::table;
use crate::config::nearest::nearest;
use crate::config::{self, Environment};

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
    /// The file of keys (default: `file` under [auth.keys] of the configuration)
    #[arg(long, value_name = "FILE", global = true)]
    file: Option<PathBuf>,
    /// The configuration (default: ./portwright.toml, then the platform's config folder)
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key and show it, once
    #[command(after_help = "Example:\n  portwright keys add ci --role analyst --expires 90d")]
    Add {
        /// Who calls with it: the principal's name in policy and audit
        #[arg(value_parser = name)]
        name: String,
        /// What they may do; may be given several times
        #[arg(long = "role", value_name = "ROLE", value_parser = name)]
        roles: Vec<String>,
        /// How long it is valid (default: until it is revoked)
        #[arg(long, value_name = "DURATION")]
        expires: Option<HumanDuration>,
    },
    /// List the keys: names, roles, expiry, last use
    List,
    /// Revoke a key; servers know within a second
    Revoke {
        /// Whose key
        name: String,
    },
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("use 1 to 64 letters, digits, `.`, `_`, `-` or `@`".to_owned())
}

pub(crate) fn run(args: &KeysArgs) -> Result<Exit, CliError> {
    let file = file(args)?;
    match &args.command {
        KeysCommand::Add { name, roles, expires } => add(&file, name, roles, *expires, args.json)?,
        KeysCommand::List => list(&file, args.json)?,
        KeysCommand::Revoke { name } => revoke(&file, name, args.json)?,
    }
    Ok(Exit::Ok)
}

fn file(args: &KeysArgs) -> Result<PathBuf, CliError> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    let loaded = config::load(args.config.as_deref(), Environment::default())?;
    loaded.plan.server.keys.ok_or_else(|| CliError::Usage {
        message: "the configuration names no file of keys".to_owned(),
        hint: Some("add `[auth.keys]` with `file = \"keys.toml\"`, or give --file".to_owned()),
    })
}

/// The file is what the operator named, so they can mend it.
fn failed(error: &KeyFileError) -> CliError {
    let message = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    CliError::usage(message)
}

fn add(file: &Path, name: &str, roles: &[String], expires: Option<HumanDuration>, json: bool) -> Result<(), CliError> {
    let key = Key::generate().map_err(|error| CliError::Bug(error.to_string()))?;
    let now = Timestamp::now();
    let expires = expires.map(|within| {
        let end = SignedDuration::try_from(within.0).ok().and_then(|within| now.checked_add(within).ok());
        end.ok_or_else(|| CliError::usage("--expires is too long"))
    });
    let entry = Entry::of(&key, roles.to_vec(), now, expires.transpose()?);
    let added = KeyFile::change(file, |keys| match keys.keys.get(name) {
        Some(known) if known.revoked.is_none() => Err(()),
        _ => Ok(keys.keys.insert(name.to_owned(), entry.clone())),
    });
    if added.map_err(|error| failed(&error))?.is_err() {
        return Err(CliError::Usage {
            message: format!("`{name}` has a key"),
            hint: Some(format!("revoke it first: portwright keys revoke {name}")),
        });
    }
    let shown = key.reveal();
    if json {
        return print::json(&json!({ "name": name, "key": shown.expose(), "expires": entry.expires }));
    }
    print::out(shown.expose())?;
    print::note("This is the only time that the key is shown. Clients send it as:  Authorization: Bearer KEY");
    Ok(())
}

fn list(file: &Path, json: bool) -> Result<(), CliError> {
    let keys = KeyFile::read_or_new(file).map_err(|error| failed(&error))?.keys;
    let (used, now) = (last_uses(file), Timestamp::now());
    let row = |(name, entry): (&String, &Entry)| {
        let state = match entry {
            Entry { revoked: Some(_), .. } => "revoked",
            entry if entry.is_valid(now) => "valid",
            _ => "expired",
        };
        json!({
            "name": name,
            "id": entry.id,
            "roles": entry.roles.join(" "),
            "state": state,
            "created": entry.created,
            "expires": entry.expires,
            "last_used": used.get(&entry.id),
        })
    };
    let rows: Vec<Value> = keys.iter().map(row).collect();
    if json {
        return print::json(&rows);
    }
    print::out(&table::of_rows(&rows).unwrap_or_else(|| "there are no keys".to_owned()))
}

fn revoke(file: &Path, name: &str, json: bool) -> Result<(), CliError> {
    let revoked = KeyFile::change(file, |keys| match keys.keys.get_mut(name) {
        Some(entry) => Ok(*entry.revoked.get_or_insert_with(Timestamp::now)),
        None => Err(keys.keys.keys().cloned().collect::<Vec<_>>()),
    });
    match revoked.map_err(|error| failed(&error))? {
        Ok(at) if json => print::json(&json!({ "name": name, "revoked": at })),
        Ok(_) => print::out(&format!("the key of {name} is revoked")),
        Err(known) => Err(CliError::Usage {
            message: format!("`{name}` has no key"),
            hint: nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?")),
        }),
    }
}
