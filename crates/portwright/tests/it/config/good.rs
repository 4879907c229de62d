//! A right configuration means what it says.

use std::time::Duration;

use portwright_server::plan::Anonymous;

use super::parse;

#[test]
fn nothing_written_means_the_defaults() {
    let plan = parse("").unwrap().plan;
    assert_eq!(plan.server.name, "portwright");
    assert_eq!(plan.listen.to_string(), "127.0.0.1:8722");
    assert_eq!(plan.server.listen.anonymous, Anonymous::Loopback);
    assert_eq!(plan.server.call_timeout, portwright_core::limits::CALL_WAIT);
    assert!(plan.server.audit.is_none() && plan.sources.is_empty());
}

#[test]
fn every_section_reaches_the_plan() {
    let text = "[server]\nname = \"acme\"\ntitle = \"Acme\"\ninstructions = \"For ${env:DATABASE_URL}, $${x}.\"\n\
                [listen]\nhttp = \"localhost:9\"\npublic_url = \"https://mcp.acme.example\"\n\
                allowed_origins = [\"https://chat.acme.example\"]\nanonymous = \"never\"\ndrain = \"2s\"\n\
                transports = [\"http\"]\n[limits]\ncall_timeout = \"250ms\"\n\
                [audit]\nfile = \"log/audit.jsonl\"\narguments = \"values\"\nrequired = false\ndurability = \"disk\"\n";
    let plan = parse(text).unwrap().plan;
    let server = &plan.server;
    assert_eq!((server.name.as_str(), server.title.as_deref()), ("acme", Some("Acme")));
    assert_eq!(server.instructions.as_deref(), Some(&*format!("For {}, ${{x}}.", super::CANARY)));
    assert_eq!(plan.listen.to_string(), "127.0.0.1:9");
    assert_eq!(server.listen.public_url.as_deref(), Some("https://mcp.acme.example"));
    assert_eq!(server.listen.allowed_origins, ["https://chat.acme.example"]);
    assert_eq!(server.listen.anonymous, Anonymous::Never);
    assert_eq!((server.listen.drain, server.call_timeout), (Duration::from_secs(2), Duration::from_millis(250)));
    let audit = server.audit.as_ref().unwrap();
    assert!(audit.file.is_absolute() && audit.file.ends_with("log/audit.jsonl"), "{}", audit.file.display());
    assert!(!audit.required);
}
