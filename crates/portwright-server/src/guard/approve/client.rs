//! The caller's own client asks the person before it.
//!
//! Where a question ends the call, the client makes it again with the answer. What it carries is sealed for its caller
//! and its call; that it counts once is remembered here. The question's key holds a word that nobody can guess, so an
//! answer that was given before the question is an answer to nothing.

use portwright_core::protocol::ElicitationAction;
use portwright_core::{Context, Refusal, RefusalKind};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Approve, Asked, note_no, question, stopping, unanswered};
use crate::ops::random;

/// Under what the client keeps the question's word for us.
const KEY: &str = "portwright/approval";

/// A question that was put, and what it is known by.
#[derive(Debug)]
pub(super) struct Ticket {
    word: String,
    until: Instant,
}

impl Approve {
    /// Returns when the person has said yes. The ticket is used up by then.
    pub(super) async fn by_client(&self, asked: &Asked<'_>, cx: &Context) -> Result<Ticket, Refusal> {
        let ticket = self.ticket(asked, cx).await?;
        let client = &cx.downstream;
        client.remember(KEY, ticket.word.clone().into());
        let message = question::message(asked, cx);
        let key = format!("{KEY}-{}", ticket.word);
        // While a person thinks nothing of the call runs: others may.
        cx.waiting.leave();
        let answer = client.elicit(&key, &message, json!({"type": "object", "properties": {}}));
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout_at(ticket.until, answer) => answer,
            () = self.desk.draining.cancelled() => return Err(stopping()),
        };
        let action = match answer {
            Ok(Ok(answer)) => answer.action,
            Ok(Err(refusal)) => {
                return Err(match refusal.kind() {
                    RefusalKind::InputRequired => {
                        self.keep(ticket, asked)?;
                        refusal
                    }
                    RefusalKind::TimedOut => {
                        note_no(cx, "unanswered");
                        Refusal::declined("nobody approved this call in time, so it was not made")
                    }
                    RefusalKind::Failed => {
                        note_no(cx, "unanswered");
                        Refusal::declined("the client gave no answer on whether a person approves this call")
                            .because(refusal)
                    }
                    _ => refusal,
                });
            }
            Err(_) => {
                note_no(cx, "unanswered");
                return Err(unanswered(self.plan.wait));
            }
        };
        let by = &asked.principal.id;
        match action {
            ElicitationAction::Accept => cx.waiting.back(cx).await.map(|()| ticket),
            ElicitationAction::Decline => {
                note_no(cx, &format!("declined_by:{by}"));
                Err(Refusal::declined("a person declined this call"))
            }
            // Put aside; and whatever later revisions may add is no yes either.
            _ => {
                note_no(cx, &format!("put_aside_by:{by}"));
                Err(Refusal::declined("a person put the question aside without a yes, so this call was not made"))
            }
        }
    }

    /// The one that the client carries for this call, once; or a new one.
    async fn ticket(&self, asked: &Asked<'_>, cx: &Context) -> Result<Ticket, Refusal> {
        if let Some(Value::String(word)) = cx.downstream.recall(KEY)
            && let Some((digest, left)) = self.desk.take(&word).await
            && digest == asked.digest
        {
            return Ok(Ticket { word, until: Instant::now() + left });
        }
        let word = random::hex::<16>().map_err(|_| Refusal::internal("the system gives no random numbers"))?;
        Ok(Ticket { word, until: Instant::now() + self.plan.wait })
    }

    /// The client comes again.
    pub(super) fn keep(&self, ticket: Ticket, asked: &Asked<'_>) -> Result<(), Refusal> {
        if self.desk.carried.put(ticket.word, asked.owner(), ticket.until, asked.digest) {
            return Ok(());
        }
        let words = "too many calls wait for a person's approval; try again later";
        Err(Refusal::new(RefusalKind::Limited, words))
    }
}
