//! A whole reply: every text in it is cleaned, wherever it stands. Types, numbers and the order of keys stay.

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, MetaObject, Resource, ResourceContents};
use portwright_core::{Refusal, Reply};
use serde_json::Value;

use super::cleaner::{Cleaner, Tally};
use super::{Border, Unclean, secrets};
use crate::guard::redact::REDACTED;

/// Stands for a name that gives orders: a name can't hold a border.
pub(super) const WITHHELD: &str = "[withheld]";

/// What it takes to clean one reply, on whatever thread.
pub(super) struct Job {
    pub(super) source: String,
    /// The tool's output schema.
    pub(super) schema: Option<Arc<JsonObject>>,
    pub(super) cleaner: Arc<Cleaner>,
}

type Result<T> = std::result::Result<T, Unclean>;

/// Bytes of text in a reply.
pub(super) fn bytes(result: &std::result::Result<Reply, Refusal>) -> usize {
    match result {
        Err(refusal) => refusal.public().len(),
        Ok(Reply::Tool(tool)) => {
            tool.content.iter().map(block_bytes).sum::<usize>()
                + tool.structured_content.as_ref().map_or(0, value_bytes)
        }
        Ok(Reply::Resource(resource)) => resource.contents.iter().map(contents_bytes).sum(),
        Ok(Reply::Prompt(prompt)) => prompt.messages.iter().map(|message| block_bytes(&message.content)).sum(),
        Ok(_) => 0,
    }
}

fn block_bytes(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Resource(embedded) => contents_bytes(&embedded.resource),
        _ => 0,
    }
}

fn contents_bytes(contents: &ResourceContents) -> usize {
    match contents {
        ResourceContents::TextResourceContents { text, .. } => text.len(),
        _ => 0,
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_bytes).sum(),
        Value::Object(members) => members.iter().map(|(key, member)| key.len() + value_bytes(member)).sum(),
        _ => 0,
    }
}

impl Job {
    /// Cleans every text within a value that stands outside a reply; says whether one looks like an order.
    pub(super) fn clean_value(cleaner: &Arc<Cleaner>, value: &mut Value) -> Result<bool> {
        let job = Self { source: String::new(), schema: None, cleaner: cleaner.clone() };
        let mut ordered = false;
        Work { job: &job, border: None, tally: Tally::default() }.value(value, &mut ordered)?;
        Ok(ordered)
    }

    /// The reply or refusal, cleaned, and what was done.
    pub(super) fn run(
        &self,
        result: std::result::Result<Reply, Refusal>,
    ) -> Result<(std::result::Result<Reply, Refusal>, Tally)> {
        let mut work = Work { job: self, border: None, tally: Tally::default() };
        let result = match result {
            Ok(mut reply) => {
                work.reply(&mut reply)?;
                Ok(reply)
            }
            Err(refusal) => {
                let mut words = refusal.public().to_owned();
                work.fenced(&mut words)?;
                Err(if words == refusal.public() { refusal } else { refusal.reworded(words) })
            }
        };
        Ok((result, work.tally))
    }
}

struct Work<'a> {
    job: &'a Job,
    border: Option<Border>,
    tally: Tally,
}

impl Work<'_> {
    fn reply(&mut self, reply: &mut Reply) -> Result<()> {
        match reply {
            Reply::Tool(tool) => self.tool(tool),
            Reply::Resource(resource) => {
                resource.contents.iter_mut().try_for_each(|contents| self.contents(contents))?;
                self.meta(resource.meta.as_mut())
            }
            Reply::Prompt(prompt) => {
                if let Some(description) = &mut prompt.description {
                    self.fenced(description)?;
                }
                prompt.messages.iter_mut().try_for_each(|message| self.block(&mut message.content))?;
                self.meta(prompt.meta.as_mut())
            }
            Reply::Completion(complete) => {
                // A value goes into a form field, where no border helps.
                let mut kept = Vec::with_capacity(complete.completion.values.len());
                for mut value in std::mem::take(&mut complete.completion.values) {
                    if !self.plain(&mut value)? {
                        kept.push(value);
                    }
                }
                complete.completion.values = kept;
                self.meta(complete.meta.as_mut())
            }
            Reply::Subscribed => Ok(()),
            _ => Err(Unclean::Unknown),
        }
    }

    fn tool(&mut self, tool: &mut CallToolResult) -> Result<()> {
        tool.content.iter_mut().try_for_each(|block| self.block(block))?;
        if let Some(content) = &mut tool.structured_content {
            let mut ordered = false;
            self.value(content, &mut ordered)?;
            if ordered && !self.job.cleaner.blocks() {
                let marked = self.marked(content)?;
                if self.job.fits(content, &marked) {
                    *content = marked;
                }
            }
        }
        self.meta(tool.meta.as_mut())
    }

    fn block(&mut self, block: &mut ContentBlock) -> Result<()> {
        match block {
            ContentBlock::Text(text) => {
                self.fenced(&mut text.text)?;
                self.meta(text.meta.as_mut())
            }
            ContentBlock::Resource(embedded) => {
                self.contents(&mut embedded.resource)?;
                self.meta(embedded.meta.as_mut())
            }
            ContentBlock::ResourceLink(link) => self.link(link),
            ContentBlock::Image(image) => self.meta(image.meta.as_mut()),
            ContentBlock::Audio(audio) => self.meta(audio.meta.as_mut()),
            _ => Err(Unclean::Unknown),
        }
    }

    fn contents(&mut self, contents: &mut ResourceContents) -> Result<()> {
        match contents {
            ResourceContents::TextResourceContents { text, meta, .. } => {
                self.fenced(text)?;
                self.meta(meta.as_mut())
            }
            ResourceContents::BlobResourceContents { meta, .. } => self.meta(meta.as_mut()),
            _ => Err(Unclean::Unknown),
        }
    }

    fn link(&mut self, link: &mut Resource) -> Result<()> {
        for name in [Some(&mut link.name), link.title.as_mut()].into_iter().flatten() {
            if self.plain(name)? {
                WITHHELD.clone_into(name);
            }
        }
        self.plain(&mut link.uri)?;
        if let Some(description) = &mut link.description {
            self.fenced(description)?;
        }
        self.meta(link.meta.as_mut())
    }

    fn meta(&mut self, meta: Option<&mut MetaObject>) -> Result<()> {
        meta.map_or(Ok(()), |meta| meta.0.values_mut().try_for_each(|value| self.value(value, &mut false)))
    }

    /// Cleans a text; says whether it looks like an order.
    fn plain(&mut self, text: &mut String) -> Result<bool> {
        Ok(self.job.cleaner.tidy(text, &mut self.tally)?)
    }

    /// Cleans a text, and puts it between borders if it looks like an order.
    fn fenced(&mut self, text: &mut String) -> Result<()> {
        if self.plain(text)? && !self.job.cleaner.blocks() {
            *text = self.border()?.around(text);
        }
        Ok(())
    }

    fn border(&mut self) -> Result<&Border> {
        Ok(match &mut self.border {
            Some(border) => border,
            none => none.insert(Border::new(&self.job.source)?),
        })
    }

    /// Cleans every text within a value, keys too.
    fn value(&mut self, value: &mut Value, ordered: &mut bool) -> Result<()> {
        match value {
            Value::String(text) => *ordered |= self.plain(text)?,
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.value(item, ordered))?,
            Value::Object(members) => {
                let mut renamed = false;
                for (key, member) in members.iter_mut() {
                    match member {
                        Value::String(text) if self.job.cleaner.hides_secrets() && secrets::names_secret(key) => {
                            if !text.is_empty() && text != REDACTED {
                                REDACTED.clone_into(text);
                                self.tally.redacted = self.tally.redacted.saturating_add(1);
                            }
                        }
                        member => self.value(member, ordered)?,
                    }
                    let mut name = key.clone();
                    *ordered |= self.plain(&mut name)?;
                    renamed |= name != *key;
                }
                if renamed {
                    self.rename(members)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    /// The same members in the same order, under cleaned names. Names that become equal are told apart.
    fn rename(&mut self, members: &mut JsonObject) -> Result<()> {
        for (mut key, member) in std::mem::take(members) {
            self.job.cleaner.tidy(&mut key, &mut Tally::default())?;
            while members.contains_key(&key) {
                key.push('_');
            }
            members.insert(key, member);
        }
        Ok(())
    }

    /// A copy in which each text that looks like an order stands between borders.
    fn marked(&mut self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => {
                let mut text = text.clone();
                if self.job.cleaner.tidy(&mut text, &mut Tally::default())? {
                    text = self.border()?.around(&text);
                }
                Value::String(text)
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.marked(item)).collect::<Result<_>>()?),
            Value::Object(members) => {
                let marked = members.iter().map(|(key, member)| Ok((key.clone(), self.marked(member)?)));
                Value::Object(marked.collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }
}

impl Job {
    /// Whether the marked copy is as good by the tool's output schema as what came. A client may refuse a result that does
    /// not fit; the same text stands, marked, in the reply's other part.
    fn fits(&self, value: &Value, marked: &Value) -> bool {
        let Some(schema) = &self.schema else { return true };
        let schema = Value::Object((**schema).clone());
        let Ok(validator) = jsonschema::options().offline().build(&schema) else { return true };
        validator.is_valid(marked) || !validator.is_valid(value)
    }
}
