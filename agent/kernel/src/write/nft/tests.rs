//! The batch itself, against the kernel; and what this kernel does not have, on messages.

use netghost_core::bytes::Hex;
use netghost_core::netfilter::model::{ChainId, Family};
use netghost_core::netfilter::nft::consts;
use netghost_core::raw::{NetlinkRaw, RawMessage};
use netghost_lab::netns::Namespace;

use super::attributes::Attributes;
use super::*;
use crate::nftables::one_table::OneTable;

fn id() -> ChainId {
    ChainId {
        family: Family::Inet,
        table: "t".into(),
        chain: "c".into(),
    }
}

fn seen(namespace: &Namespace) -> Seen {
    let read = || {
        let mut reader = Reader::open().unwrap().unwrap();
        let one = reader.pass(Family::Inet, &"t".into(), &[]).unwrap().unwrap();
        Seen::new(&id(), one).unwrap()
    };
    namespace.enter(read).unwrap()
}

fn namespace() -> Namespace {
    let namespace = Namespace::new().unwrap();
    let script = "table inet t { chain c { accept; tcp dport { 1, 2 } drop; }\n }";
    let loaded = namespace.exec_with_input(&["nft", "-f", "-"], script.as_bytes());
    assert!(loaded.unwrap().status.success());
    namespace
}

#[test]
fn root_a_stale_batch_changes_nothing() {
    let namespace = namespace();
    let old = seen(&namespace);
    let rule = StoredRule::of(&old.raw, &old.id, old.listed(1).unwrap()).unwrap();
    let parts = old.parts(Edit::Delete, 1, &rule).unwrap();
    // Another table altogether is enough.
    namespace.must(&["nft", "add", "table", "ip", "other"]).unwrap();
    let sent = namespace.enter(|| send(&old, &parts, true)).unwrap();
    assert!(matches!(sent, Err(BatchError::Stale)), "{sent:?}");
    let new = seen(&namespace);
    assert_eq!(new.digest().unwrap(), old.digest().unwrap());
    namespace.enter(|| send(&new, &parts, true)).unwrap().unwrap();
    assert_ne!(seen(&namespace).digest().unwrap(), old.digest().unwrap());
}

/// Without its end a batch is looked at whole, and nothing of it is done: not even the generation is another.
#[test]
fn root_a_batch_that_is_tried_changes_nothing() {
    let namespace = namespace();
    let seen = seen(&namespace);
    let rule = StoredRule::of(&seen.raw, &seen.id, seen.listed(1).unwrap()).unwrap();
    let mut parts = seen.parts(Edit::Delete, 1, &rule).unwrap();
    parts.extend(seen.parts(Edit::Insert, 1, &rule).unwrap());
    namespace.enter(|| send(&seen, &parts, false)).unwrap().unwrap();
    // A set that is made twice under one number is refused, and the message of it named.
    let (sets, mut twice) = (parts.len(), parts.clone());
    twice.push(render::delete(&seen.id, 9999).unwrap());
    let refused = namespace.enter(|| send(&seen, &twice, true)).unwrap();
    assert!(
        matches!(refused, Err(BatchError::Refused { part: Some(part), errno: libc::ENOENT }) if part == sets),
        "{refused:?}"
    );
    let after = self::seen(&namespace);
    assert_eq!((after.generation, after.raw), (seen.generation, seen.raw));
}

/// This kernel offloads nothing, so the chain is one of messages.
#[test]
fn a_chain_that_is_offloaded_is_refused() {
    let message = |kind, attributes: Attributes| RawMessage {
        message_type: kind,
        payload: Hex(attributes.finish().unwrap()),
    };
    let with_flags = |flags: u32| {
        let mut table = Attributes::message(1);
        table.text(1, &"t".into());
        let mut hook = Attributes::default();
        hook.be32(1, 5);
        hook.be32(2, 0);
        let mut chain = Attributes::message(1);
        chain.text(1, &"t".into());
        chain.text(3, &"c".into());
        chain.nest(4, &hook);
        chain.be32(6, 0);
        chain.text(7, &"filter".into());
        chain.be32(10, flags);
        let raw = NetlinkRaw {
            messages: vec![
                message(consts::NEW_TABLE, table),
                message(consts::NEW_CHAIN, chain),
            ],
            ..NetlinkRaw::default()
        };
        Seen::new(&id(), OneTable { raw, generation: 1 })
            .unwrap()
            .writable()
    };
    assert!(with_flags(1).is_ok());
    let refused = with_flags(1 | consts::CHAIN_OFFLOAD);
    assert!(
        matches!(&refused, Err(WriteError::Unsupported { what }) if what.contains("offloaded")),
        "{refused:?}"
    );
}

/// An attribute that is not known is not left out.
#[test]
fn a_rule_with_an_attribute_that_is_not_known_is_refused() {
    let mut rule = Attributes::message(1);
    rule.text(1, &"t".into());
    rule.text(2, &"c".into());
    rule.be64(3, 7);
    rule.put(4, &[]);
    let stored = |attributes: Attributes| {
        let message = RawMessage {
            message_type: consts::NEW_RULE,
            payload: Hex(attributes.finish().unwrap()),
        };
        StoredRule::of(&NetlinkRaw::default(), &id(), &message)
    };
    assert!(stored(rule.clone()).is_ok());
    rule.be32(77, 1);
    let refused = stored(rule);
    assert!(
        matches!(refused, Err(stored::StoreError::Unknown { number: 77, .. })),
        "{refused:?}"
    );
}
