//! [`State`]: what the screen shows, and what each key does to it. It knows no terminal and no server.

use portwright_core::protocol::Tool;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

use super::form::{Ask, Form};
use crate::cli::list::Offer;
use crate::cli::print::safe;

/// The three lists.
pub(super) const TABS: [&str; 3] = ["Tools", "Resources", "Prompts"];

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    List,
    Filter,
    Form,
    Answer,
    Messages,
}

/// An entry of a list.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) about: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Tool(Box<Tool>),
    Resource,
    Template,
    Prompt(Box<portwright_core::protocol::Prompt>),
}

/// What the server said to the last question.
#[derive(Debug, Default, Clone)]
pub(super) struct Answer {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) failed: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) title: String,
    pub(super) lists: [Vec<Entry>; 3],
    pub(super) tab: usize,
    selected: [usize; 3],
    pub(super) filter: String,
    pub(super) focus: Focus,
    pub(super) form: Option<Form>,
    pub(super) answer: Option<Answer>,
    /// Lines that are scrolled away in the answer or the messages.
    pub(super) scroll: u16,
    /// A question is on its way.
    pub(super) waiting: Option<String>,
}

/// What is to be done after a key.
#[derive(Debug, PartialEq)]
pub(super) enum Then {
    Nothing,
    Ask(Ask),
    /// Give up the question that is on its way.
    GiveUp,
    Leave,
}

impl State {
    pub(super) fn new(offer: Offer) -> Self {
        let named = |key: &str| offer.server.as_ref().and_then(|server| server[key].as_str()).map(safe);
        let title = format!(
            "{} {}  MCP {}",
            named("name").unwrap_or_else(|| "a server".to_owned()),
            named("version").unwrap_or_default(),
            safe(offer.protocol.as_deref().unwrap_or("?"))
        );
        let entry = |name: &str, about: Option<&str>, what| Entry {
            name: safe(name),
            about: safe(about.unwrap_or_default().trim()),
            what,
        };
        let tools = offer
            .tools
            .into_iter()
            .map(|tool| entry(&tool.name.clone(), tool.description.clone().as_deref(), What::Tool(Box::new(tool))));
        let resources = offer.resources.iter().map(|one| entry(&one.uri, one.description.as_deref(), What::Resource));
        let templates = offer.resource_templates.iter();
        let templates = templates.map(|one| entry(&one.uri_template, one.description.as_deref(), What::Template));
        let prompts = offer.prompts.into_iter().map(|prompt| {
            entry(&prompt.name.clone(), prompt.description.clone().as_deref(), What::Prompt(Box::new(prompt)))
        });
        let lists = [tools.collect(), resources.chain(templates).collect(), prompts.collect()];
        Self {
            title,
            lists,
            tab: 0,
            selected: [0; 3],
            filter: String::new(),
            focus: Focus::List,
            form: None,
            answer: None,
            scroll: 0,
            waiting: None,
        }
    }

    /// The entries of the list that is shown, as far as they fit what is looked for; those whose name fits come first.
    pub(super) fn shown(&self) -> Vec<&Entry> {
        let wanted = self.filter.to_lowercase();
        let fits = |text: &str| text.to_lowercase().contains(&wanted);
        let (named, others): (Vec<_>, Vec<_>) = self.lists[self.tab].iter().partition(|entry| fits(&entry.name));
        named.into_iter().chain(others.into_iter().filter(|entry| fits(&entry.about))).collect()
    }

    pub(super) fn at(&self) -> usize {
        self.selected[self.tab].min(self.shown().len().saturating_sub(1))
    }

    pub(super) fn current(&self) -> Option<&Entry> {
        self.shown().get(self.at()).copied()
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        self.waiting = None;
        self.answer = Some(answer);
        self.scroll = 0;
        self.focus = Focus::Answer;
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Then {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Then::Leave;
        }
        if self.waiting.is_some() {
            if key.code == KeyCode::Esc {
                self.waiting = None;
                return Then::GiveUp;
            }
            return Then::Nothing;
        }
        match self.focus {
            Focus::List => self.in_list(key.code),
            Focus::Filter => self.in_filter(key.code),
            Focus::Form => self.in_form(key),
            Focus::Answer | Focus::Messages => self.in_text(key.code),
        }
    }

    fn in_list(&mut self, code: KeyCode) -> Then {
        let last = self.shown().len().saturating_sub(1);
        let at = self.at();
        match code {
            KeyCode::Char('q') => return Then::Leave,
            KeyCode::Esc if self.filter.is_empty() => return Then::Leave,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Up | KeyCode::Char('k') => self.selected[self.tab] = at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.selected[self.tab] = (at + 1).min(last),
            KeyCode::Home => self.selected[self.tab] = 0,
            KeyCode::End => self.selected[self.tab] = last,
            KeyCode::Tab | KeyCode::Right => self.tab = (self.tab + 1) % TABS.len(),
            KeyCode::BackTab | KeyCode::Left => self.tab = (self.tab + TABS.len() - 1) % TABS.len(),
            KeyCode::Char('/') => self.focus = Focus::Filter,
            KeyCode::Char('m') => self.read(Focus::Messages),
            KeyCode::Char('a') if self.answer.is_some() => self.read(Focus::Answer),
            KeyCode::Enter => return self.open(),
            _ => {}
        }
        Then::Nothing
    }

    fn read(&mut self, what: Focus) {
        self.focus = what;
        self.scroll = 0;
    }

    fn open(&mut self) -> Then {
        let Some(entry) = self.current() else { return Then::Nothing };
        let form = match &entry.what {
            What::Resource => return Then::Ask(Ask::Read(entry.name.clone())),
            What::Template => Form::of_template(&entry.name),
            What::Tool(tool) => Form::of_tool(tool),
            What::Prompt(prompt) => Form::of_prompt(prompt),
        };
        self.form = Some(form);
        self.focus = Focus::Form;
        Then::Nothing
    }

    fn in_filter(&mut self, code: KeyCode) -> Then {
        match code {
            KeyCode::Esc => {
                self.filter.clear();
                self.focus = Focus::List;
            }
            KeyCode::Enter | KeyCode::Down => self.focus = Focus::List,
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
        Then::Nothing
    }

    fn in_form(&mut self, key: KeyEvent) -> Then {
        let Some(form) = &mut self.form else { return Then::Nothing };
        let send = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('s');
        let on_button = form.at == form.fields.len();
        if send || (key.code == KeyCode::Enter && on_button) {
            return match form.ask() {
                Ok(ask) => {
                    form.wrong = None;
                    Then::Ask(ask)
                }
                Err(wrong) => {
                    form.wrong = Some(wrong);
                    Then::Nothing
                }
            };
        }
        let choosing = form.field().is_some_and(|field| !field.choices.is_empty());
        match key.code {
            KeyCode::Esc => {
                self.form = None;
                self.focus = Focus::List;
            }
            KeyCode::Enter | KeyCode::Tab | KeyCode::Down => form.step(1),
            KeyCode::BackTab | KeyCode::Up => form.step(-1),
            KeyCode::Right | KeyCode::Char(' ') if choosing => form.field().into_iter().for_each(|field| field.turn(1)),
            KeyCode::Left if choosing => form.field().into_iter().for_each(|field| field.turn(-1)),
            KeyCode::Backspace => {
                if let Some(field) = form.field().filter(|_| !choosing) {
                    field.text.pop();
                }
            }
            KeyCode::Char(letter) if !choosing => {
                if let Some(field) = form.field() {
                    field.text.push(letter);
                }
            }
            _ => {}
        }
        Then::Nothing
    }

    fn in_text(&mut self, code: KeyCode) -> Then {
        const PAGE: u16 = 20;
        match code {
            KeyCode::Esc | KeyCode::Char('q') | KeyCode::Enter => {
                self.focus = if self.form.is_some() && self.focus == Focus::Answer { Focus::Form } else { Focus::List };
                self.scroll = 0;
            }
            KeyCode::Char('m') => self.read(Focus::Messages),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll = self.scroll.saturating_add(PAGE),
            KeyCode::Home => self.scroll = 0,
            _ => {}
        }
        Then::Nothing
    }
}

/// What a tool says of itself beyond its description, one a line.
pub(super) fn hints(tool: &Tool) -> Vec<String> {
    let told = serde_json::to_value(&tool.annotations).unwrap_or(Value::Null);
    let told = told.as_object().into_iter().flatten();
    told.filter(|(_, value)| !value.is_null())
        .map(|(key, value)| format!("{key}: {}", safe(&value.to_string())))
        .collect()
}

impl Entry {
    /// Its lines beside the list.
    pub(super) fn more(&self) -> Vec<String> {
        match &self.what {
            What::Tool(tool) => hints(tool),
            What::Template => vec!["an address with variables".to_owned()],
            What::Resource | What::Prompt(_) => Vec::new(),
        }
    }
}
