//! One text at a time: characters, then secrets, then the question whether it gives orders.

use std::borrow::Cow;

use super::characters::{Found, clean};
use super::injection::{self, Verdict};
use super::redactor::redact;
use super::secrets::Broken;
use super::{Injection, SanitizePlan};

/// What was done to one reply.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) found: Found,
    pub(super) redacted: u32,
    /// The worst verdict, if any text looked like an order.
    pub(super) verdict: Option<Verdict>,
}

/// What a plan does to text. Text that comes from elsewhere by other ways than a reply (descriptions of tools of another
/// server, its log lines) can be passed through the same cleaning.
#[derive(Debug, Clone)]
pub struct Cleaner {
    plan: SanitizePlan,
}

impl Cleaner {
    pub fn new(plan: &SanitizePlan) -> Self {
        Self { plan: plan.clone() }
    }

    /// The text without hidden characters and secrets, and what it was taken for. Fails only if a list of ours is broken;
    /// then the text must not be used.
    pub fn text<'a>(&self, text: &'a str) -> Result<(Cow<'a, str>, Verdict), Broken> {
        let mut tally = Tally::default();
        let clean = match self.treat(text, &mut tally)? {
            Some(clean) => Cow::Owned(clean),
            None => Cow::Borrowed(text),
        };
        Ok((clean, tally.verdict.unwrap_or_default()))
    }

    pub(super) fn blocks(&self) -> bool {
        self.plan.injection == Injection::Block
    }

    /// Whether prompts of this source are the operator's own words.
    pub(super) fn knows_prompts_of(&self, source: &str) -> bool {
        self.plan.own_prompts.iter().any(|own| **own == *source)
    }

    /// Cleans the text in place; says whether it looks like an order.
    pub(super) fn tidy(&self, text: &mut String, tally: &mut Tally) -> Result<bool, Broken> {
        let before = tally.verdict.take();
        if let Some(clean) = self.treat(text, tally)? {
            *text = clean;
        }
        let orders = tally.verdict.is_some();
        tally.verdict = match (before, tally.verdict.take()) {
            (Some(before), Some(now)) if now.score > before.score => Some(now),
            (Some(before), _) => Some(before),
            (None, now) => now,
        };
        Ok(orders)
    }

    /// What the text becomes, if something is to be done.
    fn treat(&self, text: &str, tally: &mut Tally) -> Result<Option<String>, Broken> {
        // What was redacted may have been why a mark beside it was kept; without that mark there may be a secret more.
        const ROUNDS_MAX: usize = 4;
        let mut found = Found::default();
        let mut kept = clean(text, &mut found);
        for _ in 0..ROUNDS_MAX {
            let Cow::Owned(redacted) = redact(&kept, &self.plan.redact, &mut tally.redacted)? else { break };
            let again = match clean(&redacted, &mut found) {
                Cow::Owned(again) => Some(again),
                Cow::Borrowed(_) => None,
            };
            let changed = again.is_some();
            kept = Cow::Owned(again.unwrap_or(redacted));
            if !changed {
                break;
            }
        }
        if self.plan.injection != Injection::Off {
            let verdict = injection::judge(&kept, found);
            tally.verdict = verdict.is_order().then_some(verdict);
        }
        tally.found.add(found);
        Ok(match kept {
            Cow::Owned(kept) => Some(kept),
            Cow::Borrowed(_) => None,
        })
    }

    pub(super) fn hides_secrets(&self) -> bool {
        self.plan.redact.iter().any(|kind| matches!(kind, super::Redact::Secrets))
    }
}
