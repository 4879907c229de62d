//! The container: built and run where there is an engine; elsewhere its last stage is laid out in a folder and run there,
//! as its user, with nothing else at hand.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::succeeded;
use crate::harness::files::root;
use crate::harness::wire::exchange;
use crate::harness::{skip, wait_for};

const FILE: &str = "packaging/container/Dockerfile";

/// Every instruction, with its lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(FILE)).expect("a Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let split = lines.map(|line| line.trim().split_once(' ').unwrap_or((line, "")));
    split.map(|(word, rest)| (word.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

#[test]
fn its_last_stage_has_no_root_no_shell_and_a_health_check() {
    let all = instructions();
    let last = all.iter().rposition(|(word, _)| word == "FROM").expect("a stage");
    let stage = &all[last..];
    let of =
        |word: &str| stage.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.as_str()).collect::<Vec<_>>();
    assert_eq!(of("USER"), ["65532:65532"]);
    assert!(of("RUN").is_empty(), "there is no shell to run anything");
    assert_eq!(of("ENTRYPOINT"), ["[\"/usr/bin/portwright\"]"]);
    let check = of("HEALTHCHECK").concat();
    let command = check.split_once("CMD ").expect("a command").1;
    let words: Vec<String> = serde_json::from_str(command).expect("the form without a shell");
    let help =
        Command::new(env!("CARGO_BIN_EXE_portwright")).args(&words[1..]).arg("--help").output().expect("it runs");
    assert!(help.status.success(), "{words:?}");
    // What is copied from the sources is there.
    for (word, rest) in &all[..last] {
        if word == "RUN" {
            for path in rest.split_whitespace().filter(|word| word.starts_with("packaging/")) {
                assert!(root().join(path).is_file(), "{path}");
            }
        }
    }
}

/// The server in a container, or in what is like one.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_runs_as_nobody_on_a_root_that_can_not_be_written() {
    let engine = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if engine.is_ok_and(|status| status.success()) {
        return build_and_run();
    }
    eprintln!(
        "no container engine is running: the last stage is laid out in a folder instead, and the first is not run"
    );
    let is_top = succeeded(Command::new("id").arg("-u")).trim() == "0";
    if !is_top || !cfg!(target_os = "linux") {
        return skip("a root folder of one's own takes the rights of root");
    }
    in_a_folder();
}

fn build_and_run() {
    let tag = "portwright-test";
    succeeded(Command::new("docker").args(["build", "-q", "-f", FILE, "-t", tag, "."]).current_dir(root()));
    let name = format!("portwright-test-{}", std::process::id());
    let run = ["run", "-d", "--rm", "--read-only", "--name", &name, "--tmpfs", "/var/lib/portwright:uid=65532", tag];
    succeeded(Command::new("docker").args(run));
    let healthy = wait_for("a healthy container", || {
        let asked = ["exec", &name, "/usr/bin/portwright", "health", "--json"];
        Command::new("docker").args(asked).output().ok().filter(|told| told.status.success())
    });
    assert!(String::from_utf8_lossy(&healthy.stdout).contains("\"ok\""));
    succeeded(Command::new("docker").args(["stop", "--time", "40", &name]));
}

/// The C library and its loader, which the base image brings.
fn libraries() -> Vec<PathBuf> {
    let told = succeeded(Command::new("ldd").arg(env!("CARGO_BIN_EXE_portwright")));
    let paths = told.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

fn in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path();
    let put = |from: &Path, to: &str| {
        let to = top.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    put(Path::new(env!("CARGO_BIN_EXE_portwright")), "/usr/bin/portwright");
    for library in libraries() {
        put(&library, &library.display().to_string());
    }
    // The base image brings them.
    put(Path::new("/etc/ssl/certs/ca-certificates.crt"), "/etc/ssl/certs/ca-certificates.crt");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let configuration =
        fs::read_to_string(root().join("packaging/container/portwright.toml")).expect("a configuration");
    assert!(configuration.contains("0.0.0.0:8722"));
    fs::create_dir_all(top.join("etc/portwright")).expect("made");
    let here = configuration.replace("0.0.0.0:8722", &free.to_string());
    fs::write(top.join("etc/portwright/portwright.toml"), here).expect("written");
    fs::create_dir_all(top.join("var/lib/portwright")).expect("made");
    succeeded(Command::new("chown").arg("65532:65532").arg(top.join("var/lib/portwright")));
    succeeded(Command::new("chmod").arg("755").arg(top));
    let inside = |words: &[&str]| {
        let mut command = Command::new("chroot");
        command
            .args(["--userspec=65532:65532"])
            .arg(top)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    };
    let mut serve = inside(&["/usr/bin/portwright", "serve", "-c", "/etc/portwright/portwright.toml"]);
    let child = serve.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut running = Running { child, address: free };
    let health = format!("http://{free}");
    wait_for("a healthy server", || {
        if let Ok(Some(status)) = running.child.try_wait() {
            let mut words = String::new();
            let _ = running.child.stderr.take().map(|mut errors| errors.read_to_string(&mut words));
            panic!("it ended with {status}: {words}");
        }
        inside(&["/usr/bin/portwright", "health", "--url", &health]).output().ok().filter(|told| told.status.success())
    });
    // Until there are keys, nobody may call.
    let head = format!("POST /mcp HTTP/1.1\r\nHost: {free}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    assert_eq!(exchange(running.address, &head).status, 401);
    // The audit is where its user may write, and it wrote nowhere else.
    assert!(top.join("var/lib/portwright/audit.jsonl").is_file());
    succeeded(Command::new("kill").arg("-TERM").arg(running.child.id().to_string()));
    let status = running.child.wait().expect("it ends");
    assert!(status.success(), "{status}");
}
