//! How each client is started: its script, and for a proxy the proxy before the server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::files::root;
use crate::harness::server::{Output, Portwright, binary};
use crate::harness::wire::Era;
use crate::harness::{wait_for, wait_longer};

use super::clients::{Client, Probe};
use super::ways::Way;

/// How long a client may take for all its steps: the inspector starts a process for each.
const PATIENCE: Duration = Duration::from_mins(4);

/// A server to be reached: started by the client with `command`, or listening at `address`.
#[derive(Debug, Clone)]
pub(super) struct Target {
    command: Vec<String>,
    address: SocketAddr,
}

impl Target {
    /// Without a server that listens, only the command is of use.
    pub(super) fn new(command: Vec<String>, server: Option<&Portwright>) -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        Self { command, address: server.map_or(nowhere, |server| server.address) }
    }

    /// The built binary with a configuration.
    pub(super) fn portwright(config: &Path, server: Option<&Portwright>) -> Self {
        let command = [binary(), "serve", "--stdio", "-c", &config.display().to_string()];
        Self::new(command.map(str::to_owned).to_vec(), server)
    }

    /// What listens there.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { command: Vec::new(), address }
    }

    /// As the scripts read it.
    fn plan(&self, way: Way) -> Value {
        json!({ "transport": way.transport(), "url": way.url(self.address), "command": self.command, "env": {} })
    }
}

/// A proxy that listens before a server that it started; killed when dropped.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets a client take steps on a way, and gives what it saw. A step that names a `target` gets that one.
pub(super) fn drive(
    client: Client,
    way: Way,
    target: &Target,
    mut steps: Vec<Value>,
    walk: &Target,
) -> Result<Value, String> {
    let (mut plan, _proxy) = through(client, way, target)?;
    let mut proxies = Vec::new();
    for step in &mut steps {
        if step["target"] == "walk" {
            let (target, proxy) = through(client, way, walk)?;
            step["target"] = target;
            proxies.push(proxy);
        }
    }
    let script = script_of(client, way);
    plan["client"] = json!(script.name());
    plan["era"] = json!(if way.era() == Era::Modern { "modern" } else { "legacy" });
    plan["steps"] = json!(steps);
    let line = last_line(script.command(&plan))?;
    serde_json::from_str(&line).map_err(|error| format!("no report ({error}): {line}"))
}

/// Runs a probe; nothing if it shows what it is to show.
pub(super) fn probe(client: Client, way: Way, probe: &Probe, target: &Target) -> Result<(), String> {
    match probe {
        Probe::Older => {
            let seen = drive(client, way, target, Vec::new(), target)?;
            let agreed = seen["protocol"] == Era::Legacy.version();
            agreed.then_some(()).ok_or_else(|| format!("it can: {seen}"))
        }
        Probe::Says(words) => {
            let seen = drive(client, way, target, Vec::new(), target)?;
            let said = seen["unable"].as_str().unwrap_or_default().contains(words);
            said.then_some(()).ok_or_else(|| format!("does not say {words:?}: {seen}"))
        }
        Probe::Prints(arguments, words) => {
            let mut command = program(client);
            command.args(*arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().map_err(|error| error.to_string())?;
            let output = [
                Output::of(child.stdout.take().ok_or("no output")?),
                Output::of(child.stderr.take().ok_or("no errors")?),
            ];
            let child = Proxy(child);
            wait_for("a probe's words", || output.iter().any(|output| output.text().contains(words)).then_some(()));
            drop(child);
            Ok(())
        }
    }
}

/// How a client reaches a target: directly, or through a proxy that stands before it.
fn through(client: Client, way: Way, target: &Target) -> Result<(Value, Option<Proxy>), String> {
    let plan = |way: Way, command: &Command| {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let command = words.map(|word| word.to_string_lossy().into_owned()).collect();
        (Target { command, ..target.clone() }.plan(way), None)
    };
    let url = way.url(target.address);
    let mut proxy = program(client);
    let modern = way.era() == Era::Modern;
    match client {
        Client::McpRemote => {
            let strategy = if way == Way::Sse { "sse-only" } else { "http-only" };
            proxy.args([&url, "--allow-http", "--transport", strategy]);
        }
        Client::McpProxy if !way.starts_the_server() => {
            proxy.args(["--transport", if way == Way::Sse { "sse" } else { "streamablehttp" }, &url]);
        }
        Client::Supergateway if !way.starts_the_server() => {
            let from = if way == Way::Sse { "--sse" } else { "--streamableHttp" };
            proxy.args([from, &url, "--logLevel", "none"]);
        }
        Client::McpProxy => {
            let port = free_port();
            proxy.args(["--port", &port.port().to_string(), "--"]).args(&target.command);
            // What it says beside an answer, it says on a stream that HTTP's clients may not have opened yet.
            return listening(proxy, port, if modern { Way::HttpModern } else { Way::Sse });
        }
        Client::Supergateway => {
            let (port, command) = (free_port(), target.command.join(" "));
            let output = if modern { "streamableHttp" } else { "ws" };
            proxy.args(["--stdio", &command, "--outputTransport", output, "--messagePath", "/ws"]);
            proxy.args(["--port", &port.port().to_string()]);
            return listening(proxy, port, if modern { Way::HttpModern } else { Way::WebSocket });
        }
        _ => return Ok((target.plan(way), None)),
    }
    Ok(plan(if modern { Way::StdioModern } else { Way::Stdio }, &proxy))
}

/// Starts a proxy that listens and waits until it does.
fn listening(mut proxy: Command, at: SocketAddr, way: Way) -> Result<(Value, Option<Proxy>), String> {
    proxy.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = proxy.spawn().map_err(|error| format!("the proxy could not start: {error}"))?;
    // Read to the end, so that it never blocks.
    Output::of(child.stdout.take().ok_or("no output")?);
    let errors = Output::of(child.stderr.take().ok_or("no errors")?);
    let mut child = Proxy(child);
    wait_for("a proxy that listens", || {
        let ended = child.0.try_wait().expect("its state");
        assert!(ended.is_none(), "the proxy ended: {}", last_lines(&errors.text()));
        TcpStream::connect(at).ok()
    });
    let target = Target { command: vec![String::new()], address: at };
    Ok((target.plan(way), Some(child)))
}

/// A port that was free a moment ago: these proxies want a number.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address")
}

/// The program of a proxy.
fn program(client: Client) -> Command {
    let node = |script: &str| {
        let mut command = Command::new("node");
        command.arg(tool("npm").join("node_modules").join(script));
        command.env("HOME", tool("npm").join(".home"));
        command
    };
    match client {
        Client::McpRemote => node("mcp-remote/dist/proxy.js"),
        Client::Supergateway => node("supergateway/dist/index.js"),
        _ => {
            let mut command = Command::new(tool("python-1/bin/python"));
            command.args(["-m", "mcp_proxy"]);
            command
        }
    }
}

/// A script of tests/interop, in one of its roles.
#[derive(Debug, Clone, Copy)]
enum Script {
    Python1,
    Python2,
    FastMcp,
    TypeScript1,
    TypeScript2,
    Inspector,
}

/// Proxies are driven by a client that speaks both eras, or WebSocket if that is what the proxy makes of stdio.
fn script_of(client: Client, way: Way) -> Script {
    match client {
        Client::Python1 => Script::Python1,
        Client::Python2 => Script::Python2,
        Client::FastMcp => Script::FastMcp,
        Client::Inspector => Script::Inspector,
        Client::Supergateway if way == Way::Stdio => Script::TypeScript1,
        Client::TypeScript1 => Script::TypeScript1,
        Client::TypeScript2 | Client::McpRemote | Client::McpProxy | Client::Supergateway => Script::TypeScript2,
    }
}

impl Script {
    const fn name(self) -> &'static str {
        match self {
            Self::Python1 => "python-1",
            Self::Python2 => "python-2",
            Self::FastMcp => "fastmcp",
            Self::TypeScript1 => "typescript-1",
            Self::TypeScript2 => "typescript-2",
            Self::Inspector => "inspector",
        }
    }

    fn command(self, plan: &Value) -> Command {
        let scripts = root().join("tests/interop");
        let python = |version: u8| {
            let mut command = Command::new(tool(&format!("python-{version}/bin/python")));
            command.arg(scripts.join(format!("python_{version}.py"))).arg(plan.to_string()).stdin(Stdio::null());
            command
        };
        let node = |script: &str| {
            let script = std::fs::File::open(scripts.join(script)).expect("the client's script");
            let folder = tool("npm");
            let mut command = Command::new("node");
            command.args(["--input-type=module", "-"]).stdin(script).env("PLAN", plan.to_string());
            // The inspector writes to its home; it must not be the developer's.
            command.env("HOME", folder.join(".home")).current_dir(folder);
            command
        };
        match self {
            Self::Python1 => python(1),
            Self::Python2 | Self::FastMcp => python(2),
            Self::TypeScript1 | Self::TypeScript2 => node("typescript.mjs"),
            Self::Inspector => node("inspector.mjs"),
        }
    }
}

/// Runs a script and gives the line that it ends with.
fn last_line(mut command: Command) -> Result<String, String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("the client could not start: {error}"))?;
    let output = Output::of(child.stdout.take().ok_or("no output")?);
    let errors = Output::of(child.stderr.take().ok_or("no errors")?);
    let status = wait_longer(PATIENCE, "a client's end", || child.try_wait().expect("its state"));
    if !status.success() {
        return Err(format!("the client ended with {status}: {}", last_lines(&errors.text())));
    }
    // The reader may be a moment behind the end of the process.
    Ok(wait_for("the client's report", || output.text().lines().last().map(str::to_owned)))
}

/// Something that ./test installed.
fn tool(path: &str) -> PathBuf {
    let path = root().join(".tools").join(path);
    assert!(path.exists(), "{} is missing; run ./test, it installs the clients", path.display());
    path
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(6)..].join(" / ")
}
