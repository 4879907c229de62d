//! `portwright inspect`: what a server offers, on a screen: look, fill in a form, see the answer and the messages.

mod form;
mod state;
#[cfg(test)]
mod tests;
mod view;

use std::io;
use std::time::Duration;

use portwright_core::protocol::{CallToolRequestParams, GetPromptRequestParams, ReadResourceRequestParams};
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use tokio::sync::mpsc;

use crate::cli::content;
use crate::cli::error::CliError;
use crate::cli::list::Offer;
use crate::cli::print::safe;
use crate::cli::target::{Client, Tap};
use form::Ask;
use state::{Answer, State, Then};

/// Shows it until the person leaves.
pub(crate) async fn run(client: &Client, offer: Offer, tap: &Tap) -> Result<(), CliError> {
    let mut state = State::new(offer);
    let mut keys = keys();
    let mut terminal = ratatui::try_init().map_err(CliError::Output)?;
    let ended = show(&mut terminal, &mut state, &mut keys, client, tap).await;
    ratatui::restore();
    ended.map_err(CliError::Output)
}

async fn show(
    terminal: &mut ratatui::DefaultTerminal,
    state: &mut State,
    keys: &mut mpsc::Receiver<Event>,
    client: &Client,
    tap: &Tap,
) -> io::Result<()> {
    loop {
        terminal.draw(|frame| view::draw(frame, state, &tap.seen()))?;
        let Some(then) = next(state, keys).await else { return Ok(()) };
        let mut asked = match then {
            Then::Ask(ask) => ask,
            Then::Leave => return Ok(()),
            Then::Nothing | Then::GiveUp => continue,
        };
        state.waiting = Some(about(&asked));
        terminal.draw(|frame| view::draw(frame, state, &tap.seen()))?;
        // While the server thinks, the person may give up, and nothing else.
        let answer = answer(client, &mut asked);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                told = &mut answer => {
                    state.answered(told);
                    break;
                }
                then = next(state, keys) => match then {
                    Some(Then::GiveUp) => break,
                    None | Some(Then::Leave) => return Ok(()),
                    Some(_) => {}
                },
            }
        }
    }
}

/// What the next key leads to; none when there are no more.
async fn next(state: &mut State, keys: &mut mpsc::Receiver<Event>) -> Option<Then> {
    Some(match keys.recv().await? {
        Event::Key(key @ KeyEvent { kind: KeyEventKind::Press, .. }) => state.press(key),
        _ => Then::Nothing,
    })
}

/// Keys are waited for on a thread of their own, which ends when nobody listens any more.
fn keys() -> mpsc::Receiver<Event> {
    const LOOK: Duration = Duration::from_millis(100);
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let Ok(ready) = event::poll(LOOK) else { return };
            if !ready {
                continue;
            }
            let Ok(event) = event::read() else { return };
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

fn about(ask: &Ask) -> String {
    match ask {
        Ask::Call { tool, .. } => format!("calling {}", safe(tool)),
        Ask::Prompt { name, .. } => format!("getting {}", safe(name)),
        Ask::Read(uri) => format!("reading {}", safe(uri)),
    }
}

/// Asks the server, and turns what it says into words.
async fn answer(client: &Client, ask: &mut Ask) -> Answer {
    let title = about(ask);
    let peer = client.peer();
    let told = match ask {
        Ask::Call { tool, arguments } => {
            let params = CallToolRequestParams::new(tool.clone()).with_arguments(std::mem::take(arguments));
            client.ask(peer.call_tool(params)).await.map(|result| {
                let mut text = content::blocks(&result.content);
                if let Some(data) = &result.structured_content {
                    let data = serde_json::to_string_pretty(data).unwrap_or_default();
                    text = format!("{text}\n\n{}", safe(&data));
                }
                (text, result.is_error == Some(true))
            })
        }
        Ask::Prompt { name, arguments } => {
            let params = GetPromptRequestParams::new(name.clone()).with_arguments(std::mem::take(arguments));
            client.ask(peer.get_prompt(params)).await.map(|result| {
                let spoken = result.messages.iter().map(|message| {
                    let role = serde_json::to_value(&message.role).unwrap_or_default();
                    format!("[{}]\n{}", role.as_str().unwrap_or_default(), content::block(&message.content))
                });
                (spoken.collect::<Vec<_>>().join("\n\n"), false)
            })
        }
        Ask::Read(uri) => {
            let params = ReadResourceRequestParams::new(uri.clone());
            client
                .ask(peer.read_resource(params))
                .await
                .map(|result| (result.contents.iter().map(content::resource).collect::<Vec<_>>().join("\n"), false))
        }
    };
    match told {
        Ok((text, failed)) => Answer { title, text, failed },
        Err(error) => Answer { title, text: safe(&error.to_string()), failed: true },
    }
}
