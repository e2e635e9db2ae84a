//! The section `admin-rules`: one fact for each rule of the effective security admin configurations of a virtual network.

use serde_json::{Map, Value as Json};

use super::value::{distinct, properties};
use super::{Bodies, gap};
use crate::azure::body::{self, BadField};
use crate::facts::{Fact, Lifted, Property};

/// Lifts the pages of `POST …/listNetworkManagerEffectiveSecurityAdminRules` (the parts `admin-rules …`, in their order).
/// Only the last may have no token of a next one.
pub(super) fn lift(bodies: &Bodies<'_>, out: &mut Lifted) {
    let gaps = out.gaps.len();
    let pages = bodies.beginning("admin-rules", out);
    if pages.is_empty() && out.gaps.is_empty() {
        return out.gaps.push(gap("admin-rules", "it was not asked for"));
    }
    let mut facts = Vec::new();
    let last = pages.len().saturating_sub(1);
    for (number, (source, body)) in pages.iter().enumerate() {
        match page(body, number == last) {
            Ok(rules) => facts.extend(rules),
            Err(why) => out.gaps.push(gap(source, &why.to_string())),
        }
    }
    out.config.facts.extend(distinct(facts));
    // Any rule could stand on a page that was not read.
    for unread in out.gaps.iter_mut().skip(gaps) {
        unread.why = format!("{}: {}", unread.path, unread.why);
        unread.path = "admin-rule".to_owned();
    }
}

fn page(body: &Json, last: bool) -> Result<Vec<Fact>, BadField> {
    let object = body.as_object();
    let object = object
        .ok_or_else(|| BadField::new("body", format!("{} where an object belongs", body::shape(body))))?;
    if body::field(object, "error").is_some() {
        return Err(BadField::new("error", "Azure answered with an error"));
    }
    let goes_on = ["skipToken", "nextLink"]
        .into_iter()
        .any(|name| body::field(object, name).is_some_and(|token| token.as_str() != Some("")));
    if goes_on && last {
        return Err(BadField::new(
            "skipToken",
            "there is another page, which was not read",
        ));
    }
    let list = body::field(object, "value").and_then(Json::as_array);
    let list = list.ok_or_else(|| BadField::new("value", "it is no list"))?;
    let one = |(at, one): (usize, &Json)| rule(one).map_err(|bad| bad.within(&format!("value.{at}")));
    list.iter().enumerate().map(one).collect()
}

/// The fact of a rule, with nothing set yet.
pub(super) fn named(one: &Json) -> Option<Fact> {
    let object = one.as_object()?;
    let inner = body::field(object, "properties").and_then(Json::as_object);
    let id = match body::string(object, "id").ok()? {
        Some(id) => id,
        None => body::string(inner?, "displayName").ok()??,
    };
    Some(Fact::new("admin-rule", vec![id.to_lowercase().as_str().into()]))
}

/// One rule: its properties, and which configuration it comes from.
fn rule(one: &Json) -> Result<Fact, BadField> {
    let missing = |name: &str| BadField::new(name, "it is missing");
    let object = one
        .as_object()
        .ok_or_else(|| BadField::new("rule", "it is no object"))?;
    let inner = body::field(object, "properties").and_then(Json::as_object);
    let inner: &Map<String, Json> = inner.ok_or_else(|| missing("properties"))?;
    let fact = named(one).ok_or_else(|| missing("id"))?;
    let rest: Map<String, Json> = object
        .iter()
        .filter(|(name, _)| {
            !["id", "properties"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut config = properties(inner).0;
    let others = properties(&rest).0;
    config.extend(
        others
            .into_iter()
            .map(|other| Property::new(&other.name, other.value)),
    );
    Ok(Fact {
        properties: config,
        ..fact
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_that_names_another_is_not_the_last() {
        let body = json!({"value": [], "skipToken": "x"});
        assert!(page(&body, false).unwrap().is_empty());
        assert_eq!(page(&body, true).unwrap_err().field, "skipToken");
        assert!(
            page(&json!({"value": [], "skipToken": ""}), true)
                .unwrap()
                .is_empty()
        );
        for bad in [
            json!(null),
            json!({}),
            json!({"value": null}),
            json!({"value": [1]}),
            json!({"error": {"code": "x"}, "value": []}),
        ] {
            assert!(page(&bad, true).is_err(), "{bad}");
        }
        // Fields that this version does not know take part.
        let rule = |n: u64| json!({"value": [{"id": "/r/1", "kind": "Custom", "properties": {"priority": 1, "new": n}}]});
        assert_ne!(page(&rule(1), true).unwrap(), page(&rule(2), true).unwrap());
    }
}
