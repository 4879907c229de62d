//! Who declares what, and how much room results have.

use std::sync::Arc;

use portwright_core::{Auth, Principal, limits};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::store::Tasks;
use super::{Task, declared};
use crate::plan::TaskPlan;

#[test]
fn the_extension_is_declared_by_an_object_under_its_name() {
    let says = |json: &str| declared(Some(&RawValue::from_string(json.to_owned()).expect("JSON")));
    assert!(says(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#));
    assert!(says(r#"{"sampling":{},"extensions":{"a/b":1,"io.modelcontextprotocol\/tasks":{"later":1}}}"#));
    for not in [
        "{}",
        r#"{"tasks":{}}"#,
        r#"{"extensions":[]}"#,
        r#"{"extensions":{"io.modelcontextprotocol/tasks":null}}"#,
        r#"{"extensions":{"io.modelcontextprotocol/tasks":true}}"#,
        r#"{"extensions":{"io.modelcontextprotocol/task":{}}}"#,
    ] {
        assert!(!says(not), "{not}");
    }
    assert!(!declared(None));
}

fn begin(tasks: &Tasks, who: &str) -> Option<Arc<Task>> {
    tasks.begin(&Arc::new(Principal::new(who, Auth::Key)), CancellationToken::new()).ok()
}

#[test]
fn results_have_so_much_room_for_one_and_for_all() {
    const ROUND: usize = limits::TASK_RESULTS_OF_ONE_BYTES_MAX / limits::TASK_RESULT_BYTES_MAX;
    let tasks = Tasks::new(TaskPlan::default(), CancellationToken::new());
    let take = |who: &str| {
        let task = begin(&tasks, who).expect("room for a task");
        tasks.reserve(&task, limits::TASK_RESULT_BYTES_MAX)
    };
    let first = begin(&tasks, "ada").expect("room for a task");
    assert!(!tasks.reserve(&first, limits::TASK_RESULT_BYTES_MAX + 1), "too large by itself");
    assert!((0..ROUND).all(|_| take("ada")));
    assert!(!take("ada"), "her part is full");
    for other in 1..limits::TASK_RESULTS_BYTES_MAX / limits::TASK_RESULTS_OF_ONE_BYTES_MAX {
        assert!((0..ROUND).all(|_| take(&other.to_string())), "others have their own");
    }
    assert!(!take("the last"), "all is full");
}

#[test]
fn there_are_so_many_tasks_in_all() {
    let plan = TaskPlan { max: 3, ..TaskPlan::default() };
    let tasks = Tasks::new(plan, CancellationToken::new());
    let kept: Vec<_> = ["a", "b", "c"].into_iter().filter_map(|who| begin(&tasks, who)).collect();
    assert_eq!(kept.len(), 3);
    assert!(begin(&tasks, "d").is_none());
}
