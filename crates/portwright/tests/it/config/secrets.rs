//! What references stand for, and literal secrets, show up nowhere.

use super::{CANARY, parse, said};

fn assert_silent(text: &str) {
    for secret in [CANARY, "s3cr3t", "hunter2"] {
        assert!(!text.contains(secret), "a secret shows up:\n{text}");
    }
}

#[test]
fn a_problem_with_a_resolved_value_does_not_show_it() {
    let text = "[listen]\ndrain = \"${env:TIMEOUT}\"\nhttp = \"${env:DATABASE_URL}\"\npublic_url = \"${env:DATABASE_URL}\"\n\
                allowed_origins = [\"${env:DATABASE_URL}\"]\nanonymous = \"${env:TIMEOUT}\"\n\
                [sources.shop]\nkind = \"sqlite\"\nnonsense = \"${env:DATABASE_URL}\"\npath = \"${env:DATABASE_URL}\"\n";
    let problems = parse(text).unwrap_err();
    assert_silent(&problems.to_string());
    assert_silent(&problems.to_json().to_string());
    assert_silent(&format!("{problems:?}"));
    insta::assert_snapshot!(problems.to_string());
}

#[test]
fn an_excerpt_stars_out_literal_secrets() {
    let shown = said(
        "[sources.shop]\nkind = \"postgres\"\nurl = \"postgres://ada:hunter2@db/shop\"   \nurl = 3\n\
         [sources.other]\npasword = \"hunter2\"\nkind = \"postgres\"\nurll = \"postgres://ada:hunter2@db/shop\"\n",
    );
    assert_silent(&shown);
    let shown =
        said("[sources.shop]\nkind = \"postgres\"\nurll = \"postgres://ada:hunter2@db/shop\"\npasword = \"hunter2\"\n");
    assert_silent(&shown);
    let shown = said("[server]\ntoken = \"hunter2\nname = 3");
    assert_silent(&shown);
}

#[test]
fn the_plan_does_not_print_what_it_holds() {
    let text = "[sources.shop]\nkind = \"sqlite\"\npath = \"${env:DATABASE_URL}\"\n\
                [sources.main]\nkind = \"postgres\"\nurl = \"${env:DATABASE_URL}\"\n\
                [resources.\"notes://a\"]\ntext = \"${env:DATABASE_URL}\"\n\
                [resources.\"notes://b\"]\ntext = \"hunter2\"\n";
    let loaded = parse(text).unwrap();
    assert_eq!(loaded.plan.sources.len(), 3);
    assert_silent(&format!("{loaded:?}"));
}

#[test]
fn a_kind_that_can_t_read_a_secret_does_not_quote_it() {
    for url in ["${env:TIMEOUT}", "postgres://u:${env:TIMEOUT}@[bad/db", "${env:DATABASE_URL}?${env:TIMEOUT}=1"] {
        let text = format!("[sources.main]\nkind = \"postgres\"\nurl = \"{url}\"\n");
        let problems = parse(&text).unwrap_err();
        assert_silent(&format!("{problems} {} {problems:?}", problems.to_json()));
    }
}
