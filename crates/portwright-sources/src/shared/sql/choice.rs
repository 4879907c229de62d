//! Which of a source's own tools `tools` chooses: those of every SQL source, and those that only its kind has.

use globset::{Glob, GlobMatcher};
use portwright_core::{Diagnostic, Pointer};

use super::database::Access;
use super::own::OwnTool;
use crate::shared::decode;
use crate::shared::own::Told;

/// What there is to choose from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'a> {
    pub(super) access: Access,
    pub(super) more: &'a [Told],
}

type Chosen = (Vec<OwnTool>, Vec<&'static str>);

impl Choice<'_> {
    /// What is offered where the configuration says nothing.
    pub(super) fn usual(self) -> Chosen {
        let usual = self.more.iter().filter(|tool| tool.usual && self.may(tool));
        (OwnTool::ALL.to_vec(), usual.map(|tool| tool.name).collect())
    }

    fn may(self, tool: &Told) -> bool {
        !tool.writes || self.access == Access::ReadWrite
    }

    /// The tools that `patterns` name. A pattern that names none is a mistake.
    pub(super) fn made(self, patterns: &[String], place: &Pointer, problems: &mut Vec<Diagnostic>) -> Chosen {
        let mut own = Vec::new();
        let mut more = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let place = place.join(index);
            let matcher = match Glob::new(pattern) {
                Ok(glob) => glob.compile_matcher(),
                Err(error) => {
                    problems.push(Diagnostic::error(place, "wrong-value", error.to_string()));
                    continue;
                }
            };
            let shared = OwnTool::ALL.into_iter().filter(|tool| matcher.is_match(tool.name()));
            let found = own.len();
            own.extend(shared);
            let names_own = own.len() > found;
            if !self.named(pattern, &matcher, &place, &mut more, problems) && !names_own {
                problems.push(self.unknown(pattern, place));
            }
        }
        let ordered = OwnTool::ALL.into_iter().filter(|tool| own.contains(tool)).collect();
        let of_kind = self.more.iter().map(|tool| tool.name).filter(|name| more.contains(name)).collect();
        (ordered, of_kind)
    }

    /// Whether the pattern names a tool that only this kind has.
    fn named(
        self,
        pattern: &str,
        matcher: &GlobMatcher,
        place: &Pointer,
        chosen: &mut Vec<&'static str>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        let mut any = false;
        for tool in self.more.iter().filter(|tool| matcher.is_match(tool.name)) {
            any = true;
            let exact = tool.name == pattern;
            if exact && !self.may(tool) {
                let message = format!("`{}` writes, and the source may only read", tool.name);
                let hint = "set `access = \"read-write\"`, or leave the tool out";
                problems.push(Diagnostic::error(place.clone(), "writing-tool", message).hint(hint));
            } else if exact || (!tool.by_name_only && self.may(tool)) {
                chosen.push(tool.name);
            }
        }
        any
    }

    fn unknown(self, pattern: &str, place: Pointer) -> Diagnostic {
        let names = || OwnTool::ALL.map(OwnTool::name).into_iter().chain(self.more.iter().map(|tool| tool.name));
        let aliased = self.more.iter().find(|tool| tool.aliases.iter().any(|alias| alias == pattern));
        let aliased = OwnTool::by_alias(pattern).map(OwnTool::name).or(aliased.map(|tool| tool.name));
        let hint = match aliased.or(decode::did_you_mean(pattern, names())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its own tools are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{pattern}` names none of this source's own tools");
        Diagnostic::error(place, "unknown-tool", message).hint(hint)
    }
}
