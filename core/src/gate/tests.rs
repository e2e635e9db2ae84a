//! The gate as a whole, with and without a hostile neighbour.

mod forms;
mod ledger;
mod property;
mod roster;
mod states;

use std::time::Duration;

use super::*;
use crate::artifact::json::Digest;
use crate::artifact::key::Signer;
use crate::artifact::name::Name;
use crate::bytes::{Hex, Text};
use crate::fleet::Id;
use crate::netfilter::model::Family;

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The approvers' CA.
fn ca() -> Signer {
    signer(1)
}

/// A policy under which changes are asked for.
fn permissive() -> Policy {
    Policy {
        change: Consent::Approve,
        install: Consent::Approve,
        ..Policy::default()
    }
}

fn moment(seconds: u64) -> Moment {
    Moment {
        boot_id: "boot-1".to_owned(),
        since_boot: Duration::from_secs(seconds),
    }
}

/// Bob and Carol.
fn roster() -> Roster {
    Roster::new()
        .with(name("bob"), signer(2).public())
        .unwrap()
        .with(name("carol"), signer(3).public())
        .unwrap()
}

/// Alice asks for a rule to be deleted; `seed` makes it another action.
fn action(seed: u8) -> Action {
    Action {
        schema: ACTION_SCHEMA.to_owned(),
        id: Id::from_random([seed; 16]),
        target: Target {
            agent: Some(Id::from_random([9; 16])),
            host: Text::from("vm-1"),
            boot_id: "boot-1".to_owned(),
        },
        namespace: Text::from("init"),
        requester: name("alice"),
        reason: Text::from("5001 is dropped"),
        ticket: None,
        operation: Operation::NftDelete {
            family: Family::Inet,
            table: Text::from("filter"),
            chain: Text::from("input"),
            rule: RuleRef {
                text: Text::from("tcp dport 5001 drop"),
                occurrence: 1,
            },
        },
        permission: Permission::Change,
        effect: Effect {
            change: vec![Text::from("nft delete rule inet filter input handle 4")],
            inverse: vec![Text::from(
                "nft insert rule inet filter input tcp dport 5001 drop",
            )],
            object: Text::from("chain inet filter input"),
            before: Digest::of(b"before"),
            after: Some(Digest::of(b"after")),
            irreversible: None,
            notes: Vec::new(),
        },
        checks: Vec::new(),
        window_s: 60,
        lifetime_s: 600,
        nonce: Hex(vec![seed; 32]),
        four_eyes: true,
        tool: "netghost-act 0".to_owned(),
    }
}

fn approval(action: &Action, by: &str, key: &Signer) -> Vec<u8> {
    Approval::new(action, name(by)).unwrap().sign(key).unwrap()
}
