//! The syntax of `arptables-save`.
//!
//! What arptables can't say is printed in brackets, which no tool loads: such a line is for people.

use super::iptables::words::{masked, save_string};
use super::iptables::{interface, target, unsayable};
use crate::bytes::Text;
use crate::netfilter::builtin;
use crate::netfilter::model::{
    Family, Item, Match, Op, Rule, Statement, Table, TableRuntime, Value, Verdict,
};

/// `-A CHAIN -j TARGET …` as `arptables-save` prints it. Bytes that are not text are shown as `\xNN`.
pub fn rule(chain: &Text, rule: &Rule) -> String {
    Text::from(rule_bytes(chain, rule)).to_string()
}

/// The same line, byte for byte as `arptables-restore` takes it.
pub fn rule_bytes(chain: &Text, rule: &Rule) -> Vec<u8> {
    let mut line = b"-A ".to_vec();
    line.extend_from_slice(chain.as_bytes());
    let mut options = Vec::new();
    let mut last = Vec::new();
    for item in &rule.items {
        match item {
            Item::Match(step) => match option(step) {
                Some(words) => push(&mut options, &words),
                None => push(&mut last, &unsayable(item)),
            },
            Item::Statement(Statement::Counter { name: None }) => {}
            other => match target_words(other) {
                Some((name, rest)) => {
                    push(&mut line, &name);
                    last.extend(rest);
                }
                None => push(&mut last, &unsayable(other)),
            },
        }
    }
    line.extend(options);
    line.extend(last);
    if let Some(comment) = &rule.comment {
        let mut words = b" [comment ".to_vec();
        save_string(&mut words, comment.as_bytes());
        words.push(b']');
        line.extend(words);
    }
    line
}

fn push(line: &mut Vec<u8>, words: &[u8]) {
    line.push(b' ');
    line.extend_from_slice(words);
}

/// `-j NAME`, and its options, which stand behind the matches.
fn target_words(item: &Item) -> Option<(Vec<u8>, Vec<u8>)> {
    if let Item::Statement(Statement::Set { field, value }) = item
        && field.0 == "meta.mark"
    {
        return Some((b"-j MARK".to_vec(), mark(value)?.into_bytes()));
    }
    if matches!(item, Item::Statement(Statement::Verdict(Verdict::Goto { .. }))) {
        return None;
    }
    let words = target(Family::Arp, item)?;
    let end = words.iter().skip(3).position(|byte| *byte == b' ');
    let end = end.map_or(words.len(), |place| place.saturating_add(3));
    let (name, rest) = words.split_at_checked(end)?;
    Some((name.to_vec(), rest.to_vec()))
}

/// `MARK` knows three ways to set a mark. What it calls setting (0.0.5) clears no bit before it flips those given.
fn mark(value: &Value) -> Option<String> {
    Some(match masked(value)? {
        (value, 0) => format!(" --set-mark {value:#x}"),
        (0, mask) => format!(" --and-mark {:#x}", !mask),
        (value, mask) if value == mask => format!(" --or-mark {value:#x}"),
        _ => return None,
    })
}

fn option(step: &Match) -> Option<Vec<u8>> {
    let not = match step.op {
        Op::Eq => "",
        Op::Ne => "! ",
        _ => return None,
    };
    let begin = not.as_bytes().to_vec();
    let words = match step.field.0.as_str() {
        "meta.iifname" => return interface(begin, "-i ", &step.value),
        "meta.oifname" => return interface(begin, "-o ", &step.value),
        "arp.saddr ip" => format!("-s {}", address(&step.value)?),
        "arp.daddr ip" => format!("-d {}", address(&step.value)?),
        "arp.saddr ether" => format!("--src-mac {}", hardware(&step.value)?),
        "arp.daddr ether" => format!("--dst-mac {}", hardware(&step.value)?),
        "arp.hlen" => format!("--h-length {}", number(&step.value, |number| number.to_string())?),
        "arp.operation" => format!("--opcode {}", number(&step.value, |number| number.to_string())?),
        "arp.htype" => format!("--h-type {}", number(&step.value, hex)?),
        "arp.ptype" => format!("--proto-type {}", number(&step.value, hex)?),
        _ => return None,
    };
    Some([begin, words.into_bytes()].concat())
}

/// The tool reads types as hexadecimal.
fn hex(number: u32) -> String {
    if number < 10 {
        number.to_string()
    } else {
        format!("{number:#x}")
    }
}

fn number(value: &Value, shown: impl Fn(u32) -> String) -> Option<String> {
    match value {
        Value::Number(number) => Some(shown(*number)),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Number(mask), Value::Number(value)) => {
                Some(format!("{}/{}", shown(*value), shown(*mask)))
            }
            _ => None,
        },
        _ => None,
    }
}

fn address(value: &Value) -> Option<String> {
    match value {
        Value::Address(address) => Some(address.to_string()),
        other => super::iptables::address(other),
    }
}

/// `00:11:22:33:44:55`, with a mask where that is not full.
pub(super) fn hardware(value: &Value) -> Option<String> {
    match value {
        Value::Mac(address) => Some(address.clone()),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Mac(mask), Value::Mac(value)) => Some(format!("{value}/{mask}")),
            _ => None,
        },
        _ => None,
    }
}

/// A whole table as a block that `arptables-restore` loads, with counters where `runtime` has them.
pub fn table_save(table: &Table, runtime: Option<&TableRuntime>) -> Text {
    let mut out = b"*".to_vec();
    out.extend_from_slice(table.name.as_bytes());
    out.push(b'\n');
    let order = builtin::chains(Family::Arp);
    let place = |name: &Text| order.iter().position(|known| known.as_bytes() == name.as_bytes());
    let mut chains: Vec<_> = table.chains.iter().enumerate().collect();
    chains.sort_by_key(|(_, chain)| (place(&chain.name).unwrap_or(order.len()), chain.name.clone()));
    for (_, chain) in &chains {
        out.push(b':');
        out.extend_from_slice(chain.name.as_bytes());
        out.extend_from_slice(match chain.base.as_ref().map(|base| &base.policy) {
            Some(Verdict::Accept) => b" ACCEPT\n",
            Some(Verdict::Drop) => b" DROP\n",
            _ => b" -\n",
        });
    }
    for (number, chain) in chains {
        let counted = runtime.and_then(|runtime| runtime.chains.get(number));
        for (place, rule) in chain.rules.iter().enumerate() {
            let of_rule = counted.and_then(|chain| chain.rules.get(place));
            if let Some(counters) = of_rule.and_then(|rule| rule.counters) {
                out.extend(format!("[{}:{}] ", counters.packets, counters.bytes).into_bytes());
            }
            out.extend(rule_bytes(&chain.name, rule));
            out.push(b'\n');
        }
    }
    Text::from(out)
}
