//! Helpers that run in user space (`NFCTH_*`).

use crate::bytes::Text;
use crate::facts::{Fact, Property, Value};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::Fault;

use super::{HEADER, family_word, protocol_word};

const NAME: u16 = 1;
const TUPLE: u16 = 2;
const QUEUE: u16 = 3;
const POLICY: u16 = 4;
const PRIVATE: u16 = 5;
const STATUS: u16 = 6;

pub(super) fn fact(payload: &[u8]) -> Result<Fact, Fault> {
    let mut name = None;
    let (mut family, mut protocol) = (None, None);
    let mut fact = Fact::new("helper", Vec::new());
    for attr in attrs(payload.get(HEADER..).ok_or(Malformed::Missing {
        what: "struct nfgenmsg",
    })?) {
        let attr = attr?;
        let mut add = |name: &str, value: Value| fact.properties.push(Property::new(name, value));
        match attr.kind {
            NAME => name = Some(attr.text()),
            TUPLE => {
                for inner in attr.nested() {
                    let inner = inner?;
                    match inner.kind {
                        1 => family = Some(inner.be16("NFCTH_TUPLE_L3PROTONUM")?),
                        2 => protocol = Some(inner.u8("NFCTH_TUPLE_L4PROTONUM")?),
                        _ => fact.other.push(inner.into()),
                    }
                }
            }
            QUEUE => add("queue", Value::number(attr.be32("NFCTH_QUEUE_NUM")?)),
            POLICY => add("policies", policies(attr)?),
            PRIVATE => add("private_bytes", Value::number(attr.be32("NFCTH_PRIV_DATA_LEN")?)),
            STATUS => add("status", Value::word(status(attr.be32("NFCTH_STATUS")?))),
            _ => fact.other.push(attr.into()),
        }
    }
    fact.key = vec![
        name.ok_or(Malformed::Missing { what: "NFCTH_NAME" })?,
        Text::from(family_word(family.ok_or(Malformed::Missing {
            what: "NFCTH_TUPLE_L3PROTONUM",
        })?)),
        Text::from(protocol_word(protocol.ok_or(Malformed::Missing {
            what: "NFCTH_TUPLE_L4PROTONUM",
        })?)),
    ];
    Ok(fact)
}

fn status(status: u32) -> String {
    match status {
        0 => "disabled".to_owned(),
        1 => "enabled".to_owned(),
        other => other.to_string(),
    }
}

/// The number of policies stands first; the others say it too.
fn policies(attr: Attr<'_>) -> Result<Value, Malformed> {
    let mut all = Vec::new();
    for one in attr.nested() {
        let one = one?;
        if one.kind == 1 {
            continue;
        }
        let mut group = Vec::new();
        for inner in one.nested() {
            let inner = inner?;
            group.push(match inner.kind {
                1 => Property::new("name", Value::Text(inner.text())),
                2 => Property::new(
                    "expect_max",
                    Value::number(inner.be32("NFCTH_POLICY_EXPECT_MAX")?),
                ),
                3 => Property::new(
                    "expect_timeout_s",
                    Value::number(inner.be32("NFCTH_POLICY_EXPECT_TIMEOUT")?),
                ),
                other => Property::new(
                    &format!("attribute_{other}"),
                    Value::Bytes(crate::bytes::Hex(inner.value.to_vec())),
                ),
            });
        }
        all.push(Value::Group(group));
    }
    Ok(Value::List(all))
}
