//! A declared prompt: arguments, messages from templates, resources that it embeds.

mod arguments;
mod reading;
mod template;

use std::collections::BTreeMap;

use minijinja::{Error, Value};
use portwright_core::protocol::{
    ArgumentInfo, CompleteResult, CompletionContext, ContentBlock, GetPromptResult, JsonObject, PromptMessage, Role,
};
use portwright_core::{Context, Declared, Diagnostic, IconTable, Pointer, Refusal, limits, protocol};

use self::arguments::Arguments;
use self::reading::{Reading, size};
use self::template::{RESOURCE, RenderError, Template, at_line};
use super::table::{MessageTable, PromptTable, Speaker};
use crate::shared::decode;

/// A declared prompt, as meant.
#[derive(Debug)]
pub(super) struct Prompt {
    name: String,
    title: Option<String>,
    icons: Vec<IconTable>,
    description: String,
    arguments: Arguments,
    messages: Vec<(Role, Template)>,
    /// URIs to attach.
    embed: Vec<Template>,
}

impl Prompt {
    /// Reads the table; none if it is too wrong to go on with.
    pub(super) fn decode(declared: &Declared, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let (place, before) = (&declared.place, problems.len());
        let table: PromptTable = decode::table(&declared.table, place, problems);
        check_name(&declared.name, place, problems);
        let description = table.description.unwrap_or_default();
        if description.trim().is_empty() && !wrong(problems, before, &place.join("description")) {
            let message = format!("the prompt `{}` has no description", declared.name);
            let hint = "say what it is for: people choose by it";
            problems.push(Diagnostic::error(place.clone(), "missing-key", message).hint(hint));
        }
        let arguments = Arguments::decode(&table.arguments, &place.join("arguments"), problems);

        let texts = texts(table.template, table.messages, place, problems);
        if texts.is_empty() && problems.len() == before {
            let message = "the prompt says nothing";
            let hint = "add `template = \"…\"` or `messages = [{ text = \"…\" }]`";
            problems.push(Diagnostic::error(place.clone(), "missing-key", message).hint(hint));
        }
        let mut check = Check { arguments: &arguments, problems };
        let messages: Vec<_> = texts
            .into_iter()
            .filter_map(|(speaker, text, place)| Some((speaker.into(), check.text(&text, &place)?)))
            .collect();
        let uris = table.embed.iter().enumerate();
        let embed: Vec<_> = uris.filter_map(|(index, uri)| check.uri(uri, &place.join("embed").join(index))).collect();
        let (name, title, icons) = (declared.name.clone(), table.title, table.icons);
        (problems.len() == before).then_some(Self { name, title, icons, description, arguments, messages, embed })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn listed(&self) -> protocol::Prompt {
        let mut listed = protocol::Prompt::new(&self.name, Some(&self.description), self.arguments.listed());
        listed.title.clone_from(&self.title);
        listed.icons = IconTable::to_icons(&self.icons);
        listed
    }

    pub(super) async fn complete(
        &self,
        typed: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        self.arguments.complete(typed, context, cx).await
    }

    /// The messages for these arguments: first what is attached, then what is said.
    pub(super) async fn get(&self, given: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        let mut reading = Reading::new(&self.name, self.arguments.values(given)?, cx);
        let mut messages = Vec::new();
        let mut bytes_left = limits::PROMPT_BYTES_MAX;
        let mut attached = Vec::new();
        for template in &self.embed {
            let uri = reading.render_uri(template)?;
            if uri.is_empty() || attached.contains(&uri) {
                continue;
            }
            for contents in reading.contents(&uri).await? {
                bytes_left = bytes_left.checked_sub(size(&contents)).ok_or_else(|| reading.too_long())?;
                messages.push(PromptMessage::new(Role::User, ContentBlock::resource(contents)));
            }
            attached.push(uri);
        }
        for (role, template) in &self.messages {
            let text = reading.render(template, bytes_left).await?;
            bytes_left = bytes_left.saturating_sub(text.len());
            messages.push(PromptMessage::new_text(role.clone(), text));
        }
        let mut result = GetPromptResult::new(messages);
        result.description = Some(self.description.clone());
        Ok(result)
    }
}

/// Who says what, as written, and where that stands.
fn texts(
    template: Option<String>,
    messages: Vec<MessageTable>,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(Speaker, String, Pointer)> {
    if template.is_some() && !messages.is_empty() {
        let message = "`template` and `messages` exclude each other";
        problems.push(Diagnostic::error(place.join("messages"), "conflict", message).hint("keep one of them"));
    }
    let mut texts: Vec<_> = template.into_iter().map(|text| (Speaker::User, text, place.join("template"))).collect();
    for (index, message) in messages.into_iter().enumerate() {
        let place = place.join("messages").join(index);
        match message.text {
            Some(text) => texts.push((message.role, text, place.join("text"))),
            None => problems.push(Diagnostic::error(place, "missing-key", "the message has no `text`")),
        }
    }
    texts
}

fn wrong(problems: &[Diagnostic], since: usize, place: &Pointer) -> bool {
    problems[since..].iter().any(|problem| problem.place == *place)
}

fn check_name(name: &str, place: &Pointer, problems: &mut Vec<Diagnostic>) {
    const BYTES_MAX: usize = 128;
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !letters || !(1..=BYTES_MAX).contains(&name.len()) {
        let message = format!("`{}` can't be the name of a prompt", name.escape_debug());
        let hint = format!("use 1 to {BYTES_MAX} of A-Z a-z 0-9 _ . -");
        problems.push(Diagnostic::error(place.clone(), "wrong-name", message).hint(hint));
    }
}

/// Finds what is wrong with a template before anybody asks for it.
struct Check<'a> {
    arguments: &'a Arguments,
    problems: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn text(&mut self, source: &str, place: &Pointer) -> Option<Template> {
        let template = self.parsed(Template::text(source), place)?;
        self.names(&template, &[RESOURCE], place).then_some(())?;
        self.trial(&template, true, place);
        Some(template)
    }

    fn uri(&mut self, source: &str, place: &Pointer) -> Option<Template> {
        let template = self.parsed(Template::uri(source), place)?;
        self.names(&template, &[], place).then_some(())?;
        self.trial(&template, false, place);
        Some(template)
    }

    fn parsed(&mut self, parsed: Result<Template, Error>, place: &Pointer) -> Option<Template> {
        let tell = |error: &Error| {
            let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            let message = format!("the template does not parse{}{detail}", at_line(error));
            Diagnostic::error(place.clone(), "wrong-template", message)
                .hint("write `{{ argument }}` for a value and `{% if … %}…{% endif %}` for a condition")
        };
        parsed.map_err(|error| self.problems.push(tell(&error))).ok()
    }

    /// Whether every name that the template uses is one it will have.
    fn names(&mut self, template: &Template, functions: &[&str], place: &Pointer) -> bool {
        let known = |name: &str| functions.contains(&name) || self.arguments.names().any(|argument| argument == name);
        let unknown: Vec<_> = template.free_names().into_iter().filter(|name| !known(name)).collect();
        for name in &unknown {
            let message = format!("the template uses `{name}`, which is not an argument");
            let names: Vec<_> = self.arguments.names().collect();
            let hint = match decode::did_you_mean(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "declare it under `arguments`".to_owned(),
                None => format!("declare it under `arguments`, or use one of: {}", names.join(", ")),
            };
            self.problems.push(Diagnostic::error(place.clone(), "unknown-argument", message).hint(hint));
        }
        unknown.is_empty()
    }

    /// Renders it with and without values, so that a filter or function that does not exist is found on either way.
    fn trial(&mut self, template: &Template, resources: bool, place: &Pointer) {
        for filler in ["", "x"] {
            let values = self.arguments.trial(filler);
            let mut values: BTreeMap<_, _> = values.into_iter().map(|(name, text)| (name, Value::from(text))).collect();
            if resources {
                values.insert(RESOURCE, Value::from_function(|_: &str| Value::from("")));
            }
            match template.render(values, limits::PROMPT_BYTES_MAX) {
                Err(error) if error.is_hopeless() => {
                    let message = match &error {
                        RenderError::Failed(cause) => {
                            let detail = cause.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
                            format!("the template fails{}: {}{detail}", at_line(cause), cause.kind())
                        }
                        other => other.to_string(),
                    };
                    self.problems.push(Diagnostic::error(place.clone(), "wrong-template", message));
                    return;
                }
                _ => {}
            }
        }
    }
}
