//! Named objects and flowtables.

use super::time::duration;
use super::{comment_line, line, statement};
use crate::netfilter::model::{
    Definition, Family, GeneveOption, Object, StateTimeout, Tunnel, TunnelOptions,
};
use crate::netfilter::names::{PROTOCOLS, name_of};

/// An object as a block of its table. What `nft` can't say is a comment, so that what it can say loads.
pub(super) fn block(object: &Object) -> String {
    let mut out = String::new();
    let Some(definition) = &object.definition else {
        undecoded(&mut out, object, &object.payload.to_string());
        return out;
    };
    let lines = lines(definition);
    if let Definition::CtCount { .. } = definition {
        // `nft` knows the statement, and no object of it.
        undecoded(&mut out, object, &lines.join(" "));
        return out;
    }
    line(&mut out, 1, &format!("{} {} {{", object.kind, object.name));
    comment_line(&mut out, 2, object.comment.as_ref());
    for text in lines {
        line(&mut out, 2, &text);
    }
    for attribute in &object.opaque {
        let text = format!("# attribute {}: {}", attribute.number, attribute.payload);
        line(&mut out, 2, &text);
    }
    line(&mut out, 1, "}");
    out
}

/// An object for people, on one line.
pub(super) fn one_line(object: &Object) -> String {
    let what = match &object.definition {
        Some(definition) => lines(definition).join(" "),
        None => format!("[{}]", object.payload),
    };
    let space = if what.is_empty() { "" } else { " " };
    format!("{} {}{space}{what}", object.kind, object.name)
}

fn undecoded(out: &mut String, object: &Object, what: &str) {
    let text = format!("# {} {}, which nft can't say: {what}", object.kind, object.name);
    line(out, 1, &text);
}

/// What stands between the braces.
fn lines(definition: &Definition) -> Vec<String> {
    match definition {
        Definition::Counter => Vec::new(),
        Definition::Quota { bytes, over } => {
            let over = if *over { "over " } else { "" };
            vec![format!("{over}{bytes} bytes")]
        }
        Definition::Limit {
            rate,
            unit,
            burst,
            bytes,
            over,
        } => {
            let text = statement::limit((*rate, *unit), *burst, *bytes, *over);
            vec![text.trim_start_matches("limit ").to_owned()]
        }
        Definition::CtHelper { .. } | Definition::CtTimeout { .. } | Definition::CtExpectation { .. } => {
            connection(definition)
        }
        Definition::Secmark { context } => vec![format!("\"{context}\"")],
        Definition::Synproxy {
            mss,
            window_scale,
            flags,
        } => synproxy(*mss, *window_scale, flags),
        Definition::CtCount { count, over } => {
            let over = if *over { "over " } else { "" };
            vec![format!("{over}{count}")]
        }
        Definition::Tunnel(of) => tunnel(of),
        Definition::Flowtable {
            hook,
            priority,
            devices,
            flags,
        } => flowtable(hook.as_str(), *priority, devices, flags),
    }
}

/// Objects of connection tracking.
fn connection(definition: &Definition) -> Vec<String> {
    match definition {
        Definition::CtHelper {
            helper,
            family,
            protocol,
        } => vec![
            format!("type \"{helper}\" protocol {};", word(*protocol)),
            l3proto(*family),
        ],
        Definition::CtTimeout {
            family,
            protocol,
            policy,
        } => vec![
            format!("protocol {};", word(*protocol)),
            l3proto(*family),
            timeouts(policy),
        ],
        Definition::CtExpectation {
            family,
            protocol,
            port,
            timeout_ms,
            size,
        } => vec![
            format!("protocol {};", word(*protocol)),
            format!("dport {port};"),
            format!("timeout {};", duration((*timeout_ms).into())),
            format!("size {size};"),
            l3proto(*family),
        ],
        _ => Vec::new(),
    }
}

fn word(protocol: u8) -> String {
    name_of(&PROTOCOLS, protocol.into()).map_or_else(|| protocol.to_string(), str::to_owned)
}

fn l3proto(family: Family) -> String {
    format!("l3proto {family};")
}

fn timeouts(policy: &[StateTimeout]) -> String {
    let states: Vec<String> = policy
        .iter()
        .map(|one| format!("{} : {}", one.state, one.seconds))
        .collect();
    format!("policy = {{ {} }}", states.join(", "))
}

fn synproxy(mss: Option<u16>, window_scale: Option<u8>, flags: &[String]) -> Vec<String> {
    let mut out: Vec<String> = mss.iter().map(|mss| format!("mss {mss}")).collect();
    out.extend(window_scale.iter().map(|scale| format!("wscale {scale}")));
    // The only order that `nft` takes.
    let known = ["timestamp", "sack-perm"];
    let given: Vec<&str> = known
        .into_iter()
        .filter(|word| flags.iter().any(|flag| flag == word))
        .collect();
    out.extend((!given.is_empty()).then(|| given.join(" ")));
    out
}

fn flowtable(hook: &str, priority: i32, devices: &[crate::bytes::Text], flags: &[String]) -> Vec<String> {
    let mut out = vec![format!("hook {hook} priority {priority};")];
    if !devices.is_empty() {
        let quoted: Vec<String> = devices.iter().map(|device| format!("\"{device}\"")).collect();
        out.push(format!("devices = {{ {} }};", quoted.join(", ")));
    }
    let offload = flags.iter().any(|flag| flag == "offload");
    out.extend(offload.then(|| "flags offload;".to_owned()));
    let counts = flags.iter().any(|flag| flag == "counter");
    out.extend(counts.then(|| "counter".to_owned()));
    out
}

/// As `nft` 1.1.6 takes it; flags have no words there.
fn tunnel(of: &Tunnel) -> Vec<String> {
    let mut out = vec![format!("id {}", of.id)];
    for (word, address) in [("saddr", of.source), ("daddr", of.destination)] {
        out.extend(address.map(|address| {
            let family = if address.is_ipv4() { "ip" } else { "ip6" };
            format!("{family} {word} {address}")
        }));
    }
    let numbers = [
        ("sport", of.source_port.map(u32::from)),
        ("dport", of.destination_port.map(u32::from)),
        ("tos", of.tos.map(u32::from)),
        ("ttl", of.ttl.map(u32::from)),
    ];
    for (word, number) in numbers {
        out.extend(number.map(|number| format!("{word} {number}")));
    }
    out.extend(of.options.as_ref().map(options));
    let label = of.flow_label.map(|label| format!("flow label {label}"));
    let flags = (!of.flags.is_empty()).then(|| format!("flags {}", of.flags.join(",")));
    let unsaid: Vec<String> = label.into_iter().chain(flags).collect();
    out.extend((!unsaid.is_empty()).then(|| format!("# and, which nft can't say: {}", unsaid.join(", "))));
    out
}

fn options(options: &TunnelOptions) -> String {
    match options {
        TunnelOptions::Vxlan { gbp } => format!("vxlan {{ gbp {gbp}; }}"),
        TunnelOptions::Erspan1 { index } => format!("erspan {{ version 1; index {index}; }}"),
        TunnelOptions::Erspan2 { hardware, direction } => {
            let direction = if *direction == 0 { "ingress" } else { "egress" };
            format!("erspan {{ version 2; direction {direction}; id {hardware}; }}")
        }
        TunnelOptions::Geneve { options } => {
            let all: Vec<String> = options.iter().map(geneve).collect();
            format!("geneve {{ {} }}", all.join(" "))
        }
    }
}

fn geneve(option: &GeneveOption) -> String {
    format!(
        "class {:#x} opt-type {:#x} data \"0x{}\";",
        option.class, option.option_type, option.data
    )
}
