//! The MCP model types that Portwright uses, from the official SDK.
//!
//! Everything of the protocol goes through this list, so that a change of the SDK shows in one place. Shapes and their
//! meaning are those of the MCP specification, revisions 2024-11-05 to 2026-07-28.

pub use rmcp::model::{
    Annotations, ArgumentInfo, CacheScope, CallToolRequestParams, CallToolResult, CancelledNotificationParam,
    ClientCapabilities, CompleteRequestParams, CompleteResult, CompletionContext, CompletionInfo, ContentBlock, Cursor,
    DiscoverResult, ElicitResult, ElicitationAction, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResult,
    Icon, Implementation, InitializeRequestParams, InitializeResult, InputResponses, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject, NumberOrString,
    PaginatedRequestParams, ProgressNotificationParam, ProgressToken, Prompt, PromptArgument, PromptMessage,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResult, Reference, RequestId, RequestMetaObject, Resource,
    ResourceContents, ResourceTemplate, ResultType, Role, ServerCapabilities, SubscriptionFilter, Tool,
    ToolAnnotations,
};
