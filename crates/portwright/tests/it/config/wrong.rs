//! Each kind of mistake, and what is said of it.

use insta::assert_snapshot;

use super::{parse, said};

#[test]
fn a_rotation_that_can_not_be_meant() {
    let all = said("[audit]\nfile = \"a\"\nrotate = { size = \"1KiB\", every = \"0s\" }\nkeep_files = 0\n");
    for words in ["must be at least 64KiB", "must be longer than 0s", "must be at least 1\n"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let never = said("[audit]\nfile = \"a\"\nkeep = \"90d\"\n");
    assert!(never.contains("without `rotate` there are never any old files"), "{never}");
}

#[test]
fn syntax() {
    assert_snapshot!(said("[server]\nname = acme\n[listen]\ndrain = 10s\nkey: value\n"));
}

#[test]
fn a_string_without_end() {
    assert_snapshot!(said("[server]\nname = \"acme\n"));
}

#[test]
fn a_key_twice() {
    assert_snapshot!(said("[server]\nname = \"a\"\nname = \"b\"\n[server]\n"));
}

#[test]
fn wrong_keys() {
    assert_snapshot!(said("[server]\nnmae = \"a\"\ncolour = \"red\"\n[listn]\nhttp = \"x\"\n"));
}

#[test]
fn kinds_of_later_versions() {
    let said = said("[sources.x]\nkind = \"mail\"\n");
    assert!(said.contains("the kind `mail` is not in this version"), "{said}");
}

#[test]
fn certificates_that_can_not_be_meant() {
    let all = said(
        "[listen]\ntls = { cert = \"c\", key = \"k\", client_certs = \"optional\" }\nfailures_per_address = \"0/s\"\n\
         [auth.certificates]\nroles = { \"CN=[a\" = \"reader\" }\n",
    );
    for words in ["nothing says whose certificates count", "would let nothing through", "this is not a pattern"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let without = said("[auth.certificates]\nroles = { \"*\" = \"reader\" }\n");
    assert!(without.contains("the listener speaks no TLS"), "{without}");
}

#[test]
fn wrong_types() {
    assert_snapshot!(said(
        "[server]\nname = 3\ntitle = [\"a\"]\n[listen]\nallowed_origins = \"https://a.example\"\ndrain = 5\n\
         [audit]\nfile = \"a\"\nrequired = \"true\"\n[limits]\ncall_timeout = { s = 1 }\n"
    ));
}

#[test]
fn wrong_words_and_durations() {
    assert_snapshot!(said(
        "[listen]\nanonymous = \"anywere\"\ndrain = \"5 sec\"\n[limits]\ncall_timeout = \"0s\"\n\
         [audit]\nfile = \"a\"\narguments = \"all\"\n"
    ));
}

#[test]
fn values_that_no_key_takes() {
    assert_snapshot!(said("[server]\nname = 2026-11-01\ntitle = nan\ninstructions = 99999999999999999999\n"));
}

#[test]
fn durations_that_overflow() {
    assert_snapshot!(said("[listen]\nhttp = \"0.0.0.0:1\"\n[limits]\ncall_timeout = \"99999999999999999d\"\n"));
}

#[test]
fn tasks_that_are_forgotten_before_they_end() {
    assert_snapshot!(said("[limits]\ntask_ttl = \"30m\"\n"));
    assert_snapshot!(said("[limits]\ntask_timeout = \"1h\"\n"));
}

#[test]
fn pictures_that_no_client_may_load() {
    assert_snapshot!(said(
        "[server]\nwebsite_url = \"acme.example\"\nicons = [{ src = \"http://acme.example/i.png\" }]\n\
         [sources.shop]\nkind = \"sqlite\"\npath = \"shop.db\"\n\
         [tools.find]\nsource = \"shop\"\nsql = \"SELECT 1\"\n\
         icons = [{ src = \"https://acme.example/i.png\", sizes = [\"large\"] }]\n"
    ));
}

#[test]
fn roles_that_mean_nothing() {
    assert_snapshot!(said(
        "[roles.analyst]\nallow = [\"query_*\", \"tools:[a\"]\ndeny = [\"prompts:\"]\nwhen = \"args.limit <=\"\n\
         [roles.empty]\n[roles.\"a b\"]\nallow = [\"tools:*\"]\nwhen = \"user.id == 'x'\"\n"
    ));
}

#[test]
fn issuers_that_nobody_should_believe() {
    assert_snapshot!(said(
        "[auth.oauth]\nissuer = \"http://login.acme.example\"\naudience = \"https://mcp.acme.example/mcp\"\n\
         jwks_url = \"keys\"\nscopes = { \"a b\" = \"x\" }\nrequired_scopes = [\"\"]\nclock_skew = \"1h\"\nalgorithms = []\n"
    ));
    assert_snapshot!(said(
        "[auth.oauth]\nissuer = \"https://login.acme.example\"\nalgorithms = [\"HS256\", \"none\"]\n"
    ));
}

#[test]
fn missing_keys() {
    assert_snapshot!(said("[audit]\nrequired = true\n[sources.shop]\n[tools.find]\nsql = \"SELECT 1\"\n"));
}

#[test]
fn names() {
    assert_snapshot!(said(
        "[sources.\"a.b\"]\nkind = \"sqlite\"\npath = \"x\"\n[sources.declared]\nkind = \"sqlite\"\npath = \"x\"\n\
         [tools.\"find it\"]\nsource = \"a.b\"\nsql = \"SELECT 1\"\n[resources.notes]\ntext = \"x\"\n"
    ));
}

#[test]
fn unknown_sources_and_kinds() {
    assert_snapshot!(said(
        "[sources.shop]\nkind = \"sqlit\"\n[sources.other]\nkind = \"oracle\"\n[tools.find]\nsource = \"shp\"\n\
         [tools.search]\nsource = \"nowhere\"\n"
    ));
}

#[test]
fn sections_that_are_no_tables() {
    assert_snapshot!(said("sources = 3\ntools = { find = 1 }\n"));
}

#[test]
fn addresses() {
    assert_snapshot!(said(
        "[listen]\nhttp = \"127.0.0.1\"\npublic_url = \"mcp.example.com\"\n\
         allowed_origins = [\"https://a.example/path\", \"*\"]\n"
    ));
}

#[test]
fn a_listener_that_is_open_to_all() {
    assert_snapshot!(said("[listen]\nhttp = \"0.0.0.0:8722\"\n"));
    assert_snapshot!(said("[listen]\nhttp = \"[::]:8722\"\nanonymous = \"never\"\n"));
    let plan = parse("[listen]\nhttp = \"0.0.0.0:8722\"\nanonymous = \"anywhere\"\n").unwrap().plan;
    assert_eq!(plan.listen.to_string(), "0.0.0.0:8722");
}

#[test]
fn references() {
    insta::with_settings!({ filters => vec![(r"there is no file .*/secrets", "there is no file …/secrets")] }, {
        assert_snapshot!(said(
            "[server]\nname = \"${env:NOWHERE}\"\ntitle = \"a ${env:DATABASE_URI} b ${file:secrets/title}\"\n\
             instructions = \"${EMPTY} ${env:EMPTY} ${vault:x} ${open\"\n"
        ));
    });
}

#[test]
fn several_come_in_the_order_of_the_file() {
    let problems = parse("[zoo]\na = 1\n[server]\nname = 1\n[listen]\nhttp = \"x\"\n[audit]\nfile = 1\n").unwrap_err();
    let json = problems.to_json();
    let lines: Vec<_> = json.as_array().unwrap().iter().map(|problem| problem["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 4, 6, 8]);
    assert_eq!(json[1]["column"], 8);
    assert_eq!(json[1]["rule"], "wrong-type");
    assert_eq!(json[1]["place"], "/server/name");
}

#[test]
fn sources_and_tools() {
    assert_snapshot!(said(
        "[sources.shop]\nkind = \"sqlite\"\npth = \"shop.db\"\nmax_rows = 0\npool = { max = \"8\" }\n\
         access = \"readonly\"\ntimeout = \"10\"\nmax_bytes = \"10 MX\"\n\
         [tools.find]\nsource = \"shop\"\ndescription = \"Finds.\"\nsql = \"SELECT :trm, :id\"\n\
         [tools.find.params]\nterm = { type = \"string\", description = \"Part of a name\" }\n\
         id = { type = \"strng\" }\n"
    ));
}

#[test]
fn placeholders_and_params() {
    assert_snapshot!(said(
        "[sources.shop]\nkind = \"sqlite\"\nnonsense = 1\n\
         [tools.find]\nsource = \"shop\"\ndescription = \"Finds.\"\nsql = \"SELECT :trm, :id\"\n\
         [tools.find.params]\nterm = { type = \"string\", description = \"Part of a name\" }\n\
         id = { type = \"integer\", default = \"x\" }\n[tools.empty]\nsource = \"shop\"\n"
    ));
}

#[test]
fn resources_and_prompts() {
    assert_snapshot!(said(
        "[resources.\"notes://a\"]\ntext = \"x\"\nfile = \"y\"\n[resources.\"notes://b\"]\ntxt = \"x\"\n\
         [prompts.sum]\ntemplate = \"{{ custmer }}\"\n[prompts.sum.arguments]\ncustomer = { requird = true }\n\
         [prompts.talk]\nmessages = [{ role = \"usr\", text = \"x\" }, 5]\n[prompts.broken]\ntemplate = \"{% if %}\"\n"
    ));
}

#[test]
fn patterns_and_origins_of_parameters() {
    assert_snapshot!(said(
        "[sources.shop]\nkind = \"sqlite\"\npath = \"shop.db\"\n[tools.find]\nsource = \"shop\"\ndescription = \"x\"\n\
         sql = \"SELECT :open, :ahead, :who\"\n[tools.find.params]\n\
         open = { type = \"string\", pattern = \"(\" }\nahead = { type = \"array\", items = { type = \"string\", pattern = \"(?=a)a\" } }\n\
         who = { from = \"principle\", claim = \"sub\" }\n"
    ));
}

#[test]
fn statements_that_postgresql_would_never_run() {
    assert_snapshot!(said(
        "[sources.shop]\nkind = \"postgres\"\nurl = \"postgres://ada@db.example/shop\"\nmax_rows = 0\n\
         [tools.clear]\nsource = \"shop\"\ndescription = \"x\"\nsql = \"\"\"\nSELECT 1;\nDELETE FROM customers\n\"\"\"\n\
         [resources.\"db://shop/today\"]\nsource = \"shop\"\nsql = \"SELEC 1\"\n"
    ));
}
