//! What a client answers, and what it carries.

use portwright_core::protocol::ProtocolVersion;
use portwright_core::{Question, QuestionKind};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Abilities, Seal, check};

fn abilities(declared: &Value, version: &str) -> Abilities {
    let raw = RawValue::from_string(declared.to_string()).expect("JSON");
    let version: ProtocolVersion = serde_json::from_value(version.into()).expect("a version");
    Abilities::read(Some(&raw), &version)
}

fn kinds(abilities: Abilities) -> Vec<QuestionKind> {
    use QuestionKind::{Form, Roots, Sample, Url};
    [Form, Url, Sample, Roots].into_iter().filter(|kind| abilities.answers(*kind)).collect()
}

#[test]
fn abilities_are_those_that_the_revision_knows() {
    use QuestionKind::{Form, Roots, Sample, Url};
    let all = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}});
    for (declared, version, expected) in [
        (all.clone(), "2026-07-28", vec![Form, Url, Sample, Roots]),
        (all.clone(), "2025-11-25", vec![Form, Url, Sample, Roots]),
        (all.clone(), "2025-06-18", vec![Form, Sample, Roots]),
        (all.clone(), "2024-11-05", vec![Sample, Roots]),
        (json!({"elicitation": {}}), "2026-07-28", vec![Form]),
        (json!({"elicitation": {"url": {}}}), "2026-07-28", vec![Url]),
        (json!({"elicitation": true, "sampling": null, "roots": []}), "2026-07-28", vec![]),
        (json!([]), "2026-07-28", vec![]),
    ] {
        assert_eq!(kinds(abilities(&declared, version)), expected, "{declared} {version}");
    }
    let tools = json!({"messages": [], "maxTokens": 1, "tools": []});
    let question = Question::verbatim(QuestionKind::Sample, tools.as_object().cloned().expect("an object"));
    assert!(abilities(&all, "2026-07-28").check(&question).is_ok());
    let refusal = abilities(&json!({"sampling": {}}), "2026-07-28").check(&question).expect_err("no tools");
    assert_eq!(refusal.needs(), Some(&json!({"sampling": {"tools": {}}})));
}

#[test]
fn improper_questions_are_faults_of_the_source() {
    let question = |key: &str| (key.to_owned(), Question::roots());
    assert!(check(&[question("a"), question("b")]).is_ok());
    let large = ("a".to_owned(), Question::sample("x".repeat(portwright_core::limits::ASK_BYTES_MAX), 1));
    for wrong in [
        vec![],
        vec![question("")],
        vec![question("a"), question("a")],
        vec![question(&"k".repeat(portwright_core::limits::ASK_KEY_BYTES_MAX + 1))],
        (0..=portwright_core::limits::ASKS_OPEN_MAX).map(|number| question(&number.to_string())).collect(),
        vec![large],
    ] {
        assert!(check(&wrong).is_err());
    }
}

#[test]
fn only_the_key_that_sealed_opens() {
    let (one, other) = (Seal::new().expect("a key"), Seal::new().expect("a key"));
    let sealed = one.close(&[1; 32], b"kept");
    assert_eq!(one.open(&[1; 32], &sealed).as_deref(), Some(&b"kept"[..]));
    assert_eq!(one.open(&[2; 32], &sealed), None, "it is about something else");
    assert_eq!(other.open(&[1; 32], &sealed), None, "another process");
    assert!(!format!("{one:?}").contains("mac"), "the key is told to nobody");
}

proptest! {
    #[test]
    fn no_change_goes_unnoticed(bytes in proptest::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let seal = Seal::new().expect("a key");
        let sealed = seal.close(&[0; 32], &bytes);
        let mut changed: Vec<char> = sealed.chars().collect();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != with);
        changed[at] = with;
        prop_assert_eq!(seal.open(&[0; 32], &changed.into_iter().collect::<String>()), None);
    }

    #[test]
    fn no_text_opens(text in ".{0,200}") {
        prop_assert_eq!(Seal::new().expect("a key").open(&[0; 32], &text), None);
    }
}
