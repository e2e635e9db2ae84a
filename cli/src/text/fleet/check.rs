//! What a drift check found, from the document that the controller wrote.

use netghost_core::diff::fleet::ALL_TARGETS;
use netghost_core::job::Way;
use serde_json::Value;

use super::super::comparison::plural;
use super::{counted, one_line};
use crate::clock;

/// The verdict, then each target with its changes, then what is not covered.
pub fn check(document: &Value) -> String {
    let targets = list(document, "targets");
    let verdict = text(document, "verdict");
    let changes = list(document, "changes").len();
    let aside = aside(document, targets);
    let mut out = format!(
        "{verdict}: {} on {} of {}{}\n",
        plural(changes, "change"),
        targets
            .iter()
            .filter(|target| !list(target, "changes").is_empty())
            .count(),
        counted(
            targets.len(),
            targets.iter().filter(|target| is_of_azure(target)).count()
        ),
        match aside.len() {
            0 => String::new(),
            number => format!(", {number} not checked"),
        }
    );
    out += &format!(
        "  baseline {}, job {}\n",
        one_line(&text(document, "baseline")),
        one_line(&text(document, "job"))
    );
    if let Some(why) = document.get("why").and_then(Value::as_str) {
        out += &format!("  {}\n", one_line(why));
    }
    for row in aside {
        let name = one_line(&text(row, "target"));
        out += &format!("  not checked: {name}: {}\n", one_line(&text(row, "why")));
    }
    for row in targets {
        out += &target(row);
    }
    out
}

/// VMs that nobody checked, so that they are no targets.
fn aside<'a>(document: &'a Value, targets: &[Value]) -> Vec<&'a Value> {
    let told = |name: Option<&Value>| {
        name.and_then(Value::as_str) == Some(ALL_TARGETS)
            || targets.iter().any(|target| Some(called(target)) == name)
    };
    let rows = list(document, "not_covered").iter();
    rows.filter(|row| !told(row.get("target"))).collect()
}

fn is_of_azure(target: &Value) -> bool {
    target.get("way").and_then(Value::as_str) == Some(Way::Arm.as_str())
}

/// What rows of changes and gaps call a target: something in Azure by its resource id, a host by its name.
fn called(target: &Value) -> &Value {
    let resource = target.get("resource").filter(|_| is_of_azure(target));
    resource.or_else(|| target.get("name")).unwrap_or(&Value::Null)
}

/// The target in its own line: by its resource id where it has one, and the way by which it was read where it has no agent.
fn head(target: &Value) -> String {
    let field = if target.get("resource").is_some() {
        "resource"
    } else {
        "name"
    };
    let way = match target.get("way").and_then(Value::as_str).and_then(Way::parse) {
        Some(way @ (Way::RunCommand | Way::Ssh)) => format!(", read by {way}"),
        _ => String::new(),
    };
    let (name, verdict) = (text(target, field), text(target, "verdict"));
    format!("\n{}: {verdict}{way}\n", one_line(&name))
}

fn target(target: &Value) -> String {
    let mut out = head(target);
    let mut section = String::new();
    for change in list(target, "changes") {
        let here = within(text(change, "section"), change);
        if here != section {
            out += &format!("  {}\n", one_line(&here));
            section = here;
        }
        out += &self::change(change);
    }
    let (asked, rest): (Vec<&Value>, Vec<&Value>) = list(target, "not_covered")
        .iter()
        .partition(|row| row.get("requested").and_then(Value::as_bool) != Some(false));
    for row in asked {
        out += &format!("  not covered: {}\n", one_line(&gap(row)));
    }
    if !rest.is_empty() {
        let names: Vec<String> = rest.iter().map(|row| place(row)).collect();
        out += &format!("  not requested: {}\n", one_line(&names.join(", ")));
    }
    out
}

/// Who made a change in Azure, as far as the Activity Log says.
fn attribution(said: Option<&Value>) -> String {
    let Some(said) = said else {
        return String::new();
    };
    let time = |field: &str| {
        let at = said.get("searched").and_then(|searched| searched.get(field));
        clock::shown(super::windows::micros(at))
    };
    let mut out = match text(said, "outcome").as_str() {
        "recorded" => String::new(),
        "no_record" => format!(
            "      by: no record from {} to {}\n",
            time("from_us"),
            time("to_us")
        ),
        _ if said.get("searched").is_none_or(Value::is_null) => {
            "      by: not known, the log could not be read whole\n".to_owned()
        }
        _ => format!(
            "      by: not known, the log could not be read whole; no record in what was read, from {} to {}\n",
            time("from_us"),
            time("to_us")
        ),
    };
    for event in list(said, "events") {
        out += &format!("      by: {}\n", one_line(&super::windows::record(event)));
    }
    if let Some(why) = said.get("why").and_then(Value::as_str) {
        out += &format!("      {}\n", one_line(why));
    }
    out
}

fn change(change: &Value) -> String {
    let maker = change.get("maker").and_then(Value::as_str);
    let maker = maker.map(|maker| format!("  [{maker}]")).unwrap_or_default();
    let mut out = format!(
        "    {} {}{}\n",
        one_line(&text(change, "kind")),
        one_line(&text(change, "path")),
        one_line(&maker)
    );
    for (mark, field) in [('-', "before"), ('+', "after")] {
        let side = change.get(field).filter(|side| !side.is_null());
        for line in side.into_iter().flat_map(lines) {
            out += &format!("      {mark} {}\n", one_line(&line));
        }
    }
    if change.get("effect").is_some_and(Value::is_string) {
        let rating = one_line(&text(change, "significance"));
        out += &format!("      {rating}: {}\n", one_line(&text(change, "effect")));
    }
    out + &meaning(change)
}

/// What a change means, where that was asked for.
fn meaning(change: &Value) -> String {
    let Some(explanation) = change.get("explanation") else {
        return String::new();
    };
    let mut out = format!("      {}\n", one_line(&text(explanation, "text")));
    for row in list(explanation, "evidence") {
        let part = |name: &str| one_line(&text(row, name));
        let role = part("role").replace('_', " ");
        out += &format!(
            "        {role} ({}): {}: {}\n",
            part("side"),
            part("path"),
            part("text")
        );
    }
    out += &attribution(change.get("attribution"));
    out
}

/// A side of a change, in as many lines as it takes.
fn lines(side: &Value) -> Vec<String> {
    let rules = |of: &Value| -> Vec<String> { list(of, "rules").iter().flat_map(lines).collect() };
    match side {
        Value::String(text) => vec![text.clone()],
        Value::Object(fields) if fields.get("text").is_some_and(Value::is_string) => {
            let position = fields.get("position").and_then(Value::as_u64);
            let position = position
                .map(|number| format!("{number:>4}  "))
                .unwrap_or_default();
            vec![format!("{position}{}", text(side, "text"))]
        }
        Value::Object(fields) if fields.contains_key("rules") && fields.contains_key("name") => {
            let mut all = vec![format!("chain {}", text(side, "name"))];
            all.extend(rules(side));
            all
        }
        Value::Object(fields) if fields.contains_key("chains") && fields.contains_key("name") => {
            let mut all = vec![format!("table {}", text(side, "name"))];
            all.extend(list(side, "chains").iter().flat_map(lines));
            all
        }
        Value::Array(all) if all.iter().all(Value::is_string) => {
            let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            vec![words.join(", ")]
        }
        other => vec![other.to_string()],
    }
}

fn gap(row: &Value) -> String {
    format!("{}: {}", place(row), text(row, "why"))
}

/// Which part: a section, a mechanism, a path in it; all of the target where none is named.
fn place(row: &Value) -> String {
    let parts: Vec<&str> = ["section", "mechanism", "path"]
        .iter()
        .filter_map(|field| row.get(*field).and_then(Value::as_str))
        .collect();
    let place = if parts.is_empty() {
        "all sections".to_owned()
    } else {
        parts.join(" ")
    };
    within(place, row)
}

/// A place, with the network namespace that the row is of.
fn within(place: String, row: &Value) -> String {
    // What is said of a namespace as a whole names it already.
    let inside = row.get("section").and_then(Value::as_str) != Some("namespaces");
    match row.get("namespace").filter(|_| inside) {
        Some(_) => format!("{place} in namespace {}", text(row, "namespace")),
        None => place,
    }
}

fn list<'a>(of: &'a Value, field: &str) -> &'a [Value] {
    of.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text, or whatever else stands there as it is written.
fn text(of: &Value, field: &str) -> String {
    match of.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn who_was_not_checked_is_named() {
        let row = |target: &str, why: &str| json!({"section": null, "target": target, "why": why, "requested": false});
        let document = json!({"verdict": "no_drift", "job": "j", "baseline": "b", "changes": [],
            "targets": [{"name": "vm1", "verdict": "no_drift", "changes": [], "not_covered": []}],
            "not_covered": [row("vm1", "xdp"), row("all targets", "told above"), row("vm3", "no baseline\nof it")]});
        assert_eq!(
            check(&document),
            "no_drift: 0 changes on 0 of 1 VM, 1 not checked\n  baseline b, job j\n  \
             not checked: vm3: no baseline\\nof it\n\nvm1: no_drift\n"
        );
    }

    #[test]
    fn something_in_azure_is_told_by_its_resource_id() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/web";
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web";
        let change =
            json!({"section": "effective-routes", "kind": "entry_removed", "path": "routes", "target": id});
        let gap = json!({"section": "effective-nsg", "target": id, "why": "403", "requested": true});
        let document = json!({"verdict": "drift", "job": "j", "baseline": "b", "changes": [change],
            "targets": [
                {"name": "web.0123", "resource": id, "way": "arm", "verdict": "drift", "changes": [change], "not_covered": [gap]},
                {"name": "web.4567", "resource": vm, "way": "run-command", "verdict": "no_drift", "changes": [], "not_covered": []}],
            "not_covered": [gap]});
        assert_eq!(
            check(&document),
            format!(
                "drift: 1 change on 1 of 2 targets (1 VM, 1 network interface)\n  baseline b, job j\n\n{id}: drift\n  effective-routes\n    \
                 entry_removed routes\n  not covered: effective-nsg: 403\n\n{vm}: no_drift, read by run-command\n"
            )
        );
    }

    #[test]
    fn each_target_is_told_with_what_changed_and_what_was_not_read() {
        let change = json!({"section": "nftables", "kind": "rule_added", "path": "inet f input", "maker": null,
            "before": null, "after": {"position": 1, "text": "tcp dport 22 drop"}, "significance": "high",
            "effect": "stops new flows"});
        let gap = json!({"section": null, "mechanism": null, "path": null, "why": "offline\nvm9: no_drift",
            "requested": true});
        let document = json!({"verdict": "drift", "job": "j", "baseline": "b", "changes": [change],
            "targets": [
                {"name": "vm1", "verdict": "drift", "changes": [change], "not_covered": []},
                {"name": "vm2", "verdict": "unknown", "changes": [], "not_covered": [gap]}]});
        assert_eq!(
            check(&document),
            "drift: 1 change on 1 of 2 VMs\n  baseline b, job j\n\nvm1: drift\n  nftables\n    rule_added inet f input\n      \
             +    1  tcp dport 22 drop\n      high: stops new flows\n\nvm2: unknown\n  not covered: all sections: offline\\nvm9: no_drift\n"
        );
    }
}
