//! What `check` tells of the tokens: whether they work, what they lack, what they may do beyond what is needed.

use portwright_core::{Context, Diagnostic, RefusalKind, TransportKind};

use super::client::{Ask, Hub};
use super::keys::Key;
use super::path::Path;

/// What the offered tools need, as far as scopes tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    pub(super) writes: bool,
    pub(super) gists: bool,
}

impl Hub {
    pub(super) async fn inspect(&self, needs: Needs) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for key in self.keys.all() {
            found.extend(self.inspect_key(key, needs).await);
        }
        found
    }

    async fn inspect_key(&self, key: &Key, needs: Needs) -> Vec<Diagnostic> {
        let cx = Context::new("inspect", TransportKind::InProcess);
        let place = key.place.clone();
        // Every token may ask this, those of apps and workflows too, and it counts for no rate.
        let answer = match self.once(&Ask::get(Path::of(&["rate_limit"])), key, &cx).await {
            Ok(answer) => answer,
            Err(refusal) => {
                let rule = if refusal.kind() == RefusalKind::Limited { "used-up-token" } else { "unreachable" };
                return vec![Diagnostic::error(place, rule, refusal.public().to_owned())];
            }
        };
        // A server of one's own may keep no rates, and then has no such page.
        if answer.status != 404
            && let Err(refusal) = self.read(&answer)
        {
            return vec![Diagnostic::error(place, "refused-token", refusal.public().to_owned())];
        }
        // Fine-grained tokens have none.
        let Some(scopes) = answer.header("x-oauth-scopes") else { return Vec::new() };
        let scopes: Vec<&str> = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).collect();
        let mut found = Vec::new();
        if needs.writes && !scopes.iter().any(|scope| ["repo", "public_repo"].contains(scope)) {
            let message = "the token may only read, and tools that write are offered";
            let hint = "give it the scope `public_repo` or `repo`, or set `access = \"read-only\"`";
            found.push(Diagnostic::advice(place.clone(), "narrow-token", message).hint(hint));
        }
        if needs.gists && !scopes.contains(&"gist") {
            let message = "the token may not write gists, and the tools that do are offered";
            found.push(Diagnostic::advice(place.clone(), "narrow-token", message).hint("give it the scope `gist`"));
        }
        let too_wide = |scope: &&str| match *scope {
            "repo" => !needs.writes,
            "gist" => !needs.gists,
            scope => {
                let much = ["delete_repo", "workflow", "site_admin", "user", "codespace", "project"];
                much.contains(&scope) || scope.starts_with("admin:") || scope.starts_with("write:")
            }
        };
        let wide: Vec<_> = scopes.into_iter().filter(too_wide).collect();
        if !wide.is_empty() {
            let what = if needs.writes { "this source" } else { "reading" };
            let message = format!("the token may do more than {what} needs: {}", wide.join(", "));
            let hint =
                "use a fine-grained token for the repositories that are served, with the rights that their tools need";
            found.push(Diagnostic::advice(place, "wide-token", message).hint(hint));
        }
        found
    }
}
