//! Named sets, maps and objects.

use super::Kind;
use super::comparison::Change;
use super::pair::by_key;
use super::ruleset::{Scope, Tables, comment, table_path};
use super::side::Value;
use crate::netfilter::model::{self, Element, Object, Set};

/// Everything that differs between the named sets and maps of a table.
pub(super) fn compare(scope: &Scope<'_>, tables: Tables<'_>) -> Vec<Change> {
    let table = table_path(tables.before);
    let mut out = Vec::new();
    for pair in by_key(&tables.before.sets, &tables.after.sets, |set| &set.name) {
        let Some(named) = pair.0.or(pair.1) else { continue };
        if scope.gaps.touch_named(&table, "set", &named.name.to_string()) {
            continue;
        }
        let path = format!("{table}/set[{}]", named.name);
        match pair {
            (Some(one), Some(other)) => out.extend(both(scope, &path, one, other)),
            (Some(one), None) => out.push(scope.change(Kind::SetRemoved, path).before(whole(one))),
            (None, Some(other)) => out.push(scope.change(Kind::SetAdded, path).after(whole(other))),
            (None, None) => {}
        }
    }
    out
}

fn whole(set: &Set) -> Value {
    Value::Set(Box::new(set.clone()))
}

/// The definition without the elements, and without what has a kind of its own.
fn definition(set: &Set) -> Value {
    whole(&Set {
        elements: Vec::new(),
        ..set.clone()
    })
}

fn both(scope: &Scope<'_>, path: &str, one: &Set, other: &Set) -> Vec<Change> {
    let kinds = [
        (
            Kind::SetTypeChanged,
            one.key_type != other.key_type || one.data_type != other.data_type,
        ),
        (Kind::SetFlagsChanged, one.flags != other.flags),
        (Kind::SetTimeoutChanged, one.timeout_ms != other.timeout_ms),
        (Kind::SetChanged, rest(one) != rest(other)),
    ];
    let mut out: Vec<Change> = kinds
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(kind, _)| {
            scope
                .change(kind, path)
                .before(definition(one))
                .after(definition(other))
        })
        .collect();
    out.extend(comment(scope, path, &one.comment, &other.comment));
    // The elements of a dynamic set are runtime: where only one side is dynamic, there is nothing to compare them with.
    if dynamic(one) == dynamic(other) {
        out.extend(elements(scope, path, one, other));
    }
    out
}

fn rest(set: &Set) -> impl PartialEq + '_ {
    (
        set.gc_interval_ms,
        set.size,
        &set.policy,
        &set.statements,
        &set.opaque,
    )
}

fn dynamic(set: &Set) -> bool {
    set.flags.iter().any(|flag| flag == "dynamic")
}

fn elements(scope: &Scope<'_>, path: &str, one: &Set, other: &Set) -> Vec<Change> {
    let mut out = Vec::new();
    for pair in by_key(&one.elements, &other.elements, |element| &element.key) {
        let Some(named) = pair.0.or(pair.1) else { continue };
        let path = format!("{path}/element[{}]", key(&named.key));
        let value = |element: &Element| Value::Element(element.clone());
        out.extend(match pair {
            (Some(one), Some(other)) if one != other => Some(element(scope, path, one, other)),
            (Some(_), Some(_)) | (None, None) => None,
            (Some(one), None) => Some(scope.change(Kind::SetElementRemoved, path).before(value(one))),
            (None, Some(other)) => Some(scope.change(Kind::SetElementAdded, path).after(value(other))),
        });
    }
    out
}

/// A key for people: as `nft` writes it where that is short, else its JSON.
fn key(value: &model::Value) -> String {
    use model::Value as V;
    match value {
        V::Number(number) => number.to_string(),
        V::Wide(number) => number.to_string(),
        V::Address(address) => address.to_string(),
        V::Prefix { address, length } => format!("{address}/{length}"),
        V::Mac(word) | V::Symbol(word) => word.clone(),
        V::Text(text) | V::SetName(text) => text.to_string(),
        V::Range { from, to } => format!("{}-{}", key(from), key(to)),
        V::Concat(parts) => parts.iter().map(key).collect::<Vec<_>>().join(" . "),
        V::Bytes(bytes) => format!("0x{bytes}"),
        V::Flags(_) | V::Masked { .. } | V::Set(_) | V::Field(_) | V::Parts(_) => {
            serde_json::to_string(value).unwrap_or_else(|_| "?".to_owned())
        }
    }
}

/// An element that is on both sides and not the same.
fn element(scope: &Scope<'_>, path: String, one: &Element, other: &Element) -> Change {
    let recommented = Element {
        comment: other.comment.clone(),
        ..one.clone()
    };
    let kind = if recommented == *other {
        Kind::CommentChanged
    } else {
        Kind::SetElementChanged
    };
    scope
        .change(kind, path)
        .before(Value::Element(one.clone()))
        .after(Value::Element(other.clone()))
}

/// Everything that differs between the named objects and flowtables of a table.
pub(super) fn objects(scope: &Scope<'_>, tables: Tables<'_>) -> Vec<Change> {
    let table = table_path(tables.before);
    let key = |object: &Object| (object.kind.clone(), object.name.clone());
    let mut out = Vec::new();
    for (before, after) in by_key(&tables.before.objects, &tables.after.objects, key) {
        let Some(named) = before.or(after) else { continue };
        if before == after
            || scope
                .gaps
                .touch_named(&table, &named.kind, &named.name.to_string())
        {
            continue;
        }
        let kind = match (before, after) {
            (Some(one), Some(other)) if recommented(one, other) => Kind::CommentChanged,
            (Some(_), None) => Kind::ObjectRemoved,
            (None, _) => Kind::ObjectAdded,
            (Some(_), Some(_)) => Kind::ObjectChanged,
        };
        let change = scope.change(kind, format!("{table}/{}[{}]", named.kind, named.name));
        out.push(
            change
                .before(before.cloned().map(Value::Object))
                .after(after.cloned().map(Value::Object)),
        );
    }
    out
}

/// True if nothing but the comment differs.
fn recommented(one: &Object, other: &Object) -> bool {
    let comment = other.comment.clone();
    Object {
        comment,
        ..one.clone()
    } == *other
}
