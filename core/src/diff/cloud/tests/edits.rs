//! Every single edit of a body is seen.

use super::*;

/// Paths to every value of a body that is no object or list.
fn leaves(body: &Json, at: &str, out: &mut Vec<String>) {
    match body {
        Json::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), out)),
        Json::Array(members) => {
            members
                .iter()
                .enumerate()
                .for_each(|(place, value)| leaves(value, &format!("{at}/{place}"), out));
        }
        _ => out.push(at.to_owned()),
    }
}

/// Fields that say nothing of how packets fare.
const RUNTIME: [&str; 3] = ["etag", "provisioningState", "resourceGuid"];

/// Other values, of the same and of another form.
fn others(value: &Json) -> Vec<Json> {
    let same = match value {
        Json::Bool(set) => json!(!set),
        Json::Number(number) => json!(number.as_u64().unwrap() + 1),
        Json::String(text) => match text.as_str() {
            "Allow" => json!("Deny"),
            "Deny" => json!("Allow"),
            "Inbound" => json!("Outbound"),
            "Outbound" => json!("Inbound"),
            "Tcp" | "All" => json!("Udp"),
            "*" | "0.0.0.0/0" => json!("10.7.0.0/16"),
            "0-65535" => json!("7"),
            "Active" => json!("Invalid"),
            text if text.contains('.') && text.contains('/') && !text.starts_with('/') => {
                json!("10.77.0.0/16")
            }
            text => json!(format!("{text}9")),
        },
        _ => json!("x"),
    };
    vec![same, json!("?!"), json!(["?"]), json!(123_456_789)]
}

fn every_edit(world: &World, pick: fn(&mut World) -> &mut Json) {
    let mut original = world.clone();
    let body = pick(&mut original).clone();
    let mut paths = Vec::new();
    leaves(&body, "", &mut paths);
    assert!(paths.len() > 5);
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or_default();
        // The name stands in the id too.
        if RUNTIME.contains(&name) || path == "/name" {
            continue;
        }
        for other in others(body.pointer(&path).unwrap()) {
            let found = world.edited(|world| {
                *pick(world).pointer_mut(&path).unwrap() = other.clone();
            });
            assert_ne!(found.verdict, Verdict::NoDrift, "{path} = {other}");
        }
        // Taken away.
        let (around, name) = path.rsplit_once('/').unwrap();
        let found = world.edited(|world| {
            if let Some(Json::Object(fields)) = pick(world).pointer_mut(around) {
                fields.remove(name);
            }
        });
        let in_object = body.pointer(around).is_some_and(Json::is_object);
        assert!(
            !in_object || found.verdict != Verdict::NoDrift,
            "{path} taken away"
        );
    }
}

#[test]
fn every_edit_of_security_rules_is_seen() {
    every_edit(&world(), |world| &mut world.rules);
}

#[test]
fn every_edit_of_routes_is_seen() {
    every_edit(&world(), |world| &mut world.routes);
}

#[test]
fn every_edit_of_admin_rules_is_seen() {
    let mut world = world();
    world.admin = Some(json!({"value": [admin("block", "Deny", "22"), admin("let", "Allow", "80")]}));
    every_edit(&world, |world| world.admin.as_mut().unwrap());
}

#[test]
fn every_edit_of_the_resources_is_seen() {
    every_edit(&world(), |world| &mut world.nic);
    every_edit(&world(), |world| &mut world.subnet);
}
