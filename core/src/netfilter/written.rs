//! Rules in canonical form, written without serde where they are of everyday shapes: six times as fast, and writing is most of what
//! digesting a large ruleset takes.
//!
//! What a shape is here written as is what [`json::append`] writes of it. The tests compare both, and every live reading of the kernel's
//! tests compares a digest made so with that of the whole ruleset, which serde writes.

use std::net::IpAddr;

use super::model::{Item, Match, Rule, Statement, Value, Verdict};
use crate::artifact::json::{self, CanonicalError};

/// Writes the canonical bytes of a rule behind what `out` holds.
pub(crate) fn rule(rule: &Rule, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let Rule { items, comment } = rule;
    out.extend_from_slice(b"{\"comment\":");
    json::append(comment, out)?;
    out.extend_from_slice(b",\"items\":[");
    for (place, one) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        item(one, out)?;
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

fn item(item: &Item, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match item {
        Item::Match(Match { field, op, value }) => {
            out.extend_from_slice(b"{\"field\":");
            json::append_text(&field.0, out);
            out.extend_from_slice(b",\"item\":\"match\",\"op\":");
            json::append(op, out)?;
            out.extend_from_slice(b",\"value\":");
            self::value(value, out)?;
            out.push(b'}');
            Ok(())
        }
        Item::Statement(Statement::Verdict(
            verdict
            @ (Verdict::Accept | Verdict::Drop | Verdict::Continue | Verdict::Return | Verdict::Queue),
        )) => {
            out.extend_from_slice(b"{\"item\":\"statement\",\"statement\":\"verdict\",\"verdict\":");
            json::append_text(verdict.word(), out);
            out.push(b'}');
            Ok(())
        }
        Item::Statement(Statement::Counter { name: None }) => {
            out.extend_from_slice(b"{\"item\":\"statement\",\"name\":null,\"statement\":\"counter\"}");
            Ok(())
        }
        other => json::append(other, out),
    }
}

fn value(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            out.extend_from_slice(b"{\"type\":\"number\",\"value\":");
            json::append(number, out)?;
        }
        Value::Address(address) => {
            out.extend_from_slice(b"{\"type\":\"address\",\"value\":");
            self::address(*address, out)?;
        }
        Value::Prefix { address, length } => {
            out.extend_from_slice(b"{\"type\":\"prefix\",\"value\":{\"address\":");
            self::address(*address, out)?;
            out.extend_from_slice(b",\"length\":");
            json::append(length, out)?;
            out.push(b'}');
        }
        Value::Text(text) => {
            out.extend_from_slice(b"{\"type\":\"text\",\"value\":");
            json::append(text, out)?;
        }
        Value::Symbol(word) => {
            out.extend_from_slice(b"{\"type\":\"symbol\",\"value\":");
            json::append_text(word, out);
        }
        Value::Flags(words) => {
            out.extend_from_slice(b"{\"type\":\"flags\",\"value\":");
            json::append(words, out)?;
        }
        other => return json::append(other, out),
    }
    out.push(b'}');
    Ok(())
}

fn address(address: IpAddr, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    let IpAddr::V4(address) = address else {
        return json::append(&address, out);
    };
    let mut before = b'"';
    for byte in address.octets() {
        out.push(before);
        json::append(&byte, out)?;
        before = b'.';
    }
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Text;
    use crate::netfilter::model::Op;

    fn matches(value: Value) -> Item {
        Item::Match(Match {
            field: "tcp.dport".into(),
            op: Op::NotIn,
            value,
        })
    }

    fn items() -> Vec<Item> {
        let prefix = |address: &str, length| Value::Prefix {
            address: address.parse().unwrap(),
            length,
        };
        let chain = || Text::from("a \"chain\"");
        let values = [
            Value::Number(0),
            Value::Number(u32::MAX),
            Value::Address("10.0.0.255".parse().unwrap()),
            Value::Address("fd00::1".parse().unwrap()),
            prefix("10.0.0.0", 8),
            prefix("fd00::", 64),
            Value::Text("eth\"0".into()),
            Value::Text(Text::from(vec![0xff, b'a'])),
            Value::Symbol("a\\b".to_owned()),
            Value::Flags(vec!["new".to_owned(), "related".to_owned()]),
            Value::Flags(Vec::new()),
            Value::Set(vec![Value::Number(1)]),
        ];
        let verdicts = [
            Verdict::Accept,
            Verdict::Drop,
            Verdict::Continue,
            Verdict::Return,
            Verdict::Queue,
            Verdict::Jump { chain: chain() },
            Verdict::Goto { chain: chain() },
        ];
        let counters = [None, Some(chain())];
        let counters = counters.map(|name| Item::Statement(Statement::Counter { name }));
        let verdicts = verdicts.map(|verdict| Item::Statement(Statement::Verdict(verdict)));
        values
            .map(matches)
            .into_iter()
            .chain(verdicts)
            .chain(counters)
            .collect()
    }

    #[test]
    fn it_is_what_serde_writes() {
        let all = items();
        let every = (0..=all.len()).map(|count| all[..count].to_vec());
        for items in every.chain(all.iter().map(|item| vec![item.clone()])) {
            for comment in [None, Some(Text::from("\"rules\":[]"))] {
                let one = Rule {
                    items: items.clone(),
                    comment,
                };
                let mut written = Vec::new();
                rule(&one, &mut written).unwrap();
                let expected = json::to_vec(&one).unwrap();
                assert_eq!(String::from_utf8(written), String::from_utf8(expected));
            }
        }
    }
}
