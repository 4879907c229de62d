//! The clients, one a file.

#![expect(
    clippy::unnecessary_wraps,
    reason = "some clients have no file for a folder or take no address, and all have one form"
)]

mod amazon_q;
mod claude_code;
mod claude_desktop;
mod cline;
mod codex;
mod continue_dev;
mod copilot_cli;
mod crush;
mod cursor;
mod gemini_cli;
mod goose;
mod junie;
mod kiro;
mod lm_studio;
mod opencode;
mod roo_code;
mod vscode;
mod vscode_insiders;
mod windsurf;
mod zed;

use serde_json::Value;

use super::Client;

/// All of them, those that most people have first.
pub(crate) static CLIENTS: [Client; 20] = [
    claude_desktop::CLIENT,
    claude_code::CLIENT,
    vscode::CLIENT,
    vscode_insiders::CLIENT,
    cursor::CLIENT,
    zed::CLIENT,
    windsurf::CLIENT,
    cline::CLIENT,
    roo_code::CLIENT,
    codex::CLIENT,
    gemini_cli::CLIENT,
    junie::CLIENT,
    lm_studio::CLIENT,
    copilot_cli::CLIENT,
    kiro::CLIENT,
    amazon_q::CLIENT,
    opencode::CLIENT,
    crush::CLIENT,
    goose::CLIENT,
    continue_dev::CLIENT,
];

/// An entry with headers, if there are any.
fn headers(mut entry: Value, key: &str, given: &[(String, String)]) -> Value {
    if !given.is_empty() {
        entry[key] = given.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    }
    entry
}
