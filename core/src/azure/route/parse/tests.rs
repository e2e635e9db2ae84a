use serde_json::json;

use super::*;
use crate::azure::route::Doubt;

fn whole(prefixes: &Value) -> Value {
    json!({"name": null, "source": "Default", "state": "Active", "addressPrefix": prefixes,
        "nextHopType": "VnetLocal", "nextHopIpAddress": []})
}

fn read(body: &Value) -> Table {
    from_value(body).unwrap()
}

/// The entry with one field set to this.
fn with(name: &str, value: &Value) -> Table {
    let mut entry = whole(&json!(["10.0.0.0/16"]));
    entry[name] = value.clone();
    read(&json!([entry]))
}

#[test]
fn every_envelope_is_read() {
    let entry = whole(&json!(["10.0.0.0/16"]));
    let bodies = [
        json!({"value": [entry]}),
        json!([entry]),
        json!({"effectiveRoutes": [entry]}),
        json!({"value": [entry], "nextLink": null}),
        entry.clone(),
    ];
    for body in bodies {
        let table = read(&body);
        assert_eq!(
            (table.entries, table.routes.len(), table.is_whole()),
            (1, 1, true),
            "{body}"
        );
        let single = table
            .warnings
            .iter()
            .any(|warning| warning.code == "SINGLE_ENTRY");
        assert_eq!(single, body == entry);
    }
}

#[test]
fn what_is_no_table_is_an_error_and_never_an_empty_table() {
    for text in [
        "",
        "<html><body>502 Bad Gateway</body></html>",
        "{\"value\": [{\"source\": \"Def",
        "not json",
        "null",
        "{}",
        "[] []",
        "\"value\"",
        "3",
        "{\"value\": null}",
        "{\"value\": {}}",
        "{\"value\": \"\"}",
        "{\"effectiveRoutes\": null}",
        "{\"status\": \"InProgress\"}",
        "[null]",
        "[[]]",
        "{\"value\": [{\"networkSecurityGroup\": {}}]}",
        "{\"value\": [], \"effectiveRoutes\": []}",
        "[{\"name\": \"r\", \"properties\": {\"addressPrefix\": \"0.0.0.0/0\"}}]",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_of_azure_is_shown_by_its_code() {
    // From a recorded answer of Azure to the request for the routes of a NIC of no running machine, shortened.
    let body = json!({"error": {"code": "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
        "message": "A network interface must be attached to a running virtual machine", "details": []}});
    let error = from_value(&body).unwrap_err().to_string();
    assert!(
        error.contains("NicMustBeAttachedToRunningVmToGetEffectiveRoutes"),
        "{error}"
    );
    assert!(error.contains("running virtual machine"), "{error}");
    let failed = json!({"status": "Failed", "error": {"code": "X", "message": "m"}, "value": []});
    assert!(matches!(from_value(&failed), Err(ParseError::Refused { .. })));
}

#[test]
fn an_empty_table_is_known_and_noticed() {
    for body in [json!({"value": []}), json!([])] {
        let table = read(&body);
        assert!(table.is_whole() && table.routes.is_empty());
        assert_eq!(table.warnings[0].code, "EMPTY_TABLE");
    }
}

#[test]
fn a_next_page_cuts_the_table() {
    for link in [json!("https://management.azure.com/next"), json!(3)] {
        let table = read(&json!({"value": [whole(&json!(["10.0.0.0/16"]))], "nextLink": link}));
        assert!(!table.is_whole() && table.cut.is_some());
    }
    assert!(read(&json!({"value": [], "nextLink": ""})).cut.is_none());
}

#[test]
fn an_entry_of_several_prefixes_is_several_routes() {
    let many: Vec<String> = (0..300)
        .map(|at| format!("13.65.{}.{}/28", at / 16, at % 16 * 16))
        .collect();
    let table = read(&json!([whole(&json!(many)), whole(&json!("fd00::/64"))]));
    assert_eq!((table.entries, table.routes.len()), (2, 301));
    assert_eq!(table.routes[299].prefix.to_string(), "13.65.18.176/28");
    assert_eq!((table.routes[299].entry, table.routes[300].entry), (0, 1));
}

#[test]
fn a_string_is_a_list_of_one() {
    let table = with("nextHopIpAddress", &json!("10.4.0.1"));
    assert_eq!(table.routes[0].properties.next_hop_ips, ["10.4.0.1"]);
    assert!(
        with("nextHopIpAddress", &json!("")).routes[0]
            .properties
            .next_hop_ips
            .is_empty()
    );
    assert!(with("nextHopIpAddress", &json!(null)).is_whole());
}

#[test]
fn bits_behind_the_length_are_cleared_and_noticed() {
    let table = read(&json!([whole(&json!(["10.30.0.0/8"]))]));
    assert_eq!(table.routes[0].prefix.to_string(), "10.0.0.0/8");
    assert_eq!(table.warnings[0].code, "HOST_BITS");
}

#[test]
fn what_is_not_understood_is_kept_apart_and_named() {
    use Doubt::{BgpOverride, Detail, NextHopAddresses, NextHopType, Source, State};
    let cases = [
        ("state", json!(null), State),
        ("state", json!("Unknown"), State),
        ("state", json!(1), State),
        ("source", json!("Unknown"), Source),
        ("source", json!(null), Source),
        ("nextHopType", json!(null), NextHopType),
        ("nextHopType", json!([]), NextHopType),
        ("nextHopIpAddress", json!([4]), NextHopAddresses),
        ("hasBgpOverride", json!("perhaps"), BgpOverride),
        ("name", json!({}), Detail),
        ("tagMap", json!([1]), Detail),
    ];
    for (name, value, doubt) in cases {
        let table = with(name, &value);
        assert!(table.routes.is_empty(), "{name} {value}");
        let undecided = &table.undecided[0];
        assert_eq!(undecided.doubts, [doubt], "{name} {value}");
        assert_eq!(undecided.prefix, Some("10.0.0.0/16".parse().unwrap()));
        assert!(undecided.why.contains(name), "{}", undecided.why);
    }
}

#[test]
fn a_prefix_that_is_none_leads_anywhere() {
    for prefix in [
        json!(["10.0.0.0/33"]),
        json!([7]),
        json!(null),
        json!([]),
        json!("Internet"),
        json!({}),
    ] {
        let table = with("addressPrefix", &prefix);
        assert!(table.routes.is_empty(), "{prefix}");
        assert_eq!(
            (table.undecided[0].prefix, table.undecided[0].doubts.as_slice()),
            (None, &[Doubt::Prefix][..]),
            "{prefix}"
        );
    }
    let some = with("addressPrefix", &json!(["10.1.0.0/16", "nonsense"]));
    assert_eq!((some.routes.len(), some.undecided.len()), (1, 1));
}

#[test]
fn a_tag_leads_where_the_body_says() {
    let mut entry = whole(&json!(["Storage.WestEurope"]));
    assert_eq!(read(&json!([entry])).undecided.len(), 1);
    entry["tagMap"] = json!({"storage.westeurope": ["20.38.0.0/17", "20.60.0.0/24"]});
    let table = read(&json!([entry]));
    assert!(table.is_whole());
    let rows: Vec<_> = table
        .routes
        .iter()
        .map(|route| (route.prefix.to_string(), route.tag.as_deref()))
        .collect();
    assert_eq!(
        rows,
        [
            ("20.38.0.0/17".to_owned(), Some("storage.westeurope")),
            ("20.60.0.0/24".to_owned(), Some("storage.westeurope"))
        ]
    );
    entry["addressPrefix"] = json!([]);
    entry["destinationServiceTags"] = json!(["Storage.WestEurope"]);
    assert_eq!(read(&json!([entry])).routes.len(), 2);
    entry["tagMap"] = json!({"Storage.WestEurope": []});
    assert_eq!(read(&json!([entry])).undecided[0].prefix, None);
}

#[test]
fn an_entry_that_is_no_object_leads_anywhere() {
    let table = read(&json!([whole(&json!(["10.0.0.0/16"])), null, 5]));
    assert_eq!(
        (table.entries, table.routes.len(), table.undecided.len()),
        (3, 1, 2)
    );
    assert!(table.undecided.iter().all(|undecided| undecided.prefix.is_none()));
}

#[test]
fn fields_of_a_later_version_are_kept() {
    let table = with("someday", &json!({"a": 1}));
    assert_eq!(table.routes[0].properties.other["someday"], json!({"a": 1}));
    assert!(table.is_whole());
}
