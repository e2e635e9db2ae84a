//! What the changes of a drift check mean: worked out here, from the two snapshots that the controller keeps.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;

use anyhow::Context;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{ObjectError, load};
use netghost_core::diff::{Explanation, compare, explain as meanings};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// A change by section, kind and path, as the document writes them.
type Key = [String; 3];

/// Puts an explanation to each change of the document. Where the snapshots can't be had, it says so: the answer stands.
pub(super) fn explain(fleet: &mut Fleet, document: &mut Value) {
    let mut by_target: HashMap<String, Result<HashMap<Key, Explanation>, String>> = HashMap::new();
    for target in rows(document, "targets") {
        if !rows(target, "changes").is_empty() {
            let found = target_meanings(fleet, target).map_err(|error| format!("{error:#}"));
            by_target.insert(word(target, "name"), found);
        }
    }
    for target in rows_mut(document, "targets") {
        let name = word(target, "name");
        rows_mut(target, "changes")
            .iter_mut()
            .for_each(|change| attach(change, by_target.get(&name)));
    }
    for change in rows_mut(document, "changes") {
        let name = word(change, "target");
        attach(change, by_target.get(&name));
    }
}

fn rows<'v>(of: &'v Value, field: &str) -> &'v [Value] {
    of.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn rows_mut<'v>(of: &'v mut Value, field: &str) -> &'v mut [Value] {
    let rows = of.get_mut(field).and_then(Value::as_array_mut);
    rows.map_or(&mut [], Vec::as_mut_slice)
}

fn word(of: &Value, field: &str) -> String {
    let word = of.get(field).and_then(Value::as_str);
    word.unwrap_or_default().to_owned()
}

fn key(change: &Value) -> Key {
    ["section", "kind", "path"].map(|field| word(change, field))
}

fn attach(change: &mut Value, found: Option<&Result<HashMap<Key, Explanation>, String>>) {
    let missing = |why: &str| json!({"text": format!("Not explained: {why}."), "evidence": []});
    let told = match found {
        Some(Ok(all)) => all
            .get(&key(change))
            .and_then(|explanation| serde_json::to_value(explanation).ok())
            .unwrap_or_else(|| missing("this version finds no such change in the two snapshots")),
        Some(Err(why)) => missing(why),
        None => missing("its target is not in the document"),
    };
    if let Some(fields) = change.as_object_mut() {
        fields.insert("explanation".to_owned(), told);
    }
}

fn target_meanings(fleet: &mut Fleet, target: &Value) -> anyhow::Result<HashMap<Key, Explanation>> {
    let mut side = |name: &str| {
        let digest = target.get("manifests").and_then(|manifests| manifests.get(name));
        let digest = digest.and_then(Value::as_str).and_then(Digest::parse);
        let digest = digest.with_context(|| format!("the document names no {name} snapshot"))?;
        snapshot(fleet, &digest).with_context(|| format!("the {name} snapshot can't be read"))
    };
    let (before, after) = (side("baseline")?, side("current")?);
    let mut names: Vec<SectionName> = [&before, &after]
        .iter()
        .flat_map(|side| side.sections.iter().map(|section| section.name))
        .collect();
    names.sort();
    names.dedup();
    let found = compare(&before, &after, &names);
    let told = meanings(&found, &before, &after);
    let keys = found.changes.iter().map(|change| {
        [
            change.section.to_string(),
            change.kind.to_string(),
            change.path.clone(),
        ]
    });
    Ok(keys.zip(told).collect())
}

fn snapshot(fleet: &mut Fleet, digest: &Digest) -> anyhow::Result<Snapshot> {
    let manifest = fleet.object(digest).map_err(|failure| failure.error)?;
    let fleet = RefCell::new(fleet);
    let get = |digest: &Digest| {
        let bytes = fleet.borrow_mut().object(digest);
        bytes.map_err(|failure| ObjectError::Unread(io::Error::other(format!("{:#}", failure.error))))
    };
    Ok(load(&manifest, &get)?)
}
