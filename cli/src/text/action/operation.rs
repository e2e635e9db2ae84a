//! Operations in words.

use netghost_core::gate::{IpFamily, Operation, Place, QdiscPlace, QdiscSpec, RuleRef};

use crate::{rate, span};

/// An operation in a line.
pub fn operation(operation: &Operation) -> String {
    match operation {
        Operation::NftDelete {
            family,
            table,
            chain,
            rule,
        } => {
            format!(
                "nft: delete from {} {table} {chain}: {}",
                family.as_str(),
                rule_ref(rule)
            )
        }
        Operation::NftInsert {
            family,
            table,
            chain,
            place,
            rule,
        } => {
            format!(
                "nft: insert into {} {table} {chain} {}: {rule}",
                family.as_str(),
                place_text(place)
            )
        }
        Operation::LegacyDelete {
            family,
            table,
            chain,
            rule,
        } => {
            let tool = match family {
                IpFamily::Ip => "iptables",
                IpFamily::Ip6 => "ip6tables",
            };
            format!("legacy {tool}: delete from {table} {chain}: {}", rule_ref(rule))
        }
        Operation::QdiscRemove { device, at } => format!("tc: remove the {} of {device}", qdisc_place(*at)),
        Operation::QdiscReplace { device, qdisc } => {
            format!("tc: replace the root qdisc of {device} by {}", qdisc_text(qdisc))
        }
        Operation::PackageInstall { package } => format!("install the package {package}"),
        Operation::ServerStart {
            server,
            port,
            lease_s,
        } => format!(
            "start {} on port {port} for {}",
            server.program(),
            span::shown(u64::from(*lease_s) * 1_000)
        ),
        Operation::ServerStop { action } => format!("stop the server that action {action} started"),
        Operation::Undo { action } => format!("undo action {action}"),
    }
}

fn qdisc_place(at: QdiscPlace) -> &'static str {
    match at {
        QdiscPlace::Root => "root qdisc",
        QdiscPlace::Ingress => "ingress or clsact qdisc",
    }
}

fn rule_ref(rule: &RuleRef) -> String {
    match rule.occurrence {
        1 => rule.text.to_string(),
        number => format!("{} (number {number} of those that read so)", rule.text),
    }
}

fn place_text(place: &Place) -> String {
    match place {
        Place::First => "before all others".to_owned(),
        Place::Last => "behind all others".to_owned(),
        Place::Before { rule } => format!("before [{}]", rule_ref(rule)),
        Place::After { rule } => format!("behind [{}]", rule_ref(rule)),
    }
}

fn qdisc_text(qdisc: &QdiscSpec) -> String {
    match qdisc {
        QdiscSpec::PfifoFast | QdiscSpec::FqCodel | QdiscSpec::Fq => qdisc.kind().to_owned(),
        QdiscSpec::Pfifo { limit } => format!("pfifo limit {limit} packets"),
        QdiscSpec::Tbf { rate, burst, limit } => format!(
            "tbf rate {} burst {burst} bytes limit {limit} bytes",
            rate::shown(*rate)
        ),
    }
}
