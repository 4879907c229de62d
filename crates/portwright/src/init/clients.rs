//! From the servers that a client's configuration starts to sources.
//!
//! Known servers are recognised by the name of their package or image; what they were given (folders, addresses,
//! tokens) is carried over, secrets into files of their own. Everything else stays where it is, and is named.

use portwright_core::Secret;
use serde_json::{Map, Value};

use super::draft::{Draft, SourceDraft};
use super::origin::{Database, Place};

/// The servers in a client's file.
pub(super) fn servers(file: &Value) -> Option<&Map<String, Value>> {
    const KEYS: [&str; 3] = ["mcpServers", "servers", "context_servers"];
    let nested = file.get("mcp").and_then(|mcp| mcp.get("servers"));
    KEYS.iter().find_map(|key| file.get(key)).or(nested)?.as_object()
}

/// A server as a client starts it.
struct Server<'a> {
    name: &'a str,
    /// The command and its arguments.
    words: Vec<&'a str>,
    environment: Option<&'a Map<String, Value>>,
}

/// What becomes of a server.
pub(super) enum Carried {
    Source(SourceDraft),
    /// A database, which can be asked for its schema.
    Database(Database),
    /// Why it stays where it is.
    Left(String),
}

/// Carries one over.
pub(super) fn carry(draft: &mut Draft, name: &str, value: &Value) -> Carried {
    let command = match &value["command"] {
        // Zed has had an object there.
        Value::Object(command) => (&command["path"], &command["args"], &command["env"]),
        command => (command, &value["args"], &value["env"]),
    };
    let arguments = command.1.as_array().into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = command.0.as_str().into_iter().chain(arguments).collect();
    let server = Server { name, words, environment: command.2.as_object() };
    if server.runs(&["server-filesystem", "mcp-filesystem", "mcp/filesystem"]) {
        server.files(draft)
    } else if server.runs(&["server-postgres", "postgres-mcp", "mcp-postgres", "mcp/postgres"]) {
        server.postgres()
    } else if server.runs(&["mcp-server-sqlite", "server-sqlite", "mcp-sqlite", "mcp/sqlite"]) {
        server.sqlite()
    } else if server.runs(&["mcp-server-mysql", "mysql_mcp_server", "mysql-mcp-server"]) {
        server.mysql()
    } else if server.runs(&["server-github", "github-mcp-server"]) || is_hosted_github(value) {
        server.github(draft)
    } else if server.runs(&["brave-search"]) {
        server.brave(draft)
    } else if server.runs(&["server-kubernetes", "kubernetes-mcp-server", "mcp-k8s", "kubectl-mcp-server"]) {
        server.kubernetes(draft)
    } else {
        Carried::Left("it stays where it is: none of the sources does its work".to_owned())
    }
}

fn is_hosted_github(value: &Value) -> bool {
    let url = ["url", "serverUrl"].iter().find_map(|key| value[key].as_str());
    url.is_some_and(|url| url.starts_with("https://api.githubcopilot.com/mcp"))
}

impl Server<'_> {
    /// Whether one of its words is a package or image of that name, whatever its scope and version.
    fn runs(&self, names: &[&str]) -> bool {
        let fits = |word: &&str| {
            let bare = word.trim_start_matches('@');
            let bare = bare.rsplit_once('@').map_or(bare, |(name, _)| name);
            names
                .iter()
                .any(|name| bare.split(['/', ':', '\\']).any(|part| part.starts_with(name)) || bare.contains(name))
        };
        self.words.iter().any(fits)
    }

    /// What stands behind the package's name and is no option.
    fn places(&self) -> impl Iterator<Item = &str> {
        let package = self.words.iter().position(|word| word.contains("filesystem") || word.contains("sqlite"));
        let after = self.words.iter().skip(package.map_or(self.words.len(), |at| at + 1));
        after.copied().filter(|word| !word.starts_with('-'))
    }

    fn variable(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.environment?.get(*name)?.as_str()).filter(|text| !text.is_empty())
    }

    /// The value behind an option, however it is written.
    fn option(&self, names: &[&str]) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if names.contains(word) {
                return words.next().copied();
            }
            let inline = names.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('='));
            if inline.is_some() {
                return inline;
            }
        }
        None
    }

    /// A reference to a secret that the client's file held, or had asked for.
    fn token(&self, draft: &mut Draft, variables: &[&str], otherwise: &str) -> String {
        match self.variable(variables) {
            Some(text) if !text.contains("${") => draft.keep(&format!("{}.token", self.name), Secret::new(text)),
            _ => {
                draft.notes.push(format!("{}: its token is not in the file; set the variable {otherwise}", self.name));
                format!("${{env:{otherwise}}}")
            }
        }
    }

    fn files(&self, draft: &Draft) -> Carried {
        let roots: Vec<toml::Value> = self.places().filter(|place| !place.contains("${")).map(Into::into).collect();
        if roots.is_empty() {
            return Carried::Left(
                "its folders can't be told from its arguments; add a source of kind files".to_owned(),
            );
        }
        let source = SourceDraft::new(draft.source_name(self.name), "files");
        Carried::Source(
            source
                .key("roots", roots, "nothing outside of them can be reached")
                .also("access = \"read-write\"            # to let tools write, as that server did")
                .also("exclude = [\".env\", \"*.pem\"]      # not there, whatever way is tried"),
        )
    }

    fn postgres(&self) -> Carried {
        let url = self.variable(&["DATABASE_URI", "DATABASE_URL", "POSTGRES_URL", "POSTGRES_CONNECTION_STRING"]);
        let argument = || self.words.iter().copied().find(|word| word.starts_with("postgres") && word.contains("://"));
        match url.or_else(argument).map(Database::behind) {
            Some(Ok(Some(database))) => Carried::Database(database),
            _ => Carried::Left("its database can't be told; run `portwright init --from postgresql://…`".to_owned()),
        }
    }

    fn sqlite(&self) -> Carried {
        match self.option(&["--db-path", "--db"]).or_else(|| self.places().last()) {
            Some(path) => Carried::Database(Database::file(std::path::Path::new(path))),
            None => Carried::Left("its file can't be told; run `portwright init --from FILE`".to_owned()),
        }
    }

    fn mysql(&self) -> Carried {
        let name = self.variable(&["MYSQL_DATABASE", "MYSQL_DB", "MYSQL_DB_NAME"]).unwrap_or("db");
        let mut url = reqwest::Url::parse("mysql://127.0.0.1").ok();
        let host = self.variable(&["MYSQL_HOST"]).unwrap_or("127.0.0.1");
        let set = url.as_mut().map(|url| {
            let port = self.variable(&["MYSQL_PORT"]).and_then(|port| port.parse().ok());
            let _ = url.set_port(port);
            let _ = url.set_username(self.variable(&["MYSQL_USER"]).unwrap_or("root"));
            let _ = url.set_password(self.variable(&["MYSQL_PASSWORD", "MYSQL_PASS"]));
            url.set_path(name);
            url.set_host(Some(host))
        });
        match (url, set) {
            (Some(url), Some(Ok(()))) => Carried::Database(Database {
                kind: "mysql",
                key: "url",
                place: Place::Secret(Secret::new(url.as_str())),
                name: name.to_owned(),
            }),
            _ => Carried::Left("its database can't be told; run `portwright init --from mysql://…`".to_owned()),
        }
    }

    fn github(&self, draft: &mut Draft) -> Carried {
        let variables = ["GITHUB_PERSONAL_ACCESS_TOKEN", "GITHUB_TOKEN"];
        let token = self.token(draft, &variables, "GITHUB_TOKEN");
        let source = SourceDraft::new(draft.source_name(self.name), "github").key("token", token, "");
        let source = match self.variable(&["GITHUB_HOST"]) {
            Some(host) => source.key("api_url", host, ""),
            None => source,
        };
        Carried::Source(
            source
                .also("repositories = [\"acme/*\"]         # nothing else is touched")
                .also("access = \"read-write\"            # to let tools write, as that server did"),
        )
    }

    fn brave(&self, draft: &mut Draft) -> Carried {
        let token = self.token(draft, &["BRAVE_API_KEY"], "BRAVE_API_KEY");
        let source = SourceDraft::new(draft.source_name(self.name), "brave").key("token", token, "");
        Carried::Source(source.also("rate = \"1/s\"                       # what your plan allows"))
    }

    fn kubernetes(&self, draft: &Draft) -> Carried {
        let source = SourceDraft::new(draft.source_name(self.name), "kubernetes");
        let source = match self.variable(&["KUBECONFIG"]).or_else(|| self.option(&["--kubeconfig"])) {
            Some(path) if !path.contains("${") => source.key("kubeconfig", path, ""),
            _ => source,
        };
        Carried::Source(
            source
                .also("namespaces = [\"shop\"]             # nothing outside of them is seen")
                .also("access = \"read-write\"            # to let tools change the cluster"),
        )
    }
}
