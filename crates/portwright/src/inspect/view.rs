//! How the state looks.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, List, ListItem, ListState, Paragraph, Tabs, Wrap};

use super::form::{Form, Of};
use super::state::{Focus, State, TABS};
use crate::cli::print::safe;
use crate::cli::target::Way;

pub(super) fn draw(frame: &mut Frame<'_>, state: &State, messages: &[(Way, String)]) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(3), Constraint::Length(1)]).areas(frame.area());
    head(frame, top, state);
    if state.focus == Focus::Messages {
        wire(frame, middle, state, messages);
    } else {
        let [left, right] = Layout::horizontal([Constraint::Percentage(35), Constraint::Min(20)]).areas(middle);
        list(frame, left, state);
        match (state.focus, &state.form, &state.answer) {
            (Focus::Answer, _, Some(_)) => answer(frame, right, state),
            (_, Some(form), _) => fill_in(frame, right, form),
            _ => about(frame, right, state),
        }
    }
    frame.render_widget(Paragraph::new(keys(state)).dim(), bottom);
}

fn head(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [first, second] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(Line::from(state.title.as_str()).bold(), first);
    let titles = TABS.iter().zip(&state.lists).map(|(title, list)| format!("{title} {}", list.len()));
    frame.render_widget(Tabs::new(titles).select(state.tab).highlight_style(Style::new().reversed()), second);
}

fn keys(state: &State) -> String {
    if let Some(what) = &state.waiting {
        return format!("{what} …   Esc gives up");
    }
    match state.focus {
        Focus::List => "↑↓ choose   ⏎ open   ⇥ other list   / find   m messages   q leave",
        Focus::Filter => "type to find   ⏎ done   Esc all",
        Focus::Form => "type   ↑↓ other field   ←→ other value   Ctrl-S or ⏎ on the button: send   Esc back",
        Focus::Answer | Focus::Messages => "↑↓ scroll   m messages   Esc back",
    }
    .to_owned()
}

fn framed(title: &str, focused: bool) -> Block<'_> {
    let block = Block::bordered().title(title);
    if focused { block.border_style(Style::new().bold()) } else { block.border_style(Style::new().dim()) }
}

fn list(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let title = match state.filter.as_str() {
        "" if state.focus == Focus::Filter => "find: _".to_owned(),
        "" => TABS[state.tab].to_owned(),
        filter => format!("find: {filter}"),
    };
    let items: Vec<ListItem<'_>> = state.shown().iter().map(|entry| ListItem::new(entry.name.clone())).collect();
    let nothing = items.is_empty();
    let focused = matches!(state.focus, Focus::List | Focus::Filter);
    let block = framed(&title, focused);
    if nothing {
        return frame.render_widget(Paragraph::new("nothing here").dim().block(block), area);
    }
    let list = List::new(items).block(block).highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    frame.render_stateful_widget(list, area, &mut ListState::default().with_selected(Some(state.at())));
}

fn about(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let Some(entry) = state.current() else { return };
    let mut lines = vec![Line::from(entry.name.as_str()).bold(), Line::default()];
    lines.extend(entry.about.lines().map(Line::from));
    lines.push(Line::default());
    lines.extend(entry.more().into_iter().map(|line| Line::from(line).dim()));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(framed("About", false)), area);
}

fn fill_in(frame: &mut Frame<'_>, area: Rect, form: &Form) {
    let title = match &form.of {
        Of::Tool { name, .. } | Of::Prompt(name) | Of::Template(name) => safe(name),
    };
    let mut lines = Vec::new();
    for (at, field) in form.fields.iter().enumerate() {
        let here = at == form.at;
        let mark = if field.required { "*" } else { "" };
        lines.push(Line::from(vec![
            Span::from(format!("{}{mark}", safe(&field.name))).bold(),
            Span::from(format!("  {}", safe(&field.about))).dim(),
        ]));
        let value = match (field.choices.is_empty(), field.text.as_str()) {
            (false, "") => "‹ left out ›".to_owned(),
            (false, text) => format!("‹ {} ›", safe(text)),
            (true, text) if here => format!("{}█", safe(text)),
            (true, text) => safe(text),
        };
        let value = Line::from(format!("  {value}"));
        lines.push(if here { value.reversed() } else { value });
    }
    let button = Line::from(match &form.of {
        Of::Tool { .. } => "[ Call ]",
        Of::Prompt(_) => "[ Get ]",
        Of::Template(_) => "[ Read ]",
    });
    lines.push(Line::default());
    lines.push(if form.at == form.fields.len() { button.reversed() } else { button });
    let mut block = framed(&title, true);
    if let Some(wrong) = &form.wrong {
        block = block.title_bottom(Line::from(wrong.as_str()).red());
    }
    // A form longer than its place follows the field that is being written in.
    let height = area.height.saturating_sub(2);
    let wanted = u16::try_from(2 * form.at + 2).unwrap_or(u16::MAX);
    let scroll = wanted.saturating_sub(height);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)).block(block), area);
}

fn answer(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let Some(told) = &state.answer else { return };
    let text = Paragraph::new(told.text.as_str()).wrap(Wrap { trim: false }).scroll((state.scroll, 0));
    let block = framed(&told.title, true);
    let block = if told.failed { block.border_style(Style::new().red()) } else { block };
    frame.render_widget(text.block(block), area);
}

fn wire(frame: &mut Frame<'_>, area: Rect, state: &State, messages: &[(Way, String)]) {
    let line = |(way, text): &(Way, String)| {
        let arrow = match way {
            Way::Sent => Span::from("-> ").green(),
            Way::Received => Span::from("<- ").cyan(),
        };
        Line::from(vec![arrow, Span::from(safe(text))])
    };
    // The latest first: nobody has to scroll to see what just happened.
    let lines: Vec<_> = messages.iter().rev().map(line).collect();
    let text = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((state.scroll, 0));
    frame.render_widget(text.block(framed("Messages, the latest first", true)), area);
}
