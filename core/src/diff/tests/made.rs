//! Small rulesets and snapshots to compare.

use crate::artifact::json;
use crate::bytes::{Hex, Text};
use crate::diff::{Comparison, Kind, compare};
use crate::netfilter::model::{
    BaseChain, Chain, ChainId, Element, Family, Hook, HookOrder, Item, Match, Object, Op, Opaque, Plane,
    Rule, Ruleset, RulesetRuntime, Set, Statement, Table, Value, Verdict,
};
use crate::section::{Content, Gap, Reader, Section, SectionName, State, Warning};
use crate::snapshot::{Snapshot, Target};

pub(super) const NFT: SectionName = SectionName::Nftables;

pub(super) fn port(number: u32) -> Item {
    Item::Match(Match {
        field: "tcp.dport".into(),
        op: Op::Eq,
        value: Value::Number(number),
    })
}

pub(super) fn rule(number: u32) -> Rule {
    let accept = Item::Statement(Statement::Verdict(Verdict::Accept));
    Rule {
        items: vec![port(number), accept],
        comment: None,
    }
}

pub(super) fn opaque() -> Rule {
    let payload = Hex(vec![1, 2, 3]);
    let item = Opaque {
        kind: "expression".into(),
        name: "osf".into(),
        revision: None,
        payload,
        text: None,
    };
    Rule {
        items: vec![Item::Opaque(item)],
        comment: None,
    }
}

pub(super) fn chain(name: &str, rules: impl IntoIterator<Item = Rule>) -> Chain {
    let base = BaseChain {
        chain_type: "filter".into(),
        hook: Hook::Input,
        priority: 0,
        policy: Verdict::Accept,
        devices: Vec::new(),
        offload: false,
    };
    Chain {
        name: name.into(),
        base: Some(base),
        comment: None,
        rules: rules.into_iter().collect(),
        opaque: Vec::new(),
    }
}

pub(super) fn set(name: &str, keys: impl IntoIterator<Item = u32>) -> Set {
    let element = |key| Element {
        key: Value::Number(key),
        data: None,
        timeout_ms: None,
        comment: None,
        statements: Vec::new(),
        opaque: Vec::new(),
    };
    Set {
        name: name.into(),
        key_type: "inet_service".into(),
        data_type: None,
        flags: vec!["interval".into()],
        timeout_ms: None,
        gc_interval_ms: None,
        size: None,
        policy: None,
        comment: None,
        elements: keys.into_iter().map(element).collect(),
        statements: Vec::new(),
        opaque: Vec::new(),
    }
}

pub(super) fn object(kind: &str, name: &str) -> Object {
    Object {
        kind: kind.into(),
        name: name.into(),
        comment: None,
        payload: Hex(vec![0]),
        definition: None,
        opaque: Vec::new(),
    }
}

pub(super) fn table(name: &str, chains: Vec<Chain>) -> Table {
    Table {
        family: Family::Ip,
        name: name.into(),
        flags: Vec::new(),
        comment: None,
        chains,
        sets: Vec::new(),
        objects: Vec::new(),
        opaque: Vec::new(),
    }
}

pub(super) fn ruleset(tables: Vec<Table>) -> Ruleset {
    Ruleset {
        plane: Plane::Nft,
        tables,
        hook_order: Vec::new(),
    }
}

pub(super) fn order(family: Family, chains: &[&str]) -> HookOrder {
    let id = |chain: &&str| ChainId {
        family: Family::Inet,
        table: "t".into(),
        chain: Text::from(*chain),
    };
    HookOrder {
        family,
        hook: Hook::Input,
        priority: 0,
        chains: chains.iter().map(id).collect(),
    }
}

pub(super) fn section(config: Ruleset) -> Section {
    Section {
        name: NFT,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: 1,
        taken_at_us: 0,
        generation: None,
        content: Some(Content::Netfilter {
            config,
            runtime: RulesetRuntime::default(),
        }),
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}

pub(super) fn absent() -> Section {
    let state = State::NotApplicable {
        why: "no nf_tables".into(),
    };
    Section {
        state,
        content: None,
        ..section(ruleset(Vec::new()))
    }
}

pub(super) fn gapped(config: Ruleset, path: &str) -> Section {
    let gap = Gap {
        path: path.into(),
        why: "a rule too large to dump".into(),
    };
    Section {
        state: State::Unreadable { why: "partly".into() },
        gaps: vec![gap],
        ..section(config)
    }
}

pub(super) fn warned(config: Ruleset, code: &str) -> Section {
    Section {
        warnings: vec![Warning {
            code: code.into(),
            message: String::new(),
        }],
        ..section(config)
    }
}

pub(super) fn snapshot(sections: Vec<Section>) -> Snapshot {
    Snapshot {
        target: Target::File { name: "made".into() },
        tool: "netghost test".into(),
        taken_at_us: 0,
        sections,
        coverage: Vec::new(),
        namespaces: None,
    }
}

pub(super) fn of_sections(before: Section, after: Section) -> Comparison {
    let found = compare(&snapshot(vec![before]), &snapshot(vec![after]), &[NFT]);
    serde_json::to_string(&found).unwrap();
    found
}

pub(super) fn of_rulesets(before: &Ruleset, after: &Ruleset) -> Comparison {
    json::digest(before).unwrap();
    of_sections(section(before.clone()), section(after.clone()))
}

pub(super) fn kinds(found: &Comparison) -> Vec<Kind> {
    found.changes.iter().map(|change| change.kind).collect()
}
