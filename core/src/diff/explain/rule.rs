//! Changes of rules.

use super::board::{Board, Boards, Decider};
use super::{Evidence, Explanation, Role};
use crate::diff::Kind;
use crate::diff::comparison::{Change, Side};
use crate::diff::side::Value;
use crate::netfilter::explain::cover::Asked;
use crate::netfilter::explain::words;
use crate::netfilter::model::{Chain, Rule};

/// What a changed rule means; `None` for a change of another kind.
pub(super) fn explain(change: &Change, boards: &mut Boards<'_>) -> Option<Explanation> {
    let (before, after) = (rule(change.before.as_ref()), rule(change.after.as_ref()));
    match (change.kind, before, after) {
        (Kind::RuleAdded, _, Some(now)) => Some(added(change, boards, now)),
        (Kind::RuleRemoved, Some(then), _) => Some(removed(change, boards, then)),
        (Kind::RuleChanged, Some(then), Some(now)) => Some(changed(change, boards, then, now)),
        (Kind::RuleMoved, Some(then), Some(now)) => Some(moved(change, boards, then, now)),
        (Kind::CommentChanged, ..) => Some(Explanation::new(
            "Only a comment differs: packets are treated as before.",
        )),
        (Kind::RulesReplacedWholesale, ..) => Some(Explanation::new(
            "The rules of this chain repeat so often that no single change can be told: what the chain does now has to be read \
             whole, with `firewall explain`.",
        )),
        _ => None,
    }
}

/// A rule of a change and its index in its chain.
#[derive(Clone)]
struct Placed {
    rule: Rule,
    index: usize,
}

fn rule(value: Option<&Value>) -> Option<Placed> {
    match value {
        Some(Value::Rule(state)) => Some(Placed {
            rule: Rule {
                items: state.items.clone(),
                comment: None,
            },
            index: state.position.saturating_sub(1),
        }),
        _ => None,
    }
}

fn added(change: &Change, boards: &mut Boards<'_>, now: Placed) -> Explanation {
    let mut out = Explanation::new(format!("New: {}.", words::summary(&now.rule)));
    if let Some(sentence) = of_no_effect(change, boards, Side::Current, &now, &mut out.evidence) {
        out.say(&sentence.text);
        return out;
    }
    if let Some(said) = decides(change, boards, Side::Baseline, &now.rule, &mut out.evidence) {
        out.say(&format!("Before, such packets {said}."));
    }
    out
}

fn removed(change: &Change, boards: &mut Boards<'_>, then: Placed) -> Explanation {
    let mut out = Explanation::new(format!("Gone: {}.", words::summary(&then.rule)));
    if let Some(sentence) = of_no_effect(change, boards, Side::Baseline, &then, &mut out.evidence) {
        out.say(&sentence.text);
        return out;
    }
    if let Some(said) = decides(change, boards, Side::Current, &then.rule, &mut out.evidence) {
        out.say(&format!("Now such packets {said}."));
    }
    out
}

fn changed(change: &Change, boards: &mut Boards<'_>, then: Placed, now: Placed) -> Explanation {
    let mut out = Explanation::new(format!(
        "Was: {}; is now: {}.",
        words::summary(&then.rule),
        words::summary(&now.rule)
    ));
    if let Some(sentence) = of_no_effect(change, boards, Side::Current, &now, &mut out.evidence) {
        out.say(&sentence.text);
    } else if let Some(said) = decides(change, boards, Side::Current, &then.rule, &mut out.evidence) {
        out.say(&format!("Now packets that the old rule asked for {said}."));
    }
    out
}

fn moved(change: &Change, boards: &mut Boards<'_>, then: Placed, now: Placed) -> Explanation {
    let mut out = Explanation::new(format!(
        "The same rule, now in place {} instead of {}: {}.",
        now.index.saturating_add(1),
        then.index.saturating_add(1),
        words::summary(&now.rule)
    ));
    let before = of_no_effect(change, boards, Side::Baseline, &then, &mut out.evidence);
    let after = of_no_effect(change, boards, Side::Current, &now, &mut out.evidence);
    match (before, after) {
        (None, None) => {
            out.say("Packets that it and the rules between ask for are now decided in the other order.")
        }
        (Some(before), None) if before.is_sure => out.say(
            "Where it stood, it met no packet that it could decide; now no single rule before it takes all that it asks for.",
        ),
        (Some(before), None) => out.say(&format!("Where it stood: {}", before.text)),
        (_, Some(now)) => out.say(&now.text),
    }
    out
}

/// What stands between a rule and its packets.
struct NoEffect {
    /// No packet meets it; else that is not decided.
    is_sure: bool,
    text: String,
}

impl NoEffect {
    fn sure(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        Some(Self { is_sure: true, text })
    }

    fn open(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        Some(Self { is_sure: false, text })
    }
}

/// Why a rule has no effect on a side, or that this is not decided; `None` where packets meet it. The way to it is evidence.
fn of_no_effect(
    change: &Change,
    boards: &mut Boards<'_>,
    side: Side,
    placed: &Placed,
    evidence: &mut Vec<Evidence>,
) -> Option<NoEffect> {
    let (board, chain, pairs) = boards.chain(side, change)?;
    if board.is_dormant() {
        return NoEffect::sure("Its table is dormant, so no packet meets it.");
    }
    evidence.extend(board.way_here(chain));
    match board.is_met(&chain.name) {
        Some(true) => {}
        Some(false) => {
            return NoEffect::sure(format!(
                "No hook leads to the chain {}, so no packet meets it.",
                chain.name
            ));
        }
        None => {
            return NoEffect::open(format!(
                "No hook is seen to lead to the chain {}, but not all of the table is read and decoded: whether packets meet \
                 the rule is not decided.",
                chain.name
            ));
        }
    }
    if board.is_partial(chain) {
        return NoEffect::open(format!(
            "Not all of the chain {} was read: whether a rule before it takes its packets is not decided.",
            chain.name
        ));
    }
    let asked = board.asked(&placed.rule);
    match board.decider(chain, &asked, placed.index, pairs) {
        Decider::Rule(index) => {
            evidence.push(board.evidence(Role::ShadowedBy, chain, index));
            NoEffect::sure(format!(
                "Rule {} before it takes every packet that it asks for, so it decides nothing.",
                index.saturating_add(1)
            ))
        }
        Decider::NotDecided(index, fields) => {
            evidence.push(board.evidence(Role::NotDecided, chain, index));
            NoEffect::open(not_decided(index, &fields))
        }
        Decider::End => None,
        Decider::NotCompared => NoEffect::open(
            "Whether a rule before it takes its packets was not looked for: there are too many.",
        ),
    }
}

fn not_decided(index: usize, fields: &[String]) -> String {
    format!(
        "Rule {} before it may take these packets; that is not decided, as what both ask of {} can't be compared.",
        index.saturating_add(1),
        fields.join(", ")
    )
}

/// What becomes of the packets that a rule asks for, on a side, in the form `are decided by …`.
fn decides(
    change: &Change,
    boards: &mut Boards<'_>,
    side: Side,
    rule: &Rule,
    evidence: &mut Vec<Evidence>,
) -> Option<String> {
    let (board, chain, pairs) = boards.chain(side, change)?;
    if let Some(said) = not_there(board, chain, side) {
        return Some(said);
    }
    let asked: Vec<Asked<'_>> = board.asked(rule);
    Some(match board.decider(chain, &asked, chain.rules.len(), pairs) {
        Decider::Rule(index) => {
            evidence.push(board.evidence(Role::Decides, chain, index));
            let found = chain.rules.get(index).map(words::summary).unwrap_or_default();
            let place = index.saturating_add(1);
            format!("{} at the latest by rule {place} ({found})", be(side, "decided"))
        }
        Decider::NotDecided(index, fields) => {
            evidence.push(board.evidence(Role::NotDecided, chain, index));
            format!(
                "{} perhaps by rule {}, which is not decided, as what both ask of {} can't be compared",
                be(side, "decided"),
                index.saturating_add(1),
                fields.join(", ")
            )
        }
        Decider::End => end(board, chain, side, evidence),
        Decider::NotCompared => format!(
            "{} by rules that were not looked for: there are too many",
            be(side, "decided")
        ),
    })
}

/// Why nothing is said of who decides in a chain: packets don't come there, or that is not decided.
fn not_there(board: &Board<'_>, chain: &Chain, side: Side) -> Option<String> {
    let (come, is) = match side {
        Side::Baseline => ("did not come", "was"),
        Side::Current => ("do not come", "is"),
    };
    match board.is_met(&chain.name) {
        Some(false) if board.is_dormant() => Some(format!(
            "{come} to the chain {}, whose table {is} dormant",
            chain.name
        )),
        Some(false) => Some(format!(
            "{come} to the chain {}, to which no hook {}",
            chain.name,
            if side == Side::Baseline { "led" } else { "leads" }
        )),
        Some(true) if !board.is_partial(chain) => None,
        _ => Some(format!(
            "{} by what is not known: not all that leads to the chain {}, or stands in it, is read and decoded",
            be(side, "decided"),
            chain.name
        )),
    }
}

fn be(side: Side, word: &str) -> String {
    match side {
        Side::Baseline => format!("were {word}"),
        Side::Current => format!("are {word}"),
    }
}

/// What becomes of packets that no single rule takes.
fn end(board: &mut Board<'_>, chain: &Chain, side: Side, evidence: &mut Vec<Evidence>) -> String {
    let unless = match side {
        Side::Baseline => "unless another rule took them",
        Side::Current => "unless another rule takes them",
    };
    if !board.returns(chain) {
        return format!(
            "{} by other rules of the chain, no single one for all of them",
            be(side, "decided")
        );
    }
    match &chain.base {
        Some(base) => {
            evidence.push(Evidence {
                side,
                role: Role::Policy,
                path: board.chain_path(chain),
                text: base.policy.word().to_owned(),
            });
            let met = if side == Side::Baseline { "met" } else { "meet" };
            format!("{met} the policy {}, {unless}", base.policy.word())
        }
        None => {
            let went = if side == Side::Baseline { "went" } else { "go" };
            format!("{went} back to the chain that led them here, {unless}")
        }
    }
}
