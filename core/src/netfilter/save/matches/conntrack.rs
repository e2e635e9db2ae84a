//! The options of `-m conntrack`.

use super::{ct_states, ct_status, protocol};
use crate::netfilter::model::{Family, Item};
use crate::netfilter::save::extension::Asked;
use crate::netfilter::save::values;
use crate::netfilter::xt::forms::{self, equals};

const ADDRESSES: [(&str, &str); 4] = [
    ("--ctorigsrc", "ct.original.saddr"),
    ("--ctorigdst", "ct.original.daddr"),
    ("--ctreplsrc", "ct.reply.saddr"),
    ("--ctrepldst", "ct.reply.daddr"),
];

const PORTS: [(&str, &str); 4] = [
    ("--ctorigsrcport", "ct.original.proto-src"),
    ("--ctorigdstport", "ct.original.proto-dst"),
    ("--ctreplsrcport", "ct.reply.proto-src"),
    ("--ctrepldstport", "ct.reply.proto-dst"),
];

pub(super) fn decode(family: Family, asked: &Asked) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    if let Some((inverted, word)) = asked.word("--ctstate") {
        items.push(forms::flags("ct.state", ct_states(word)?, inverted));
    }
    if let Some((inverted, word)) = asked.word("--ctproto") {
        items.push(equals("ct.protocol", inverted, protocol(word)?));
    }
    for (option, field) in ADDRESSES {
        if let Some((inverted, word)) = asked.word(option) {
            items.extend(values::masked_address(family, field, word, inverted)?);
        }
    }
    for (option, field) in PORTS {
        if let Some((inverted, word)) = asked.word(option) {
            let [from, to] = values::ports(word, ':')?;
            items.push(equals(field, inverted, forms::numbers(from.into(), to.into())));
        }
    }
    if let Some((inverted, word)) = asked.word("--ctstatus") {
        items.push(forms::flags("ct.status", ct_status(word)?, inverted));
    }
    if let Some((inverted, word)) = asked.word("--ctexpire") {
        let [from, to] = values::numbers(word, ':')?;
        items.push(equals(
            "ct.expiration-seconds",
            inverted,
            forms::numbers(from, to),
        ));
    }
    if let Some((inverted, word)) = asked.word("--ctdir") {
        let reply = match word.to_ascii_uppercase().as_str() {
            "ORIGINAL" => false,
            "REPLY" => true,
            _ => return None,
        };
        items.push(forms::direction(reply != inverted));
    }
    Some(items)
}
