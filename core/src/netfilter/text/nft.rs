//! The syntax of `nft`.

use std::fmt::Write as _;

use crate::netfilter::model::{
    BaseChain, Chain, Element, ElementData, Family, Field, Item, Match, Object, Op, Opaque, Rule, Ruleset,
    Set, Statement, Table, Value, Verdict,
};

mod action;
mod implied;
mod inline;
mod object;
mod statement;
mod time;
mod value;
pub(crate) mod words;

use action::Before;
use value::{field_words, value};

/// A rule as `nft list ruleset` prints it, without counters' numbers. What is opaque is shown in brackets, which `nft` refuses.
pub fn rule(family: Family, rule: &Rule) -> String {
    let mut parts = items(implied::left_out(family, &rule.items));
    if let Some(answer) = parts.iter_mut().find(|part| *part == default_reject(family)) {
        "reject".clone_into(answer);
    }
    if let Some(comment) = &rule.comment {
        parts.push(format!("comment \"{comment}\""));
    }
    parts.join(" ")
}

/// As [`rule`], with the chains without a name that it jumps to written in place.
pub fn rule_in(table: &Table, one: &Rule) -> String {
    inline::rule_in(table, one)
}

/// The answer that `reject` alone gives.
fn default_reject(family: Family) -> &'static str {
    match family {
        Family::Ip => "reject with icmp port-unreachable",
        Family::Ip6 => "reject with icmpv6 port-unreachable",
        Family::Inet | Family::Bridge | Family::Netdev | Family::Arp => "reject with icmpx port-unreachable",
    }
}

/// A named object or flowtable as one line, without the braces and breaks of its block.
pub fn object(of: &Object) -> String {
    object::one_line(of)
}

/// A whole ruleset as a script that `nft -f` loads, for what is decoded.
pub fn ruleset(ruleset: &Ruleset) -> String {
    let mut tables: Vec<&Table> = ruleset.tables.iter().collect();
    tables.sort_by_key(|table| table_position(ruleset, table));
    tables
        .into_iter()
        .map(|table| table_block(ruleset, table))
        .collect()
}

/// Registration order decides between chains of one priority, so it is kept: tables and chains come in the order recorded.
fn table_position(ruleset: &Ruleset, table: &Table) -> usize {
    table
        .chains
        .iter()
        .map(|chain| chain_position(ruleset, table, chain))
        .min()
        .unwrap_or(usize::MAX)
}

fn chain_position(ruleset: &Ruleset, table: &Table, chain: &Chain) -> usize {
    let mut all = ruleset.hook_order.iter().flat_map(|order| &order.chains);
    all.position(|id| id.family == table.family && id.table == table.name && id.chain == chain.name)
        .unwrap_or(usize::MAX)
}

fn table_block(ruleset: &Ruleset, table: &Table) -> String {
    let mut out = format!("table {} {} {{\n", table.family, table.name);
    let flags: Vec<&str> = table
        .flags
        .iter()
        .map(String::as_str)
        .filter(|flag| *flag != "owner")
        .collect();
    if !flags.is_empty() {
        line(&mut out, 1, &format!("flags {};", flags.join(",")));
    }
    comment_line(&mut out, 1, table.comment.as_ref());
    for one in &table.objects {
        out.push_str(&object::block(one));
    }
    for set in &table.sets {
        out.push_str(&set_block(set));
    }
    let named = table.chains.iter().filter(|chain| !inline::is_implicit(chain));
    let mut chains: Vec<&Chain> = named.collect();
    chains.sort_by_cached_key(|chain| {
        (
            chain_position(ruleset, table, chain),
            inline::first_used(table, chain),
        )
    });
    for chain in chains {
        out.push_str(&chain_block(table, chain));
    }
    out.push_str("}\n");
    out
}

fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a String has no failure.
    let _ok = writeln!(out, "{:1$}{text}", "", depth * 4);
}

fn comment_line(out: &mut String, depth: usize, comment: Option<&crate::bytes::Text>) {
    if let Some(comment) = comment {
        line(out, depth, &format!("comment \"{comment}\";"));
    }
}

fn chain_block(table: &Table, chain: &Chain) -> String {
    let mut out = String::new();
    line(&mut out, 1, &format!("chain {} {{", chain.name));
    comment_line(&mut out, 2, chain.comment.as_ref());
    if let Some(base) = &chain.base {
        line(&mut out, 2, &hook_line(base));
    }
    for one in &chain.rules {
        line(&mut out, 2, &rule_in(table, one));
    }
    line(&mut out, 1, "}");
    out
}

fn hook_line(base: &BaseChain) -> String {
    let quoted: Vec<String> = base
        .devices
        .iter()
        .map(|device| format!("\"{device}\""))
        .collect();
    let devices = match quoted.as_slice() {
        [] => String::new(),
        [one] => format!(" device {one}"),
        all => format!(" devices = {{ {} }}", all.join(", ")),
    };
    let offload = if base.offload { " flags offload;" } else { "" };
    format!(
        "type {} hook {}{devices} priority {};{offload} policy {};",
        base.chain_type,
        base.hook.as_str(),
        base.priority,
        base.policy.word()
    )
}

fn set_block(set: &Set) -> String {
    let mut out = String::new();
    let kind = if set.data_type.is_some() { "map" } else { "set" };
    line(&mut out, 1, &format!("{kind} {} {{", set.name));
    let data = set
        .data_type
        .as_ref()
        .map(|data| format!(" : {data}"))
        .unwrap_or_default();
    line(&mut out, 2, &format!("type {}{data};", set.key_type));
    for text in set_properties(set) {
        line(&mut out, 2, &text);
    }
    comment_line(&mut out, 2, set.comment.as_ref());
    if !set.elements.is_empty() {
        let key = Field(set.key_type.clone());
        let holds = Field(set.data_type.clone().unwrap_or_default());
        let elements: Vec<String> = set
            .elements
            .iter()
            .map(|one| element(&key, &holds, one))
            .collect();
        line(&mut out, 2, &format!("elements = {{ {} }};", elements.join(", ")));
    }
    line(&mut out, 1, "}");
    out
}

fn set_properties(set: &Set) -> Vec<String> {
    let mut out = Vec::new();
    let flags: Vec<&str> = set
        .flags
        .iter()
        .map(String::as_str)
        .filter(|flag| *flag != "auto-merge")
        .collect();
    if !flags.is_empty() {
        out.push(format!("flags {};", flags.join(",")));
    }
    if let Some(timeout) = set.timeout_ms {
        out.push(format!("timeout {};", time::duration(timeout.0)));
    }
    if let Some(interval) = set.gc_interval_ms {
        out.push(format!("gc-interval {};", time::duration(interval.into())));
    }
    if let Some(size) = set.size {
        out.push(format!("size {size};"));
    }
    if let Some(policy) = &set.policy {
        out.push(format!("policy {policy};"));
    }
    if set.flags.iter().any(|flag| flag == "auto-merge") {
        out.push("auto-merge;".to_owned());
    }
    if !set.statements.is_empty() {
        out.push(items(&set.statements).join(" "));
    }
    out
}

fn element(key: &Field, holds: &Field, element: &Element) -> String {
    let mut out = value(key, &element.key);
    if !element.statements.is_empty() {
        out = format!("{out} {}", items(&element.statements).join(" "));
    }
    if let Some(timeout) = element.timeout_ms {
        out = format!("{out} timeout {}", time::duration(timeout.0));
    }
    if let Some(comment) = &element.comment {
        out = format!("{out} comment \"{comment}\"");
    }
    match &element.data {
        Some(data) => format!("{out} : {}", element_data(holds, data)),
        None => out,
    }
}

/// The value of a map that gives `field`, or a type of that name.
fn element_data(field: &Field, data: &ElementData) -> String {
    match data {
        ElementData::Value { value: data } => value(field, data),
        ElementData::Verdict { verdict: data } => verdict(data),
        ElementData::Object { name } => format!("\"{name}\""),
    }
}

/// The pairs of a map from one field to another in place, or its name.
fn map(
    (key, field): (&Field, &Field),
    name: Option<&crate::bytes::Text>,
    entries: &[(Value, ElementData)],
    before: &Before<'_>,
) -> String {
    match name {
        Some(name) => format!("@{name}"),
        None => {
            let pairs: Vec<String> = entries
                .iter()
                .map(
                    |(one, data)| match before.elements.iter().find(|whole| whole.key == *one) {
                        Some(whole) => element(key, field, whole),
                        None => format!("{} : {}", value(key, one), element_data(field, data)),
                    },
                )
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Jump { chain } | Verdict::Goto { chain } => format!("{} {chain}", verdict.word()),
        other => other.word().to_owned(),
    }
}

/// The steps of a rule. A lookup whose result the next translation takes is printed inside that translation, and what the
/// elements of a set carry inside that set.
fn items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<String> {
    let mut out = Vec::new();
    let mut before = Before::default();
    for item in items {
        match item {
            Item::Match(one) => out.push(matched(one, &before)),
            Item::Statement(Statement::Elements { elements }) => {
                before.elements = elements.iter().collect();
                continue;
            }
            Item::Statement(Statement::MapTo {
                key,
                field,
                map: name,
                entries,
            }) if action::is_taken(field) => {
                let pairs = map((key, field), name.as_ref(), entries, &before);
                let text = format!("{} map {pairs}", field_words(key));
                before.looked_up.push((field.clone(), text));
            }
            Item::Statement(one) => out.push(statement::statement(one, &before)),
            Item::Opaque(one) => out.push(opaque(one)),
        }
        before.elements.clear();
    }
    out
}

/// A set in place with what its elements carry.
fn elements(field: &Field, what: &Value, before: &Before<'_>) -> String {
    let all = match what {
        Value::Set(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts: Vec<String> = all
        .iter()
        .map(
            |one| match before.elements.iter().find(|whole| whole.key == *one) {
                Some(whole) => element(field, &Field(String::new()), whole),
                None => value(field, one),
            },
        )
        .collect();
    format!("{{ {} }}", texts.join(", "))
}

fn opaque(opaque: &Opaque) -> String {
    let revision = opaque
        .revision
        .map(|revision| format!(" revision {revision}"))
        .unwrap_or_default();
    let payload = opaque.payload.to_string();
    let space = if payload.is_empty() { "" } else { " " };
    format!("[{} {}{revision}{space}{payload}]", opaque.kind, opaque.name)
}

fn matched(one: &Match, before: &Before<'_>) -> String {
    let words = field_words(&one.field);
    if let Some(field) = one.field.0.strip_suffix(" present") {
        return presence(&Field(field.to_owned()), one);
    }
    // A set of one is that one in the model; of a concatenation `nft` takes sets only.
    if !before.elements.is_empty() || matches!(one.value, Value::Concat(_)) {
        return format!(
            "{words} {}{}",
            sign(one.op),
            elements(&one.field, &one.value, before)
        );
    }
    let printed = value(&one.field, &one.value);
    let computed = [" & ", " | ", " ^ ", " << ", " >> "];
    let is_single = value::parts(&one.field.0).len() == 1;
    let is_computed = is_single && computed.iter().any(|sign| one.field.0.contains(sign));
    match (&one.value, one.op) {
        (Value::Masked { mask, value: wanted }, op) => {
            let (mask, wanted) = (value(&one.field, mask), value(&one.field, wanted));
            if one.field.0 == "tcp.flags" {
                return format!("{words} {}{wanted} / {mask}", sign(op));
            }
            let sign = if op == Op::Ne { "!=" } else { "==" };
            format!("{words} & {} {sign} {wanted}", value::grouped(&mask))
        }
        (Value::Flags(_), Op::Eq) => format!("{words} == {}", value::either(&printed)),
        (Value::Flags(_), Op::Ne) => format!("{words} != {}", value::either(&printed)),
        (_, Op::Eq | Op::In) if is_computed => format!("{words} == {printed}"),
        (_, op) => format!("{words} {}{printed}", sign(op)),
    }
}

fn presence(field: &Field, one: &Match) -> String {
    let exists = matches!(
        (one.op, &one.value),
        (Op::Eq, Value::Number(1)) | (Op::Ne, Value::Number(0))
    );
    format!(
        "{} {}",
        field_words(field),
        if exists { "exists" } else { "missing" }
    )
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Eq | Op::In | Op::Any => "",
        Op::Ne | Op::NotIn => "!= ",
        Op::Lt => "< ",
        Op::Le => "<= ",
        Op::Gt => "> ",
        Op::Ge => ">= ",
        Op::None => "! ",
    }
}
