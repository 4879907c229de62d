//! No text makes the reader panic, hang or forget its bounds.

use proptest::prelude::*;

use super::parse;

/// Tables as somebody might write them, with keys and values from everywhere.
fn toml_like() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("kind".to_owned()),
        Just("source".to_owned()),
        Just("http".to_owned()),
        Just("\"\u{1F980} x\"".to_owned()),
        "[a-z_.]{1,8}",
    ];
    let value = prop_oneof![
        Just("\"sqlite\"".to_owned()),
        Just("\"${env:DATABASE_URL}\"".to_owned()),
        Just("\"${\"".to_owned()),
        Just("\"$${a}\"".to_owned()),
        "-?[0-9]{1,25}",
        "\"\\PC{0,10}\"",
        "\\[[0-9,\" ]{0,6}\\]",
        Just("{ a = 1, b = [{}] }".to_owned()),
        Just("1979-05-27".to_owned()),
    ];
    let header = prop_oneof![
        Just("[sources.a]".to_owned()),
        Just("[tools.a]".to_owned()),
        Just("[resources.\"db://a/b\"]".to_owned()),
        Just("[prompts.a]".to_owned()),
        Just("[listen]".to_owned()),
        Just("[[tools]]".to_owned()),
        Just("[server]".to_owned()),
    ];
    let line = prop_oneof![(word, value).prop_map(|(key, value)| format!("{key} = {value}")), header];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_told(text in "\\PC{0,200}") {
        let _ = parse(&text).map_err(|problems| (problems.to_string(), problems.to_json()));
    }

    #[test]
    fn anything_like_toml_is_read_or_told(text in toml_like()) {
        if let Err(problems) = parse(&text) {
            prop_assert!(problems.errors() > 0);
            prop_assert!(!problems.to_string().contains("s3cr3t"));
            prop_assert!(!problems.to_json().to_string().contains("s3cr3t"));
        }
    }
}

#[test]
fn deep_nesting_is_told() {
    assert!(parse(&format!("a = {}", "[".repeat(100_000))).is_err());
    assert!(parse(&format!("a{} = 1", ".a".repeat(100_000))).is_err());
}

#[test]
fn thousands_of_problems_are_told_in_part() {
    let text = "x = 1\n".repeat(3000);
    let problems = parse(&text).unwrap_err();
    assert!(problems.to_string().len() < 20_000);
    assert_eq!(problems.errors(), 2999);
}
