//! Rules that were asked for one by one.

use super::{be64, chain, lifted, message, raw, rule, table, text};
use crate::bytes::Hex;
use crate::netfilter::nft::hidden::{gaps, warnings};
use crate::netfilter::nft::{self, consts};
use crate::raw::RawMessage;

fn request(handle: u64) -> RawMessage {
    message(consts::GET_RULE, &[text(1, "t"), text(2, "c"), be64(3, handle)])
}

/// `struct nlmsgerr`: `EPERM`, then the request with its header.
fn refusal(handle: u64) -> RawMessage {
    let mut payload = (-1i32).to_ne_bytes().to_vec();
    payload.extend([0; 16]);
    payload.extend(request(handle).payload.0);
    RawMessage {
        message_type: consts::REFUSED,
        payload: Hex(payload),
    }
}

const DROP: i32 = 0;
const ACCEPT: i32 = 1;

/// A chain of six uses: one listed rule, the rule that ended the listing, four behind.
fn messages() -> Vec<RawMessage> {
    vec![
        table(&[]),
        chain(6, &[]),
        rule(2, ACCEPT, &[]),
        request(9),
        rule(9, DROP, &[]),
        refusal(8),
        refusal(4),
        request(6),
        rule(6, ACCEPT, &[]),
        request(7),
        rule(7, DROP, &[]),
    ]
}

#[test]
fn they_stand_behind_the_rule_that_hid_them_in_the_order_of_their_handles() {
    let lifted = lifted(&messages());
    let rules = &lifted.runtime.tables[0].chains[0].rules;
    let handles: Vec<(u64, bool)> = rules
        .iter()
        .map(|rule| (rule.handle.unwrap().0, rule.hidden))
        .collect();
    assert_eq!(
        handles,
        [(2, false), (4, true), (6, true), (7, true), (8, true), (9, true)]
    );
    let found: Vec<(String, bool)> = gaps(&lifted)
        .into_iter()
        .map(|gap| (gap.path, gap.why.contains("handle 4")))
        .collect();
    assert_eq!(
        found,
        [("ip/t/c/rule[2]".into(), true), ("ip/t/c/rule[5]".into(), false)]
    );
    let said: Vec<String> = warnings(&lifted)
        .into_iter()
        .map(|warning| warning.message)
        .collect();
    assert_eq!(said.len(), 5);
    assert!(
        said[4].starts_with("ip/t/c/rule[6] (handle 9) is in force"),
        "{}",
        said[4]
    );
    assert!(said[4].ends_with(": drop"), "{}", said[4]);
}

#[test]
fn with_all_of_them_the_chain_is_no_gap_and_with_one_missing_it_is() {
    let all = messages();
    let paths = |messages: &[RawMessage]| {
        let gaps = nft::gaps(&raw(messages), &lifted(messages)).unwrap();
        gaps.into_iter().map(|gap| gap.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(&all), ["ip/t/c/rule[2]", "ip/t/c/rule[5]"]);
    assert_eq!(paths(&all[..9])[0], "ip/t/c");
    let listed = [&all[..3], &all[4..5]].concat();
    assert!(gaps(&lifted(&listed)).is_empty(), "what was listed hides nothing");
}

#[test]
fn a_refusal_that_is_cut_is_an_error() {
    let whole = refusal(8);
    for length in 0..whole.payload.0.len() {
        let cut = RawMessage {
            payload: Hex(whole.payload.0[..length].to_vec()),
            ..whole
        };
        let read = nft::lift(&raw(&[table(&[]), chain(1, &[]), cut]));
        assert!(read.is_err(), "{length}");
    }
}

/// Many are counted, not named.
#[test]
fn a_flood_of_hidden_rules_is_named_in_part() {
    let mut all = vec![table(&[]), chain(300, &[]), refusal(2)];
    for handle in 3..302 {
        all.extend([request(handle), rule(handle, DROP, &[])]);
    }
    let said = warnings(&lifted(&all));
    assert_eq!(said.len(), 101);
    assert!(
        said[100].message.contains("200 more rules"),
        "{}",
        said[100].message
    );
}
