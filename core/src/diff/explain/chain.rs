//! Changes of tables, of chains, and of how chains are hooked in.

use super::board::Boards;
use super::{Evidence, Explanation, Role};
use crate::diff::Kind;
use crate::diff::comparison::{Change, Side};
use crate::diff::side::{ChainState, TableState, Value};
use crate::netfilter::model::{BaseChain, Verdict};

/// What such a change means; `None` for one of another kind.
pub(super) fn explain(change: &Change, boards: &mut Boards<'_>) -> Option<Explanation> {
    match change.kind {
        Kind::PolicyChanged => Some(policy(change, boards)),
        Kind::ChainAdded | Kind::ChainRemoved => Some(chain(change, boards)),
        Kind::TableAdded | Kind::TableRemoved => Some(table(change)),
        kind => sentence(kind).map(|text| {
            let mut out = Explanation::new(text);
            out.evidence = hook(change, boards, Side::Current);
            out
        }),
    }
}

/// What needs no look at the rules.
fn sentence(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::PlaneChanged => {
            "The rules moved between legacy xtables and nf_tables. The kernel runs both: what either holds decides."
        }
        Kind::TableFlagsChanged => {
            "A dormant table meets no packet; without that flag each of its chains runs at its hook. Other flags say which \
             program may alter the table and whether it outlives it."
        }
        Kind::ChainTypeChanged => {
            "A `nat` chain meets the first packet of each connection only, a `filter` chain every packet; a `route` chain has \
             the packet routed again when its mark changes."
        }
        Kind::HookChanged => {
            "The chain meets packets at another place of their way, so other packets come to its rules."
        }
        Kind::PriorityChanged => {
            "The chain runs at another place among those of its hook. A drop before it hides packets from it, and it hides \
             packets from those after it; what an earlier chain rewrites it sees rewritten."
        }
        Kind::DevicesChanged => "The chain meets the packets of these devices only.",
        Kind::OffloadChanged => {
            "With offload the device itself applies the rules, and the packets it handles don't reach the kernel's chains."
        }
        Kind::HookOrderChanged => {
            "Chains of one priority swapped places: a drop in the first now hides packets from the others."
        }
        Kind::AttributesChanged => {
            "Attributes that this version does not know differ: what that means for packets is not known."
        }
        _ => return None,
    })
}

fn hook(change: &Change, boards: &mut Boards<'_>, side: Side) -> Vec<Evidence> {
    let way = boards.chain(side, change);
    way.map(|(board, chain, _)| board.way_here(chain))
        .unwrap_or_default()
}

fn policy(change: &Change, boards: &mut Boards<'_>) -> Explanation {
    let word = |value: &Option<Value>| match value {
        Some(Value::Word(word)) => (*word).to_owned(),
        _ => "unknown".to_owned(),
    };
    let mut out = Explanation::new(format!(
        "Packets that no rule of this chain decides now meet {} instead of {}.",
        word(&change.after),
        word(&change.before)
    ));
    let Some((board, chain, pairs)) = boards.chain(Side::Current, change) else {
        return out;
    };
    out.evidence = board.way_here(chain);
    if board.is_dormant() {
        out.say("Its table is dormant, so no packet comes here.");
    } else if board.is_partial(chain) {
        out.say("Not all of the chain was read: which packets come that far is not decided.");
    } else if !board.returns(chain) {
        out.say("No packet comes that far: a rule of the chain ends the way of all that are left.");
        if let super::board::Decider::Rule(index) = board.decider(chain, &[], chain.rules.len(), pairs) {
            out.evidence.push(board.evidence(Role::Decides, chain, index));
        }
    }
    out
}

fn verdict(base: &BaseChain) -> &'static str {
    match base.policy {
        Verdict::Drop => "dropped",
        _ => "let on",
    }
}

fn of_base(base: &BaseChain, rules: usize) -> String {
    format!(
        "at {}, priority {}, {rules} rules decide and what none decides is {}",
        base.hook.as_str(),
        base.priority,
        verdict(base)
    )
}

fn chain(change: &Change, boards: &mut Boards<'_>) -> Explanation {
    let (side, now, value) = match change.kind {
        Kind::ChainAdded => (Side::Current, "New", &change.after),
        _ => (Side::Baseline, "Gone", &change.before),
    };
    let Some(Value::Chain(ChainState { base, rules, .. })) = value else {
        return Explanation::new(format!("{now}: a chain."));
    };
    let mut out = match base {
        Some(base) => Explanation::new(format!("{now}: {}.", of_base(base, rules.len()))),
        None => Explanation::new(format!(
            "{now}: a chain of {} rules that runs only where another leads to it.",
            rules.len()
        )),
    };
    if let Some((board, chain, _)) = boards.chain(side, change) {
        out.evidence = board.way_here(chain);
        let word = if side == Side::Current { "leads" } else { "led" };
        match board.is_met(&chain.name) {
            _ if board.is_dormant() => out.say("Its table is dormant, so no packet meets it."),
            Some(true) => {}
            Some(false) => out.say(&format!("No hook {word} to it, so no packet met it.")),
            None => out
                .say("Whether a hook leads to it is not decided: not all of its table is read and decoded."),
        }
    }
    out
}

fn table(change: &Change) -> Explanation {
    let (now, value) = match change.kind {
        Kind::TableAdded => ("New", &change.after),
        _ => ("Gone", &change.before),
    };
    let Some(Value::Table(table)) = value else {
        return Explanation::new(format!("{now}: a table."));
    };
    let TableState { chains, flags, .. } = &**table;
    if flags.iter().any(|flag| flag == "dormant") {
        return Explanation::new(format!("{now}: a dormant table, which no packet meets."));
    }
    let hooked: Vec<String> = chains
        .iter()
        .filter_map(|chain| Some((chain.base.as_ref()?, chain.rules.len())))
        .map(|(base, rules)| of_base(base, rules))
        .collect();
    Explanation::new(if hooked.is_empty() {
        format!("{now}: a table without a chain at a hook: by itself it meets no packet.")
    } else {
        format!("{now}: {}.", hooked.join("; "))
    })
}
