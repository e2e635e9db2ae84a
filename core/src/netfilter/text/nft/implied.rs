//! Protocol matches that `nft` adds by itself in front of a field, and so leaves out when it lists a rule.

use crate::netfilter::model::{Family, Item, Match, Op, Value};

/// The steps that are printed.
pub(super) fn left_out(family: Family, items: &[Item]) -> Vec<&Item> {
    let mut transport_known = false;
    let mut out = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let next = items.get(index.saturating_add(1));
        if !(is_implied(family, item, next) && !(is_transport(item) && transport_known)) {
            out.push(item);
        }
        transport_known |= is_transport(item);
    }
    out
}

fn is_transport(item: &Item) -> bool {
    matches!(item, Item::Match(one) if ["meta.l4proto", "ip.protocol", "ip6.nexthdr"].contains(&one.field.0.as_str()))
}

/// True if `nft` puts this very match before the one that follows.
fn is_implied(family: Family, item: &Item, next: Option<&Item>) -> bool {
    let (
        Item::Match(Match {
            field,
            op: Op::Eq,
            value: Value::Number(number),
        }),
        Some(next),
    ) = (item, next)
    else {
        return false;
    };
    let Item::Match(Match { field: behind, .. }) = next else {
        return false;
    };
    if behind.0.contains(" . ") {
        return false;
    }
    let header = behind.0.split('.').next().unwrap_or_default();
    match (field.0.as_str(), family) {
        ("meta.l4proto", _) => matches!(
            (number, header),
            (1, "icmp") | (6, "tcp") | (17, "udp") | (58, "icmpv6") | (132, "sctp") | (33, "dccp")
        ),
        ("meta.nfproto", Family::Inet) => matches!((number, header), (2, "ip") | (10, "ip6")),
        ("meta.protocol", Family::Netdev | Family::Bridge) => {
            matches!((number, header), (0x0800, "ip") | (0x86dd, "ip6"))
        }
        _ => false,
    }
}
