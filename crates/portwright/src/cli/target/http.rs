//! A server behind a URL, over Streamable HTTP.

use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::Client;
use crate::cli::error::CliError;
use crate::cli::variables;

pub(super) async fn connect(url: &str) -> Result<Client, CliError> {
    let wrong = |reason: String| CliError::Usage {
        message: format!("`{}` is not the address of a server: {reason}", without_credentials(url)),
        hint: Some("such as http://127.0.0.1:8722/mcp".into()),
    };
    let mut parsed = reqwest::Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong(format!("{}: is not http: or https:", parsed.scheme())));
    }
    if parsed.path() == "/" {
        parsed.set_path("/mcp");
    }
    let mut config = StreamableHttpClientTransportConfig::with_uri(parsed.as_str());
    if let Ok(token) = std::env::var(variables::TOKEN) {
        config = config.auth_header(token);
    }
    Client::greet(StreamableHttpClientTransport::from_config(config), without_credentials(parsed.as_str()), None).await
}

fn without_credentials(url: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return url.to_owned() };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.to_string()
}
