use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portwright_core::protocol::{
    ArgumentInfo, CallToolRequestParams, CallToolResult, CompleteRequestParams, CompleteResult, CompletionInfo,
    ContentBlock, ElicitResult, GetPromptRequestParams, GetPromptResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, Prompt, PromptMessage, ReadResourceRequestParams, ReadResourceResult, Reference,
    Resource, ResourceContents, ResourceTemplate, Role, ServerCapabilities, Tool, ToolAnnotations,
};
use portwright_core::testing::{Contract, Recorder, Said, context};
use portwright_core::{
    Answer, Auth, Context, Downstream, Health, InputRequired, LogLevel, Principal, Question, QuestionKind, Refusal,
    RefusalKind, Source, SourceConfig, TraceContext, async_trait, limits,
};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolResponse, ElicitRequestParams, ElicitationAction, ElicitationSchema, ErrorData, GetPromptResponse,
    ReadResourceResponse, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::mount;

/// A server of the SDK with something of everything, and every kind of trouble.
#[derive(Clone, Default)]
struct Legacy {
    stopped: Arc<AtomicUsize>,
    extra: Arc<AtomicUsize>,
}

fn tool(name: &str) -> Tool {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string", "description": "What to say"}}});
    let hints = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
    Tool::new(name.to_owned(), "A tool for tests.", serde_json::from_value::<JsonObject>(schema).unwrap())
        .with_annotations(hints)
}

fn said(text: impl Into<String>) -> CallToolResponse {
    CallToolResponse::Complete(CallToolResult::success(vec![ContentBlock::text(text)]))
}

impl ServerHandler for Legacy {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        ServerConfig::new(can)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if page.and_then(|page| page.cursor).is_none() {
            let mut first = ListToolsResult::with_all_items(vec![tool("echo"), tool("who")]);
            first.next_cursor = Some("2".to_owned());
            return Ok(first);
        }
        let mut names = vec!["trace", "panic", "wait", "hang", "steps", "ask", "fail", "broken", "grow"];
        names.extend(std::iter::repeat_n("grown", self.extra.load(Ordering::Relaxed)));
        Ok(ListToolsResult::with_all_items(names.into_iter().map(tool).collect()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match &*call.name {
            "echo" => Ok(said(call.arguments.unwrap_or_default()["text"].as_str().unwrap_or_default())),
            "who" => {
                let principal = cx.extensions.get::<Arc<Principal>>();
                Ok(said(principal.map_or("nobody".to_owned(), |principal| principal.id.to_string())))
            }
            "trace" => Ok(said(format!("{:?} {:?}", cx.meta.get_traceparent(), cx.meta.get_tracestate()))),
            "panic" => panic!("hidden"),
            "wait" => {
                cx.ct.cancelled().await;
                self.stopped.fetch_add(1, Ordering::Relaxed);
                Ok(said("stopped"))
            }
            "hang" => std::future::pending().await,
            "steps" => {
                let token = cx.meta.get_progress_token().ok_or(ErrorData::invalid_params("no token", None))?;
                for step in 1..=50 {
                    let told = ProgressNotificationParam::new(token.clone(), f64::from(step)).with_total(50.0);
                    cx.peer.notify_progress(told).await.map_err(|_| ErrorData::internal_error("lost", None))?;
                }
                Ok(said("done"))
            }
            "ask" => {
                let schema = ElicitationSchema::builder().required_string("name").build();
                let schema = schema.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                let question = ElicitRequestParams::FormElicitationParams {
                    meta: None,
                    message: "Who?".to_owned(),
                    requested_schema: schema,
                };
                let answer = cx.peer.create_elicitation(question).await;
                let answer = answer.map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
                Ok(said(format!("{:?}", answer.action)))
            }
            "fail" => Err(ErrorData::invalid_params("`text` is too short; say more", None)),
            "broken" => Err(ErrorData::internal_error("password=hunter2", None)),
            "grow" => {
                self.extra.store(1, Ordering::Relaxed);
                let _ = cx.peer.notify_tool_list_changed().await;
                Ok(said("grown"))
            }
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![
            Resource::new("legacy://note", "note").with_mime_type("text/plain"),
        ]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![ResourceTemplate::new("legacy://items/{id}", "item")]))
    }

    async fn read_resource(
        &self,
        asked: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if asked.uri != "legacy://note" {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        let text = ResourceContents::TextResourceContents {
            uri: asked.uri,
            mime_type: Some("text/plain".to_owned()),
            text: "a note".to_owned(),
            meta: None,
        };
        Ok(ReadResourceResponse::Complete(ReadResourceResult::new(vec![text])))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(vec![Prompt::new("greet", Some("Greets."), None)]))
    }

    async fn get_prompt(
        &self,
        _: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let message = PromptMessage::new_text(Role::User, "Hello.");
        Ok(GetPromptResponse::Complete(GetPromptResult::new(vec![message])))
    }

    async fn complete(
        &self,
        asked: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let values = vec![format!("{}!", asked.argument.value)];
        Ok(CompleteResult::new(CompletionInfo::with_all_values(values).unwrap()))
    }
}

async fn mounted(legacy: &Legacy) -> Arc<dyn Source> {
    mount(legacy.clone()).connect().await.expect("it starts")
}

fn text(text: &str) -> JsonObject {
    serde_json::from_value(json!({ "text": text })).unwrap()
}

fn first_text(result: &CallToolResult) -> String {
    serde_json::to_value(&result.content).unwrap()[0]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_mounted_server_learns_the_trace_as_a_child_of_the_call() {
    let source = mounted(&Legacy::default()).await;
    let mut cx = context();
    let told = source.call("trace", &JsonObject::new(), &cx).await.unwrap();
    assert_eq!(first_text(&told), "None None");
    let trace = TraceContext::read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("a=1")).unwrap();
    cx.trace = Some(trace.clone());
    let told = source.call("trace", &JsonObject::new(), &cx).await.unwrap();
    assert_eq!(first_text(&told), format!("Some({:?}) Some(\"a=1\")", trace.traceparent()));
}

#[tokio::test]
async fn a_mounted_server_keeps_the_contract() {
    let source = mounted(&Legacy::default()).await;
    let contract = Contract::of(source).works("echo", text("hi")).slow("wait", JsonObject::new());
    assert_eq!(contract.check().await, []);
}

#[tokio::test]
async fn what_it_offers_is_carried_over() {
    let (source, cx) = (mounted(&Legacy::default()).await, context());
    assert!(source.is_foreign(), "its words are not the operator's");
    assert_eq!(source.tools().len(), 11, "both pages");
    assert_eq!(first_text(&source.call("echo", &text("hi"), &cx).await.unwrap()), "hi");
    assert!(source.read("legacy://note", &cx).await.is_ok());
    assert_eq!(source.templates().len(), 1);
    assert_eq!(source.get_prompt("greet", &JsonObject::new(), &cx).await.unwrap().messages.len(), 1);
    let asked = ArgumentInfo::new("name", "Ad");
    let completed = source.complete(&Reference::for_prompt("greet"), &asked, None, &cx).await.unwrap();
    assert_eq!(completed.completion.values, ["Ad!"]);
    assert_eq!(source.health().await, Health::Ready);
}

#[tokio::test]
async fn it_learns_who_calls() {
    let (source, cx) = (mounted(&Legacy::default()).await, context());
    assert_eq!(first_text(&source.call("who", &JsonObject::new(), &cx).await.unwrap()), "nobody");
    let ada = Arc::new(Principal::new("ada", Auth::Key));
    cx.set_principal(ada.clone());
    assert_eq!(first_text(&source.call("who", &JsonObject::new(), &cx).await.unwrap()), &*ada.id);
}

#[tokio::test]
async fn errors_get_their_meaning() {
    let (source, cx) = (mounted(&Legacy::default()).await, context());
    let refusal = source.call("fail", &JsonObject::new(), &cx).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.public()), (RefusalKind::Invalid, "`text` is too short; say more"));
    let refusal = source.call("broken", &JsonObject::new(), &cx).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.public()), (RefusalKind::Internal, "internal error"), "for the log alone");
    for gone in
        [source.read("legacy://other", &cx).await.map(drop), source.call("other", &text(""), &cx).await.map(drop)]
    {
        assert_eq!(gone.unwrap_err().kind(), RefusalKind::NotFound);
    }
}

#[tokio::test]
async fn a_panic_hurts_one_call_alone() {
    let (source, cx) = (mounted(&Legacy::default()).await, context());
    let refusal = source.call("panic", &JsonObject::new(), &cx).await.unwrap_err();
    assert_eq!((refusal.kind(), cx.trail().flags), (RefusalKind::Internal, vec!["panicked".to_owned()]));
    assert!(source.call("echo", &text("still here"), &cx).await.is_ok());
}

#[tokio::test]
async fn a_call_that_is_called_off_stops_or_is_dropped() {
    let legacy = Legacy::default();
    let source = mounted(&legacy).await;
    for tool in ["wait", "hang"] {
        let cx = context();
        let cancel = cx.cancel.clone();
        let arguments = JsonObject::new();
        let call = source.call(tool, &arguments, &cx);
        let ((), called) = tokio::join!(async { cancel.cancel() }, call);
        assert_eq!(called.unwrap_err().kind(), RefusalKind::Cancelled, "{tool}");
    }
    let stopped = async {
        while legacy.stopped.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(limits::CALL_WAIT, stopped).await.expect("the handler was told");
    assert!(source.call("echo", &text("still here"), &context()).await.is_ok());
}

#[tokio::test]
async fn progress_arrives_whole_and_before_the_answer() {
    let source = mounted(&Legacy::default()).await;
    let recorder = Arc::new(Recorder::default());
    let mut cx = context();
    cx.downstream = recorder.clone();
    source.call("steps", &JsonObject::new(), &cx).await.unwrap();
    let told = recorder.said();
    assert_eq!(told.len(), 50);
    assert!(matches!(told[49], Said::Progress { progress: 50.0, total: Some(50.0), .. }), "{:?}", told[49]);
}

#[tokio::test]
async fn a_question_reaches_the_person_behind_the_call() {
    let source = mounted(&Legacy::default()).await;
    let recorder = Arc::new(Recorder::answering(Answer::Elicited(ElicitResult::new(ElicitationAction::Decline))));
    let mut cx = context();
    cx.downstream = recorder.clone();
    let answer = source.call("ask", &JsonObject::new(), &cx).await.unwrap();
    assert_eq!(first_text(&answer), "Decline");
    assert!(matches!(&recorder.said()[..], [Said::Asked { .. }]));
    let refusal = source.call("ask", &JsonObject::new(), &context()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Invalid, "a client that can't be asked");
}

/// A client whose answers come with the next try.
#[derive(Debug)]
struct Stateless;

#[async_trait]
impl Downstream for Stateless {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<&str>) {}

    fn log(&self, _: LogLevel, _: &str, _: Value) {}

    fn answers(&self, _: QuestionKind) -> bool {
        true
    }

    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        let requests = questions.into_iter().map(|(key, question)| (key, json!(question.params()))).collect();
        Err(Refusal::input_required(InputRequired { requests, state: "sealed".to_owned() }))
    }

    fn remember(&self, _: &str, _: Value) {}

    fn recall(&self, _: &str) -> Option<Value> {
        None
    }
}

#[tokio::test]
async fn a_question_that_ends_the_call_is_passed_on() {
    let source = mounted(&Legacy::default()).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut cx = context();
        cx.downstream = Arc::new(Stateless);
        let refusal = source.call("ask", &JsonObject::new(), &cx).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::InputRequired, "{refusal}");
        let (key, params) = refusal.input().and_then(|input| input.requests.iter().next()).expect("a question");
        assert_eq!(params["message"], "Who?");
        assert!(params.get("mode").is_none());
        keys.push(key.clone());
    }
    assert_eq!(keys[0], keys[1], "the same question has the same key");
}

#[tokio::test]
async fn changed_lists_are_asked_for_again() {
    let source = mounted(&Legacy::default()).await;
    let mut changes = source.changes().unwrap();
    changes.mark_unchanged();
    source.call("grow", &JsonObject::new(), &context()).await.unwrap();
    tokio::time::timeout(limits::CALL_WAIT, changes.changed()).await.expect("in time").unwrap();
    let names: Vec<Value> = source.tools().iter().map(|tool| json!(tool.name)).collect();
    assert!(names.contains(&json!("grown")), "{names:?}");
}

#[tokio::test]
async fn many_calls_run_at_once() {
    let source = mounted(&Legacy::default()).await;
    let calls = (0..200).map(|number| {
        let source = source.clone();
        async move {
            let cx: Context = context();
            let word = number.to_string();
            assert_eq!(first_text(&source.call("echo", &text(&word), &cx).await.unwrap()), word);
        }
    });
    futures::future::join_all(calls).await;
}
