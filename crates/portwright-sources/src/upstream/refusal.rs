//! What the SDK's client reports → a refusal. The one place where errors of a server behind us get their meaning here.

use portwright_core::{Context, Refusal};
use rmcp::model::{ErrorCode, ErrorData};
use rmcp::service::ServiceError;

use super::mounted::PANICKED;

/// What was asked for, in the words of [`Refusal::not_found`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) what: &'static str,
    pub(super) name: &'a str,
}

/// An answer that is none of the kinds that were asked for.
#[derive(Debug, thiserror::Error)]
#[error("the server answered with something else than was asked for")]
pub(super) struct Unexpected;

pub(super) fn of(error: ServiceError, asked: Asked<'_>, cx: &Context) -> Refusal {
    match error {
        ServiceError::McpError(error) => of_data(error, asked, cx),
        ServiceError::TransportClosed | ServiceError::TransportSend(_) => {
            Refusal::unavailable("the server behind this tool has ended").because(error)
        }
        ServiceError::Timeout { .. } => Refusal::timed_out("the server behind this tool did not answer in time"),
        ServiceError::Cancelled { .. } => Refusal::cancelled(),
        other => Refusal::internal(other),
    }
}

/// Its words about arguments and about what it can't do are for the caller. What it calls internal is for our log: such
/// words often hold what only an operator should see.
fn of_data(error: ErrorData, asked: Asked<'_>, cx: &Context) -> Refusal {
    match error.code {
        ErrorCode::RESOURCE_NOT_FOUND | ErrorCode::METHOD_NOT_FOUND => Refusal::not_found(asked.what, asked.name),
        ErrorCode::INVALID_PARAMS | ErrorCode::INVALID_REQUEST => Refusal::invalid(error.message.to_string()),
        ErrorCode::INTERNAL_ERROR => {
            if error.message == PANICKED {
                cx.note(|trail| trail.flags.push("panicked".to_owned()));
            }
            Refusal::internal(error)
        }
        _ => Refusal::failed(error.message.to_string()),
    }
}
