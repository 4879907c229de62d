//! The tables as written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portwright_core::IconTable;
use portwright_core::protocol::{JsonObject, Role};
use schemars::JsonSchema;
use serde::Deserialize;

/// `[resources."URI"]` without a source.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ResourceTable {
    /// A short name. Default: the last part of the URI.
    pub(super) name: Option<String>,
    /// A name for people.
    pub(super) title: Option<String>,
    /// Pictures that clients may show beside it.
    #[schemars(length(max = 8))]
    pub(super) icons: Vec<IconTable>,
    /// What it is, for the model.
    pub(super) description: Option<String>,
    /// Its media type. Default: by the file's or the URI's extension, else by what it holds.
    pub(super) mime_type: Option<String>,
    /// What it holds.
    pub(super) text: Option<String>,
    /// The file that holds it, opened whenever the resource is read. Relative to the configuration file's folder.
    pub(super) file: Option<PathBuf>,
}

/// `[prompts.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PromptTable {
    /// A name for people.
    pub(super) title: Option<String>,
    /// Pictures that clients may show beside it.
    #[schemars(length(max = 8))]
    pub(super) icons: Vec<IconTable>,
    /// What the prompt is for.
    pub(super) description: Option<String>,
    /// The arguments by name.
    #[schemars(with = "BTreeMap<String, ArgumentTable>")]
    pub(super) arguments: JsonObject,
    /// The text of the one message, as a template: `{{ argument }}`, `{% if … %}`, `{{ resource("URI") }}`.
    pub(super) template: Option<String>,
    /// Several messages in place of `template`.
    pub(super) messages: Vec<MessageTable>,
    /// URIs of resources to attach before the messages. Arguments within are written `{{ argument }}` and are
    /// percent-encoded; what comes out empty is left out.
    pub(super) embed: Vec<String>,
}

/// `[prompts.NAME.arguments.ARGUMENT]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ArgumentTable {
    /// A name for people.
    pub(super) title: Option<String>,
    /// What to give.
    pub(super) description: Option<String>,
    /// Whether it must be given. Default: true where there is no `default`.
    pub(super) required: Option<bool>,
    /// Its value where none is given. Default: empty.
    pub(super) default: Option<String>,
    /// Values to offer while the user types; others may be given all the same.
    pub(super) values: Vec<String>,
    /// A resource template, such as `db://shop/schema/{table}`, whose variable's values are offered too: the one that is
    /// named as the argument is, or the only one.
    pub(super) values_from: Option<String>,
}

/// One message of a prompt.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MessageTable {
    /// Who says it. Default: `user`.
    pub(super) role: Speaker,
    /// What is said, as a template.
    pub(super) text: Option<String>,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speaker {
    #[default]
    User,
    Assistant,
}

impl From<Speaker> for Role {
    fn from(speaker: Speaker) -> Self {
        match speaker {
            Speaker::User => Self::User,
            Speaker::Assistant => Self::Assistant,
        }
    }
}
