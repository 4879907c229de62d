//! The rules: what an order to a model says, as senses of words that follow each other within a sentence, and the marks
//! that stand between turns of a conversation.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Hit;
use super::vocabulary::{
    ADDRESS, ANSWER, ASK, ASKED, BEFORE, CHANGE, EVERY, FIRST, FOLLOW, IF, IGNORE, INSTEAD, JUDGE, LANGUAGE, LETTERS,
    LINK, MACHINE, MAKE, MESSAGE, MODEL, MONEY, MUST, MY, NEW, NOT, NOW, NUMBER, ORDERS, PLEASE, PRETEND, PRIOR,
    PRIVATE, RATE, READ, REPLY, REST, ROLE, RUN, SAY, SECRET, SEND, STYLE, TASK, THIS, TO, TODO, TOOL, URGENT, USER,
    VISIT, WITH, WITHOUT, YOU,
};
use super::words::Word;

/// Words of these senses, in this order, within one sentence.
struct Rule {
    id: &'static str,
    weight: f32,
    senses: &'static [u64],
    /// How many words the whole may span.
    span: usize,
    /// Whether the first of them must start the sentence, as the verb of an order does.
    opens: bool,
}

const fn rule(id: &'static str, weight: f32, senses: &'static [u64], span: usize) -> Rule {
    Rule { id, weight, senses, span, opens: false }
}

const fn order(id: &'static str, weight: f32, senses: &'static [u64], span: usize) -> Rule {
    Rule { id, weight, senses, span, opens: true }
}

const RULES: &[Rule] = &[
    rule("override", 1.2, &[IGNORE, PRIOR | EVERY, ORDERS], 7),
    rule("override", 1.2, &[IGNORE, ORDERS, PRIOR], 6),
    rule("override", 0.9, &[IGNORE, YOU | EVERY, ORDERS | TASK], 5),
    rule("override", 0.8, &[NOT, FOLLOW, PRIOR, ORDERS], 7),
    order("override", 0.9, &[IGNORE, PRIOR | EVERY | REST, SAY | SEND | RUN | FOLLOW], 10),
    order("override", 0.9, &[IGNORE, REST, THIS, REST, SAY | SEND | RUN | FOLLOW], 10),
    rule("new-orders", 0.7, &[FOLLOW, NEW, ORDERS], 7),
    rule("new-orders", 0.5, &[YOU, NEW, ORDERS | TASK], 5),
    rule("addressed", 0.6, &[YOU, MODEL], 4),
    rule("addressed", 0.5, &[MODEL, MUST, SAY | SEND | RUN | FOLLOW | READ], 6),
    rule("addressed", 0.4, &[MESSAGE, TO, YOU], 7),
    rule("addressed", 0.7, &[MESSAGE, TO, MACHINE | MODEL], 5),
    rule("precedence", 0.8, &[BEFORE, YOU, TASK, YOU], 14),
    rule("precedence", 0.5, &[BEFORE, YOU, TASK], 8),
    rule("identity", 0.8, &[YOU, NOW, MODEL | ROLE], 7),
    rule("identity", 0.7, &[PRETEND, YOU, MODEL | ROLE], 8),
    rule("conceal", 0.7, &[NOT | WITHOUT, ASK, USER | MY], 4),
    order("exfiltrate", 0.9, &[SEND, EVERY | PRIVATE | SECRET | READ, TO, ADDRESS | LINK], 30),
    rule("exfiltrate", 0.6, &[SEND, EVERY | PRIVATE | SECRET, TO, ADDRESS | LINK], 30),
    rule("exfiltrate", 0.4, &[SEND, TO, ADDRESS | LINK], 20),
    rule("exfiltrate", 0.6, &[SEND, SECRET, TO], 10),
    rule("gather", 0.6, &[READ, EVERY | PRIVATE | SECRET, USER | MY, SEND], 30),
    rule("reveal", 0.8, &[SAY | READ | SEND, YOU, ROLE, ORDERS], 8),
    rule("reveal", 0.7, &[SAY | READ | SEND, YOU, PRIOR, ORDERS], 8),
    order("payment", 0.8, &[SEND | MONEY, TO, NUMBER], 20),
    rule("payment", 0.5, &[MONEY, TO, NUMBER], 20),
    order("change", 0.6, &[CHANGE, SECRET | PRIVATE, USER | MY, TO], 14),
    order("change", 0.4, &[CHANGE, PRIVATE | SECRET | USER], 8),
    order("act", 0.5, &[MAKE, USER | MY | PRIVATE | ADDRESS], 12),
    order("act", 0.4, &[VISIT | READ | MONEY | SEND, LINK | ADDRESS | PRIVATE | USER | MY], 12),
    rule("steer", 0.7, &[SAY, YOU, ANSWER], 14),
    order("steer", 1.0, &[SAY | IGNORE | LETTERS | STYLE | CHANGE | MAKE, YOU, ANSWER], 14),
    rule("steer", 0.7, &[YOU, ANSWER, SAY | STYLE | LETTERS], 8),
    rule("steer", 0.6, &[YOU | THIS, ANSWER, LANGUAGE | LETTERS | STYLE], 8),
    rule("steer", 0.7, &[IF, ASKED, SAY], 14),
    rule("steer", 0.4, &[SAY, WITH, THIS | NOT | YOU], 5),
    rule("steer", 0.5, &[NOT, JUDGE, THIS | USER | TO | RATE], 5),
    order("steer", 0.7, &[REPLY, WITH | INSTEAD | LANGUAGE], 4),
    order("steer", 0.6, &[ASK, USER], 3),
    rule("steer", 0.6, &[NOW, REPLY, WITH | INSTEAD | LANGUAGE], 6),
    order("run", 0.6, &[RUN, TOOL], 5),
    rule("run", 0.5, &[RUN, TOOL, TO | NEW | NOW], 10),
    order("language", 0.6, &[SAY, WITH, LANGUAGE], 10),
];

/// Marks of role, turn and tool, and where text hides from those who see it rendered.
const MARKS: &[(&str, f32, &str)] = &[
    ("role-mark", 1.0, "<|im_start|>"),
    ("role-mark", 1.0, "<|im_end|>"),
    ("role-mark", 1.0, "<|system|>"),
    ("role-mark", 1.0, "<|user|>"),
    ("role-mark", 1.0, "<|assistant|>"),
    ("role-mark", 1.0, "<|endoftext|>"),
    ("role-mark", 0.9, "<|eot_id|>"),
    ("role-mark", 0.9, "<|start_header_id|>"),
    ("role-mark", 0.7, "[inst]"),
    ("role-mark", 0.7, "[/inst]"),
    ("role-mark", 0.8, "<<sys>>"),
    ("role-mark", 0.8, "<system>"),
    ("role-mark", 0.8, "</system>"),
    ("role-mark", 0.8, "[system]"),
    ("role-mark", 0.9, "(system_message)"),
    ("role-mark", 0.9, "<system_message>"),
    ("role-mark", 0.6, "### system"),
    ("role-mark", 0.5, "### instruction"),
    ("turn", 0.6, "\nhuman:"),
    ("turn", 0.6, "\nuser:"),
    ("answer-turn", 0.6, "\nassistant:"),
    ("role-mark", 0.5, "\nsystem:"),
    ("role-mark", 1.2, "[system][system]"),
    ("role-mark", 0.5, "<information>"),
    ("role-mark", 0.5, "<important>"),
    ("role-mark", 0.5, "<instructions>"),
    ("role-mark", 0.5, "[important instruction"),
    ("tool-mark", 0.9, "<tool_call"),
    ("tool-mark", 0.9, "<function_call"),
    ("tool-mark", 0.9, "<function_results"),
    ("tool-mark", 0.9, "<tool_result"),
    ("tool-mark", 0.7, "<invoke name="),
    ("tool-mark", 0.4, "\"tool_calls\""),
    ("comment", 0.3, "[//]: #"),
    ("comment", 0.2, "<!--"),
    ("link", 0.9, "](javascript:"),
    ("link", 0.7, "](data:text/html"),
    // The two most usual orders in the alphabet turned by thirteen, and backwards.
    ("disguised", 1.2, "vtaber nyy cerivbhf"),
    ("disguised", 1.2, "vtaber cerivbhf vafgehpgvbaf"),
    ("disguised", 1.2, "vtaber lbhe vafgehpgvbaf"),
    ("disguised", 1.2, "qvfertneq nyy cerivbhf"),
    ("disguised", 1.2, "qvfertneq cerivbhf"),
    ("disguised", 1.2, "snoitcurtsni suoiverp"),
    ("disguised", 1.2, "snoitcurtsni roirp"),
    ("disguised", 1.2, "snoitcurtsni ruoy"),
    // Chinese, Japanese, Korean: no spaces, or particles that the words above do not foresee.
    ("override", 1.2, "忽略之前"),
    ("override", 1.2, "忽略以上"),
    ("override", 1.2, "忽略上述"),
    ("override", 1.2, "忽略先前"),
    ("override", 1.2, "忽略所有"),
    ("override", 1.2, "无视之前"),
    ("override", 1.2, "无视以上"),
    ("override", 1.2, "忽視之前"),
    ("override", 1.2, "以前の指示"),
    ("override", 1.2, "これまでの指示"),
    ("override", 1.2, "上記の指示を無視"),
    ("override", 1.2, "指示を無視"),
    ("override", 1.2, "이전 지시"),
    ("override", 1.2, "이전의 모든 지시"),
    ("override", 1.2, "지시를 무시"),
    ("override", 1.0, "पिछले निर्देश"),
    ("override", 1.0, "पिछले सभी निर्देश"),
    ("override", 1.0, "निर्देशों को अनदेखा"),
    ("reveal", 0.9, "系统提示词"),
    ("identity", 0.7, "你现在是"),
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(MARKS.iter().map(|(_, _, mark)| mark))
        .ok()
});

/// Compiles the marks, so that the first call does not wait for it.
pub(super) fn prepare() -> bool {
    FINDER.is_some()
}

/// What the marks find.
pub(super) fn marks(text: &str, hits: &mut Vec<Hit>) {
    let Some(finder) = &*FINDER else { return };
    for mark in finder.find_iter(text) {
        let (rule, weight, _) = MARKS[mark.pattern().as_usize()];
        hits.push(Hit { rule, weight, start: mark.start(), end: mark.end() });
    }
}

/// What the rules find in one sentence.
pub(super) fn apply(sentence: &[Word], hits: &mut Vec<Hit>) {
    let all = sentence.iter().fold(0, |all, word| all | word.sense);
    for rule in RULES {
        if rule.senses.iter().all(|sense| sense & all != 0)
            && let Some((first, last)) = find(rule, sentence)
        {
            hits.push(Hit {
                rule: rule.id,
                weight: rule.weight,
                start: sentence[first].start,
                end: sentence[last].end,
            });
        }
    }
}

fn find(rule: &Rule, sentence: &[Word]) -> Option<(usize, usize)> {
    let (head, tail) = rule.senses.split_first()?;
    for (first, word) in sentence.iter().enumerate() {
        if word.sense & head == 0 || rule.opens && !opens(sentence, first) {
            continue;
        }
        let end = sentence.len().min(first + rule.span);
        let mut last = first;
        let whole = tail.iter().all(|sense| {
            let next = (last + 1..end).find(|at| sentence[*at].sense & sense != 0);
            next.inspect(|at| last = *at).is_some()
        });
        if whole {
            return Some((first, last));
        }
    }
    None
}

/// Whether the word at this place opens the sentence, polite and urgent words and the word "todo" aside.
fn opens(sentence: &[Word], place: usize) -> bool {
    const ASIDE: u64 = PLEASE | NOW | URGENT | TODO | FIRST | YOU | MUST;
    const ASIDE_MAX: usize = 4;
    place <= ASIDE_MAX && sentence[..place].iter().all(|word| word.sense & ASIDE != 0)
}
