//! A subnet's body without the interfaces of others.

use serde_json::{Value as Json, json};

use crate::artifact::json::Digest;

/// What Azure shows of a subnet, without the list of every interface in it, which each of them would keep once more. What is
/// left out is stated in its place, with the digest of the body as it came. `None` where there is no such list, or no JSON: the
/// body is kept as it is.
pub fn own_of_subnet(body: &str) -> Option<String> {
    let mut whole: Json = serde_json::from_str(body).ok()?;
    let fields = whole.as_object_mut()?;
    let (_, inner) = fields
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("properties"))?;
    let inner = inner.as_object_mut()?;
    let name = inner
        .keys()
        .find(|name| name.eq_ignore_ascii_case("ipConfigurations"))?
        .clone();
    let members = inner.get(&name)?.as_array()?.len();
    inner.remove(&name);
    let stated = json!({
        "field": format!("properties.{name}"),
        "members": members,
        "whole": Digest::of(body.as_bytes()).to_string(),
    });
    fields.insert("netghost.leftOut".to_owned(), stated);
    serde_json::to_string(&whole).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_stated() {
        let body = r#"{"id": "/s", "Properties": {"addressPrefix": "10.0.0.0/24", "ipConfigurations": [{"id": "/a"}, {"id": "/b"}]}}"#;
        let kept: Json = serde_json::from_str(&own_of_subnet(body).unwrap()).unwrap();
        assert_eq!(kept["Properties"], json!({"addressPrefix": "10.0.0.0/24"}));
        assert_eq!(kept["netghost.leftOut"]["members"], 2);
        assert_eq!(
            kept["netghost.leftOut"]["whole"],
            Digest::of(body.as_bytes()).to_string()
        );
        for as_it_is in [
            "<html>",
            "{}",
            r#"{"properties": null}"#,
            r#"{"properties": {"ipConfigurations": null}}"#,
        ] {
            assert_eq!(own_of_subnet(as_it_is), None, "{as_it_is}");
        }
    }
}
