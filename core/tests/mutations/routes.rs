//! Tables of effective routes that Azure never printed.

use std::collections::BTreeSet;

use netghost_core::azure::route::audit::audit;
use netghost_core::azure::route::diff::diff;
use netghost_core::azure::route::{facts, lookup, parse};
use netghost_core::diff::Verdict;

use crate::{cases, text};

/// Made after the shape of a real answer, with one of everything.
const BODY: &str = r#"{"value": [
 {"name": null, "source": "Default", "state": "Active", "addressPrefix": ["10.0.0.0/16", "fd00::/48"], "nextHopType": "VnetLocal", "nextHopIpAddress": [], "hasBgpOverride": false, "destinationServiceTags": [], "tagMap": {}},
 {"name": null, "source": "Default", "state": "Invalid", "addressPrefix": ["0.0.0.0/0"], "nextHopType": "Internet", "nextHopIpAddress": []},
 {"name": "out", "source": "User", "state": "Active", "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4", "hasBgpOverride": true},
 {"name": null, "source": "VirtualNetworkGateway", "state": "Active", "addressPrefix": ["10.0.5.0/24"], "nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": ["10.255.0.4", "10.255.0.5"]},
 {"name": null, "source": "Default", "state": "Active", "addressPrefix": ["13.65.160.16/28", "13.65.107.32/28"], "nextHopType": "VirtualNetworkServiceEndpoint", "nextHopIpAddress": []},
 {"name": "tag", "source": "User", "state": "Active", "addressPrefix": ["Storage"], "nextHopType": "None", "nextHopIpAddress": [], "tagMap": {"Storage": ["20.38.0.0/17"]}}
], "nextLink": null}"#;

/// What is taken is consistent in itself: it is no drift from itself where it is whole, and unknown where it is not.
#[test]
fn changed_tables_are_refused_or_say_one_thing() {
    let whole = parse(BODY.as_bytes()).unwrap();
    assert!(whole.is_whole());
    cases::run("effective routes", 2_000, |chance| {
        let mut bytes = BODY.as_bytes().to_vec();
        if !chance.one_in(10) {
            text::change(chance, 4, &mut bytes, BODY.as_bytes());
        }
        let Ok(table) = parse(&bytes) else {
            return false;
        };
        let own = diff(&table, &table);
        let expected = if table.is_whole() {
            Verdict::NoDrift
        } else {
            Verdict::Unknown
        };
        assert_eq!((own.verdict, own.changes.len()), (expected, 0));
        let other = diff(&whole, &table);
        assert_eq!(
            other.verdict == Verdict::NoDrift,
            other.digests.baseline == other.digests.current
        );
        let found = audit(&table);
        assert_eq!(found.missing.is_empty(), table.is_whole());
        for destination in ["10.0.5.1", "13.65.160.17", "20.38.0.1", "8.8.8.8", "fd00::1"] {
            let found = lookup(&table, destination.parse().unwrap());
            assert!(
                found
                    .winner
                    .iter()
                    .all(|route| route.state.as_ref().is_some_and(|state| !state.is("Invalid")))
            );
        }
        let body = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).unwrap();
        let lifted = facts::lift(&body);
        let keys: BTreeSet<_> = lifted.config.facts.iter().map(|fact| &fact.key).collect();
        assert_eq!(keys.len(), lifted.config.facts.len());
        assert_eq!(lifted.gaps.is_empty(), table.is_whole());
        true
    });
}
