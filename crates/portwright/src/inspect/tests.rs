//! Keys in, screens out.

use portwright_core::protocol::{Prompt, Resource, ResourceTemplate, Tool};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::form::Ask;
use super::state::{Answer, Focus, State, Then};
use super::view;
use crate::cli::list::Offer;
use crate::cli::target::Way;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("of that form")
}

fn offer() -> Offer {
    let schema = json!({"type": "object", "required": ["term"], "properties": {
        "term": {"type": "string", "description": "What to look for"},
        "limit": {"type": "integer", "default": 10},
        "open": {"type": "boolean"},
        "order": {"type": "string", "enum": ["asc", "desc"]},
    }});
    let search: Tool = read(json!({"name": "search", "description": "Finds \u{1b}[31mthings.", "inputSchema": schema,
        "annotations": {"readOnlyHint": true}}));
    let delete: Tool = read(json!({"name": "delete", "description": "Ends it.", "inputSchema": {"type": "object"}}));
    let notes: Resource = read(json!({"uri": "notes://a", "name": "a"}));
    let table: ResourceTemplate = read(json!({"uriTemplate": "db://shop/{table}", "name": "table"}));
    let greet: Prompt = read(json!({"name": "greet", "arguments": [{"name": "whom", "required": true}]}));
    Offer {
        server: Some(json!({"name": "shop", "version": "1"})),
        protocol: Some("2026-07-28".into()),
        tools: vec![search, delete],
        resources: vec![notes],
        resource_templates: vec![table],
        prompts: vec![greet],
    }
}

fn press(state: &mut State, code: KeyCode) -> Then {
    state.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn write(state: &mut State, text: &str) {
    for letter in text.chars() {
        assert_eq!(press(state, KeyCode::Char(letter)), Then::Nothing);
    }
}

fn screen(state: &State, messages: &[(Way, String)]) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 16)).expect("a terminal");
    terminal.draw(|frame| view::draw(frame, state, messages)).expect("drawn");
    terminal.backend().to_string()
}

#[test]
fn a_tool_is_chosen_filled_in_and_called() {
    let mut state = State::new(offer());
    assert!(screen(&state, &[]).contains("search") && screen(&state, &[]).contains("readOnlyHint: true"));
    assert!(!screen(&state, &[]).contains('\u{1b}'), "a server's text moves no cursor");
    press(&mut state, KeyCode::Enter);
    let ctrl_s = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL);
    assert_eq!(state.press(ctrl_s), Then::Nothing);
    assert!(screen(&state, &[]).contains("`term` is needed"), "{}", screen(&state, &[]));
    write(&mut state, "lampx");
    press(&mut state, KeyCode::Backspace);
    press(&mut state, KeyCode::Down);
    write(&mut state, "x");
    assert_eq!(state.press(ctrl_s), Then::Nothing);
    assert!(screen(&state, &[]).contains("`limit` must be integer"), "{}", screen(&state, &[]));
    press(&mut state, KeyCode::Backspace);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Right);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Left);
    press(&mut state, KeyCode::Enter);
    let Then::Ask(Ask::Call { tool, arguments }) = press(&mut state, KeyCode::Enter) else { panic!("no call") };
    let wanted = json!({"term": "lamp", "limit": 10, "open": true, "order": "desc"});
    assert_eq!((tool.as_str(), Value::Object(arguments)), ("search", wanted));
    state.answered(Answer { title: "calling search".into(), text: "three lamps".into(), failed: false });
    assert!(screen(&state, &[]).contains("three lamps"));
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.focus, Focus::Form, "back to what was filled in");
}

#[test]
fn resources_are_read_and_their_variables_encoded() {
    let mut state = State::new(offer());
    press(&mut state, KeyCode::Tab);
    assert_eq!(press(&mut state, KeyCode::Enter), Then::Ask(Ask::Read("notes://a".into())));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    write(&mut state, "a/b c");
    press(&mut state, KeyCode::Enter);
    assert_eq!(press(&mut state, KeyCode::Enter), Then::Ask(Ask::Read("db://shop/a%2Fb%20c".into())));
}

#[test]
fn a_prompt_gets_its_arguments() {
    let mut state = State::new(offer());
    press(&mut state, KeyCode::BackTab);
    press(&mut state, KeyCode::Enter);
    write(&mut state, "Ada");
    press(&mut state, KeyCode::Tab);
    let arguments = json!({"whom": "Ada"}).as_object().cloned().expect("an object");
    assert_eq!(press(&mut state, KeyCode::Enter), Then::Ask(Ask::Prompt { name: "greet".into(), arguments }));
}

#[test]
fn lists_are_searched_and_messages_shown() {
    let mut state = State::new(offer());
    press(&mut state, KeyCode::Char('/'));
    write(&mut state, "ends");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.current().map(|entry| entry.name.as_str()), Some("delete"));
    press(&mut state, KeyCode::Char('m'));
    let messages = [(Way::Sent, "{\"id\":1}".to_owned()), (Way::Received, "{\"id\":1,\"result\":{}}".to_owned())];
    let shown = screen(&state, &messages);
    let (sent, received) = (shown.find("-> {\"id\":1}"), shown.find("<- {\"id\":1,"));
    assert!(received.is_some() && received < sent, "{shown}");
    press(&mut state, KeyCode::Esc);
    assert_eq!(press(&mut state, KeyCode::Esc), Then::Nothing, "the first one ends the search");
    assert_eq!(press(&mut state, KeyCode::Char('q')), Then::Leave);
}

#[test]
fn while_the_server_thinks_one_can_give_up_and_nothing_else() {
    let mut state = State::new(offer());
    state.waiting = Some("calling search".into());
    assert!(screen(&state, &[]).contains("Esc gives up"));
    assert_eq!(press(&mut state, KeyCode::Enter), Then::Nothing);
    assert_eq!(press(&mut state, KeyCode::Esc), Then::GiveUp);
    assert_eq!(state.waiting, None);
}
