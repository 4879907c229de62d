//! A right configuration means what it says.

use std::time::Duration;

use portwright_server::plan::{Anonymous, Transports};

use super::parse;

#[test]
fn nothing_written_means_the_defaults() {
    let plan = parse("").unwrap().plan;
    assert_eq!(plan.server.name, "portwright");
    assert_eq!(plan.listen.to_string(), "127.0.0.1:8722");
    assert_eq!(plan.server.listen.anonymous, Anonymous::Loopback);
    assert_eq!(plan.server.listen.transports, Transports { http: true, sse: true, websocket: true });
    assert_eq!(plan.server.call_timeout, portwright_core::limits::CALL_WAIT);
    assert!(plan.server.audit.is_none() && plan.sources.is_empty());
}

#[test]
fn pictures_and_a_page_reach_the_plan() {
    let text = "[server]\nwebsite_url = \"https://acme.example/data\"\n\
                [[server.icons]]\nsrc = \"https://acme.example/i.png\"\nsizes = [\"48x48\"]\ntheme = \"dark\"\n";
    let server = parse(text).unwrap().plan.server;
    assert_eq!(server.website_url.as_deref(), Some("https://acme.example/data"));
    let icons = serde_json::to_value(&server.icons).unwrap();
    assert_eq!(icons, serde_json::json!([{"src": "https://acme.example/i.png", "sizes": ["48x48"], "theme": "dark"}]));
}

#[test]
fn every_section_reaches_the_plan() {
    let text = "[server]\nname = \"acme\"\ntitle = \"Acme\"\ninstructions = \"For ${env:DATABASE_URL}, $${x}.\"\n\
                [listen]\nhttp = \"localhost:9\"\npublic_url = \"https://mcp.acme.example\"\n\
                allowed_origins = [\"https://chat.acme.example\"]\nanonymous = \"never\"\ndrain = \"2s\"\n\
                transports = [\"http\", \"websocket\"]\n[limits]\ncall_timeout = \"250ms\"\nask_timeout = \"1m\"\n\
                task_timeout = \"2m\"\ntask_ttl = \"3m\"\n\
                [audit]\nfile = \"log/audit.jsonl\"\narguments = \"values\"\nrequired = false\ndurability = \"disk\"\n\
                rotate = { size = \"100MiB\", every = \"1d\" }\nkeep = \"90d\"\nkeep_files = 9\n\
                [auth.keys]\nfile = \"keys.toml\"\n";
    let plan = parse(text).unwrap().plan;
    let server = &plan.server;
    assert_eq!((server.name.as_str(), server.title.as_deref()), ("acme", Some("Acme")));
    assert_eq!(server.instructions.as_deref(), Some(&*format!("For {}, ${{x}}.", super::CANARY)));
    assert_eq!(plan.listen.to_string(), "127.0.0.1:9");
    assert_eq!(server.listen.public_url.as_deref(), Some("https://mcp.acme.example"));
    assert_eq!(server.listen.allowed_origins, ["https://chat.acme.example"]);
    assert_eq!(server.listen.anonymous, Anonymous::Never);
    assert_eq!(server.listen.transports, Transports { http: true, sse: false, websocket: true });
    assert_eq!((server.listen.drain, server.call_timeout), (Duration::from_secs(2), Duration::from_millis(250)));
    assert_eq!(server.ask_timeout, Duration::from_mins(1));
    assert_eq!((server.tasks.timeout, server.tasks.ttl), (Duration::from_mins(2), Duration::from_mins(3)));
    let audit = server.audit.as_ref().unwrap();
    assert!(audit.file.is_absolute() && audit.file.ends_with("log/audit.jsonl"), "{}", audit.file.display());
    assert!(!audit.required);
    let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
    let rotation = audit.rotation;
    assert_eq!((rotation.size_bytes, rotation.every), (Some(100 << 20), days(1)));
    assert_eq!((rotation.keep, rotation.keep_files), (days(90), Some(9)));
    assert!(server.keys.as_ref().is_some_and(|file| file.is_absolute() && file.ends_with("keys.toml")));
}

/// With keys, whoever comes from elsewhere must show one.
#[test]
fn with_keys_a_listener_may_be_reached_from_elsewhere() {
    let elsewhere = "[listen]\nhttp = \"0.0.0.0:8722\"\n";
    assert!(parse(elsewhere).is_err());
    assert!(parse(&format!("{elsewhere}[auth.keys]\nfile = \"keys.toml\"\n")).is_ok());
}

/// What editors get must agree with what the reader takes.
#[test]
fn the_published_schema_takes_what_the_reader_takes() {
    let schema = portwright::config::schema::published(portwright::config::Kinds::default());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = "[sources.shop]\nkind = \"sqlite\"\npath = \"shop.db\"\ntimeout = \"5s\"\nmax_bytes = 4096\n\
                [tools.find]\nsource = \"shop\"\ndescription = \"Finds.\"\nsql = \"SELECT :id\"\n\
                [tools.find.params]\nid = { type = \"integer\", description = \"Which.\" }\n\
                [resources.\"notes://a\"]\ntext = \"Here.\"\n[resources.\"db://shop/a\"]\nsource = \"shop\"\n\
                sql = \"SELECT 1\"\n[prompts.greet]\ndescription = \"Greets.\"\ntemplate = \"Hello.\"\n\
                [listen]\nanonymous = \"never\"\ndrain = \"1s\"\n[audit]\nfile = \"audit.jsonl\"\n";
    let takes = |text: &str| {
        let value: serde_json::Value = toml::from_str(text).unwrap();
        (parse(text).is_ok(), validator.is_valid(&value))
    };
    assert_eq!(takes(good), (true, true), "{}", super::said(good));
    for (right, wrong) in [
        ("kind = \"sqlite\"", "kind = \"nothing\""),
        ("path =", "pth ="),
        ("\"5s\"", "\"5 sec\""),
        ("source = \"shop\"\ndesc", "desc"),
        ("\"never\"", "\"ever\""),
        ("file = \"audit", "fil = \"audit"),
        (
            "[tools.find]",
            "[tools.\"find it\"]\nsource = \"shop\"\ndescription = \"a\"\nsql = \"SELECT 1\"\n[tools.find]",
        ),
    ] {
        assert_eq!(takes(&good.replacen(right, wrong, 1)), (false, false), "{wrong}");
    }
}

#[test]
fn a_role_has_its_rules_and_its_limits() {
    let text = "[roles.agent]\nallow = [\"tools:*\"]\ndeny = [\"tools:hub.*\"]\nwhen = \"args.n < 5\"\n\
                limits = { calls = \"30/min\", concurrent = 2 }\n";
    let server = parse(text).unwrap().plan.server;
    let role = &server.policy.roles[0];
    let written = |patterns: &[portwright_server::guard::policy::Pattern]| patterns[0].as_str().to_owned();
    assert_eq!(
        (&*role.name, written(&role.allow), written(&role.deny)),
        ("agent", "tools:*".into(), "tools:hub.*".into())
    );
    assert_eq!(role.when.as_ref().unwrap().as_str(), "args.n < 5");
    let quota = server.limit.roles["agent"];
    assert_eq!((quota.calls.unwrap().amount, quota.concurrent), (30, Some(2)));
}

#[test]
fn an_issuer_reaches_the_plan_and_lets_a_listener_be_reached() {
    let text = "[listen]\nhttp = \"0.0.0.0:8722\"\nanonymous = \"never\"\n[auth.oauth]\n\
                issuer = \"https://login.acme.example\"\naudience = \"https://mcp.acme.example/mcp\"\n\
                roles_claim = \"realm.roles\"\nscopes = { \"shop:read\" = \"analyst\" }\nrequired_scopes = [\"mcp\"]\n\
                algorithms = [\"ES256\", \"EdDSA\"]\nclock_skew = \"30s\"\n";
    let oauth = parse(text).unwrap().plan.server.oauth.unwrap();
    assert_eq!((oauth.issuer.as_str(), oauth.principal_claim.as_str()), ("https://login.acme.example", "sub"));
    assert_eq!((oauth.algorithms.len(), oauth.skew), (2, Duration::from_secs(30)));
    assert_eq!((&*oauth.scopes["shop:read"], oauth.required_scopes[0].as_str()), ("analyst", "mcp"));
}
