//! Snapshots for the tests of this module.

use crate::bytes::{Big, Hex, Text};
use crate::namespace::{Asked, Namespace, NamespaceState, Namespaces};
use crate::netfilter::model::{
    BaseChain, Chain, ChainRuntime, Counters, Element, Family, Hook, Item, Match, Op, Opaque, Plane,
    RejectWith, Rule, RuleRuntime, Ruleset, RulesetRuntime, Set, SetRuntime, Statement, Table, TableRuntime,
    Value, Verdict,
};
use crate::raw::{Raw, TextRaw};
use crate::section::coverage::coverage;
use crate::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};
use crate::snapshot::{Snapshot, Target};
use crate::tc::{TcConfig, TcRuntime};

/// A rule of these steps.
pub(crate) fn rule(items: Vec<Item>) -> Rule {
    Rule {
        items,
        comment: Some(Text::from(&b"not utf-8: \xff"[..])),
    }
}

/// A rule that matches TCP port 22 and then does this.
pub(crate) fn ssh(statement: Statement) -> Rule {
    let port = Match {
        field: "tcp.dport".into(),
        op: Op::Eq,
        value: Value::Number(22),
    };
    rule(vec![Item::Match(port), Item::Statement(statement)])
}

fn rules() -> Vec<Rule> {
    let opaque = Opaque {
        kind: "match".into(),
        name: "hashlimit".into(),
        revision: Some(3),
        payload: Hex(vec![0, 255]),
        text: None,
    };
    vec![
        ssh(Statement::Verdict(Verdict::Drop)),
        ssh(Statement::Reject {
            with: RejectWith::TcpReset,
        }),
        ssh(Statement::Verdict(Verdict::Jump { chain: "user".into() })),
        rule(vec![
            Item::Opaque(opaque),
            Item::Statement(Statement::Counter { name: None }),
        ]),
    ]
}

fn set() -> Set {
    let element = Element {
        key: Value::Concat(vec![
            Value::Prefix {
                address: [10, 0, 0, 0].into(),
                length: 8,
            },
            Value::Range {
                from: Box::new(Value::Number(1)),
                to: Box::new(Value::Wide(Big(u64::MAX))),
            },
        ]),
        data: None,
        timeout_ms: Some(Big(u64::MAX)),
        comment: None,
        statements: vec![],
        opaque: Vec::new(),
    };
    Set {
        name: "blocked".into(),
        key_type: "ipv4_addr . inet_service".into(),
        data_type: None,
        flags: vec!["interval".into()],
        timeout_ms: None,
        gc_interval_ms: None,
        size: Some(u32::MAX),
        policy: None,
        comment: None,
        elements: vec![element],
        statements: vec![],
        opaque: Vec::new(),
    }
}

/// A ruleset with something of everything that the display takes apart.
pub(crate) fn ruleset(plane: Plane, policy: Verdict) -> Content {
    let base = BaseChain {
        chain_type: "filter".into(),
        hook: Hook::Input,
        priority: -100,
        policy,
        devices: vec![],
        offload: false,
    };
    let input = Chain {
        name: "INPUT".into(),
        base: Some(base),
        comment: None,
        rules: rules(),
        opaque: Vec::new(),
    };
    let user = Chain {
        name: "user".into(),
        base: None,
        comment: None,
        rules: vec![],
        opaque: Vec::new(),
    };
    let table = Table {
        family: Family::Ip,
        name: "filter".into(),
        flags: vec![],
        comment: None,
        chains: vec![input, user],
        sets: vec![set()],
        objects: vec![],
        opaque: Vec::new(),
    };
    Content::Netfilter {
        config: Ruleset {
            plane,
            tables: vec![table],
            hook_order: vec![],
        },
        runtime: RulesetRuntime {
            tables: vec![runtime()],
        },
    }
}

/// The runtime side of [`ruleset`].
fn runtime() -> TableRuntime {
    let counted = Counters {
        packets: Big(9_007_199_254_740_993),
        bytes: Big(u64::MAX),
    };
    let rules = [Some(counted), None, Some(Counters::default()), None]
        .map(|counters| RuleRuntime {
            handle: Some(Big(7)),
            counters,
            hidden: false,
        })
        .to_vec();
    let input = ChainRuntime {
        handle: Some(Big(1)),
        policy_counters: Some(counted),
        rules,
    };
    TableRuntime {
        handle: None,
        chains: vec![input, ChainRuntime::default()],
        sets: vec![SetRuntime::default()],
        objects: Vec::new(),
        owner: None,
    }
}

/// A section of this name and content, captured.
pub(crate) fn section(name: SectionName, content: Content) -> Section {
    Section {
        name,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: 1_700_000_000_000_001,
        generation: Some(u32::MAX),
        content: Some(content),
        raw: Some(Raw::Text(TextRaw {
            text: format!("raw of {name}").into(),
        })),
        gaps: vec![],
        warnings: vec![Warning {
            code: "NOTED".into(),
            message: "something".into(),
        }],
    }
}

/// A snapshot with a section in every state.
pub(crate) fn snapshot() -> Snapshot {
    let legacy = SectionName::XtablesLegacyIpv4;
    let mut gone = section(
        SectionName::XtablesLegacyIpv6,
        ruleset(Plane::Legacy, Verdict::Accept),
    );
    (gone.content, gone.raw) = (None, None);
    gone.state = State::NotApplicable {
        why: "no table is loaded".into(),
    };
    let tc = Content::Tc {
        config: TcConfig::default(),
        runtime: TcRuntime::default(),
    };
    let mut torn = section(SectionName::Tc, tc);
    torn.state = State::Torn {
        why: "it changed 8 times".into(),
    };
    let mut refused = gone.clone();
    refused.name = SectionName::Routes;
    refused.state = State::Unreadable { why: "EPERM".into() };
    refused.gaps = vec![Gap {
        path: "routes".into(),
        why: "EPERM".into(),
    }];
    let sections = vec![
        section(SectionName::Nftables, ruleset(Plane::Nft, Verdict::Drop)),
        section(legacy, ruleset(Plane::Legacy, Verdict::Drop)),
        gone,
        torn,
        refused,
    ];
    let target = Target::Host {
        name: Text::from(&b"vm\xff"[..]),
        boot_id: Some("4e1f".into()),
        kernel: "6.1.0".into(),
    };
    Snapshot {
        target,
        tool: "netghost 0.1.0".into(),
        taken_at_us: 1_700_000_000_000_002,
        coverage: coverage(&sections),
        sections,
        namespaces: None,
    }
}

/// [`snapshot`] with another namespace that was read, one that was not, and one that ended.
pub(crate) fn with_namespaces() -> Snapshot {
    let tc = Content::Tc {
        config: TcConfig::default(),
        runtime: TcRuntime::default(),
    };
    let sections = vec![
        section(SectionName::Nftables, ruleset(Plane::Nft, Verdict::Accept)),
        section(SectionName::Tc, tc),
    ];
    let unread = NamespaceState::Unread {
        why: "the door is shut".into(),
    };
    let gone = NamespaceState::Gone {
        why: "it ended".into(),
    };
    let all = vec![
        Namespace::read("blue".into(), sections),
        Namespace::unread("red".into(), unread),
        Namespace::unread(Text::from(&b"\xff"[..]), gone),
    ];
    snapshot().with_namespaces(Namespaces::new(Asked::All, None, all))
}
