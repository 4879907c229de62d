//! Logins at remote servers by OAuth 2.1: a person agrees in a browser, and the tokens are kept for the client commands.
//!
//! Discovery, registration, PKCE and refreshing are the official SDK's; here are the page that the browser comes back to
//! and the files that the tokens stand in.

mod callback;
mod store;

use portwright_core::Secret;
use reqwest::Url;
use rmcp::transport::AuthorizationManager;
use rmcp::transport::auth::{AuthorizationRequest, OAuthState};

use crate::cli::error::CliError;
use callback::Callback;
pub(crate) use store::Store;

/// What the person asked for.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// A client that is registered already; without one this program registers itself.
    pub(crate) client_id: Option<&'a str>,
    pub(crate) scopes: &'a [String],
    /// Only show the address, and start no browser.
    pub(crate) quiet: bool,
}

/// Leads a person through a login; what they have to open is told by `tell`.
pub(crate) async fn run(url: &Url, options: &Options<'_>, tell: impl Fn(&Url)) -> Result<(), CliError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| CliError::Login { what: url.to_string(), source };
    let store = Store::of(url).map_err(CliError::start)?;
    let callback = Callback::listen().await.map_err(CliError::start)?;
    let mut manager = AuthorizationManager::new(url.clone()).await.map_err(|error| failed(error.into()))?;
    manager.set_credential_store(store);
    let mut state = OAuthState::Unauthorized(manager);
    let mut request = AuthorizationRequest::new(callback.address())
        .with_client_name("Portwright")
        .with_application_type("native")
        .with_initial_scope_selection();
    if let Some(id) = options.client_id {
        request = request.with_preregistered_client(id);
    }
    if !options.scopes.is_empty() {
        request = request.with_scopes(options.scopes.iter().cloned());
    }
    state.start_authorization(request).await.map_err(|error| failed(error.into()))?;
    let page = state.get_authorization_url().await.map_err(|error| failed(error.into()))?;
    let page = page_of(&page).map_err(|why| failed(why.into()))?;
    tell(&page);
    if !options.quiet {
        open(&page);
    }
    let came_back = callback.wait().await.map_err(|error| failed(error.into()))?;
    state.handle_callback_url(&came_back).await.map_err(|error| failed(error.into()))
}

/// A page that a browser may be sent to. A server chooses it, so it is held to what a login page can be: no file, no
/// program, and no plain text over a network.
fn page_of(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("the server names a login page that is none: {error}"))?;
    let local = url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        other => Err(format!("the server names a login page at {other}:, which is not safe to open")),
    }
}

/// Starts the platform's browser. No shell sees the address; where there is none, the person has it on the terminal.
fn open(page: &Url) {
    let (program, before): (&str, &[&str]) = if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let mut browser = std::process::Command::new(program);
    browser.args(before).arg(page.as_str());
    let quiet = std::process::Stdio::null;
    let _ = browser.stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}

/// The token of an earlier login at this server, refreshed if it had to be; none if there was no login.
pub(crate) async fn token(url: &Url) -> Result<Option<Secret>, CliError> {
    let Ok(store) = Store::of(url) else { return Ok(None) };
    if !store.exists() {
        return Ok(None);
    }
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| CliError::Login { what: url.to_string(), source };
    let mut manager = AuthorizationManager::new(url.clone()).await.map_err(|error| failed(error.into()))?;
    manager.set_credential_store(store);
    if !manager.initialize_from_store().await.map_err(|error| failed(error.into()))? {
        return Ok(None);
    }
    manager.get_access_token().await.map(|token| Some(Secret::new(token))).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_browser_is_sent_to_login_pages_only() {
        assert!(page_of("https://login.acme.example/authorize?x=1").is_ok());
        assert!(page_of("http://127.0.0.1:9000/authorize").is_ok());
        for page in ["http://login.acme.example/", "file:///etc/passwd", "javascript:alert(1)", "ms-settings:x", "x"] {
            assert!(page_of(page).is_err(), "{page}");
        }
    }
}
