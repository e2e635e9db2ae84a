//! What service tags and groups stand for, as far as it is known.
//!
//! A tag is known by the body itself, by the prefixes of the virtual network, by a file of service tags, or by Microsoft's
//! documentation ("Virtual network service tags"). One that none of these explains has bounds only: it holds at least nothing
//! and at most what the documentation allows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::azure::body::{field, shape, string, strings};
use crate::azure::net::Net;
use crate::azure::nsg::parse::{arm_error, json};
use crate::azure::nsg::{BodyError, Side, Term};
use crate::azure::space::Addresses;

/// What is known about a set of addresses: what is certainly in it, and what may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Certainly in it.
    pub inner: Addresses,
    /// Possibly in it; nothing else is.
    pub outer: Addresses,
}

impl Bounds {
    /// A set that is known.
    pub fn exact(set: Addresses) -> Self {
        Self {
            inner: set.clone(),
            outer: set,
        }
    }

    /// A set of which nothing is known but that it lies in `outer`.
    pub fn within(outer: Addresses) -> Self {
        Self {
            inner: Addresses::empty(),
            outer,
        }
    }

    /// True where it is known whole.
    pub fn is_exact(&self) -> bool {
        self.inner == self.outer
    }

    fn union(&self, other: &Self) -> Self {
        Self {
            inner: self.inner.union(&other.inner),
            outer: self.outer.union(&other.outer),
        }
    }
}

/// What the one who asks knows about tags and groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    /// The complete `VirtualNetwork` tag; empty: not known.
    pub vnet: Vec<Net>,
    /// Tags of a file of service tags, by their names in lower case.
    pub service: BTreeMap<String, Vec<Net>>,
    /// Members of application security groups and network groups, by resource id or name in lower case.
    pub groups: BTreeMap<String, Vec<Net>>,
}

/// The virtual address of every Azure host: DNS, DHCP, health probes (Microsoft: "What is IP address 168.63.129.16").
pub const HOST: &str = "168.63.129.16/32";
/// The instance metadata service.
pub const METADATA: &str = "169.254.169.254/32";
/// Where health probes come from in IPv6.
const HOST_V6: &str = "fe80::1234:5678:9abc/128";

/// IPv4 addresses that are not reachable over the Internet, and so in no expansion of the tag `Internet` that Azure prints:
/// RFC 6890 without the blocks for documentation and benchmarks, which Azure does not leave out.
const NOT_PUBLIC: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    HOST,
];
/// IPv6 addresses that are reachable over the Internet: what IANA gives out as global unicast.
const PUBLIC_V6: &str = "2000::/3";

fn nets(texts: &[&str]) -> Addresses {
    let nets: Vec<Net> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    Addresses::of(&nets)
}

/// The addresses that are reachable over the Internet unless a virtual network uses them.
pub fn public() -> Addresses {
    let v4 = nets(&["0.0.0.0/0"]).subtract(&nets(&NOT_PUBLIC));
    v4.union(&nets(&[PUBLIC_V6]))
}

impl Tags {
    /// What a tag stands for; `own`: what the body says of tags.
    pub fn tag(&self, name: &str, own: &BTreeMap<String, Vec<Net>>) -> Bounds {
        let key = name.to_lowercase();
        if let Some(nets) = own.get(&key) {
            return Bounds::exact(Addresses::of(nets));
        }
        let vnet = own.get("virtualnetwork").unwrap_or(&self.vnet);
        match key.as_str() {
            "virtualnetwork" if vnet.is_empty() => Bounds::within(Addresses::full()),
            "virtualnetwork" => Bounds::exact(Addresses::of(vnet)),
            "internet" if vnet.is_empty() => Bounds::within(public()),
            "internet" => Bounds::exact(public().subtract(&Addresses::of(vnet))),
            "azureloadbalancer" => Bounds::exact(nets(&[HOST, HOST_V6])),
            key => match self.service.get(key) {
                Some(nets) => Bounds::exact(Addresses::of(nets)),
                None => documented(key),
            },
        }
    }

    /// What a group stands for: by its resource id, else by its name.
    fn group(&self, id: &str) -> Bounds {
        let key = id.to_lowercase();
        let name = key.rsplit('/').next().unwrap_or(&key);
        let known = self.groups.get(&key).or_else(|| self.groups.get(name));
        known.map_or_else(
            || Bounds::within(Addresses::full()),
            |nets| Bounds::exact(Addresses::of(nets)),
        )
    }

    /// The addresses of one side of a rule.
    pub fn side(&self, side: &Side, own: &BTreeMap<String, Vec<Net>>) -> Bounds {
        let is_plain = |term: &&Term| matches!(term, Term::Any | Term::Net(_));
        if side.contradicts || (side.terms.is_empty() && side.expanded.is_empty()) {
            return Bounds::within(Addresses::full());
        }
        let mut bounds = Bounds::exact(Addresses::empty());
        for term in side.terms.iter().filter(is_plain) {
            bounds = bounds.union(&self.term(term, own));
        }
        if side.terms.iter().all(|term| is_plain(&term)) {
            return bounds.union(&Bounds::exact(Addresses::of(&side.expanded)));
        }
        let mut named = Bounds::exact(Addresses::empty());
        for term in side.terms.iter().filter(|term| !is_plain(term)) {
            named = named.union(&self.term(term, own));
        }
        bounds.union(&expanded(&named, &side.expanded))
    }

    fn term(&self, term: &Term, own: &BTreeMap<String, Vec<Net>>) -> Bounds {
        match term {
            Term::Any => Bounds::exact(Addresses::full()),
            Term::Net(net) => Bounds::exact(Addresses::of([net])),
            Term::Tag(name) => self.tag(name, own),
            Term::Group(id) => self.group(id),
            Term::Unreadable(_) => Bounds::within(Addresses::full()),
        }
    }
}

/// What Azure expanded, in each family that it expanded; an expansion without any IPv6 prefix says nothing about IPv6.
fn expanded(named: &Bounds, nets: &[Net]) -> Bounds {
    let expansion = Addresses::of(nets);
    let mut bounds = named.clone();
    if !expansion.v4.is_empty() {
        bounds.inner.v4 = expansion.v4.clone();
        bounds.outer.v4 = expansion.v4;
    }
    if !expansion.v6.is_empty() {
        bounds.inner.v6 = expansion.v6.clone();
        bounds.outer.v6 = expansion.v6;
    }
    bounds
}

/// Tags whose addresses Microsoft documents, and at most everything for the others.
fn documented(key: &str) -> Bounds {
    match key {
        "azureplatformdns" => Bounds::exact(nets(&[HOST])),
        "azureplatformimds" => Bounds::exact(nets(&[METADATA])),
        _ => Bounds::within(Addresses::full()),
    }
}

/// Reads a file of service tags: the answer of Azure Resource Manager, of `az network list-service-tags`, or the file that
/// Microsoft offers for download, which all have one form.
///
/// # Errors
/// Where it is of another form, or a prefix of it is none.
pub fn service_tags(bytes: &[u8]) -> Result<BTreeMap<String, Vec<Net>>, BodyError> {
    let bad = |why: String| BodyError::Shape {
        what: "service tags",
        why,
    };
    let body = json(bytes)?;
    arm_error(&body)?;
    let values = body.as_object().and_then(|fields| field(fields, "values"));
    let Some(Value::Array(values)) = values else {
        return Err(bad("it has no list `values`".to_owned()));
    };
    let mut tags = BTreeMap::new();
    for (at, tag) in values.iter().enumerate() {
        let wrong = |why: String| bad(format!("values.{at}: {why}"));
        let fields = tag.as_object().ok_or_else(|| wrong(shape(tag).to_owned()))?;
        let name = string(fields, "name").map_err(|error| wrong(error.to_string()))?;
        let name = name.ok_or_else(|| wrong("it has no name".to_owned()))?;
        let inside = field(fields, "properties").and_then(Value::as_object);
        let inside = inside.ok_or_else(|| wrong("it has no properties".to_owned()))?;
        if field(inside, "addressPrefixes").is_none() {
            return Err(wrong("it has no addressPrefixes".to_owned()));
        }
        let prefixes = strings(inside, "addressPrefixes").map_err(|error| wrong(error.to_string()))?;
        let nets: Result<Vec<Net>, _> = prefixes.iter().map(|prefix| prefix.parse()).collect();
        let nets = nets.map_err(|error: crate::azure::net::NotAPrefix| wrong(error.to_string()))?;
        tags.insert(name.to_lowercase(), nets);
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Vec<Net> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ask(bounds: &Bounds, address: &str) -> Option<bool> {
        let address = address.parse().unwrap();
        match (bounds.inner.contains(address), bounds.outer.contains(address)) {
            (true, _) => Some(true),
            (_, false) => Some(false),
            _ => None,
        }
    }

    #[test]
    fn the_virtual_network_decides_what_is_internet() {
        let own = BTreeMap::new();
        let unknown = Tags::default();
        let known = Tags {
            vnet: of(&["10.0.0.0/16", "20.0.0.0/8"]),
            ..Tags::default()
        };
        for (tags, tag, address, wanted) in [
            (&known, "VirtualNetwork", "10.0.0.1", Some(true)),
            (&known, "virtualnetwork", "10.1.0.1", Some(false)),
            (&known, "Internet", "8.8.8.8", Some(true)),
            (&known, "Internet", "20.1.1.1", Some(false)),
            (&known, "Internet", "10.1.0.1", Some(false)),
            (&known, "Internet", "2001:db8::1", Some(true)),
            (&known, "Internet", "fd00::1", Some(false)),
            (&unknown, "VirtualNetwork", "10.0.0.1", None),
            (&unknown, "VirtualNetwork", "8.8.8.8", None),
            (&unknown, "Internet", "8.8.8.8", None),
            (&unknown, "Internet", "192.168.0.1", Some(false)),
            (&unknown, "AzureLoadBalancer", "168.63.129.16", Some(true)),
            (&unknown, "AzureLoadBalancer", "10.0.0.1", Some(false)),
            (&unknown, "Storage", "20.1.1.1", None),
        ] {
            assert_eq!(ask(&tags.tag(tag, &own), address), wanted, "{tag} {address}");
        }
    }

    #[test]
    fn an_expansion_is_the_tag_in_the_families_that_it_shows() {
        let side = Side {
            terms: vec![Term::Tag("VirtualNetwork".to_owned())],
            expanded: of(&["10.9.0.0/16", HOST]),
            contradicts: false,
        };
        let known = Tags {
            vnet: of(&["10.0.0.0/16"]),
            ..Tags::default()
        };
        let bounds = known.side(&side, &BTreeMap::new());
        assert_eq!(ask(&bounds, "10.9.0.1"), Some(true));
        assert_eq!(ask(&bounds, "10.0.0.1"), Some(false));
        let bounds = Tags::default().side(&side, &BTreeMap::new());
        assert_eq!(ask(&bounds, "10.0.0.1"), Some(false));
        assert_eq!(ask(&bounds, "fd00::1"), None);
    }

    #[test]
    fn prefixes_beside_a_tag_count_whatever_the_tag_is() {
        let side = Side {
            terms: vec![
                Term::Tag("Storage".to_owned()),
                Term::Net("10.1.0.0/16".parse().unwrap()),
            ],
            ..Side::default()
        };
        let bounds = Tags::default().side(&side, &BTreeMap::new());
        assert_eq!(ask(&bounds, "10.1.0.1"), Some(true));
        assert_eq!(ask(&bounds, "10.2.0.1"), None);
        let own = BTreeMap::from([("storage".to_owned(), of(&["20.0.0.0/8"]))]);
        assert_eq!(ask(&Tags::default().side(&side, &own), "10.2.0.1"), Some(false));
    }

    #[test]
    fn groups_are_known_by_id_or_name() {
        let side = |id: &str| Side {
            terms: vec![Term::Group(id.to_owned())],
            ..Side::default()
        };
        let tags = Tags {
            groups: BTreeMap::from([("web".to_owned(), of(&["10.0.0.4"]))]),
            ..Tags::default()
        };
        let own = BTreeMap::new();
        assert_eq!(
            ask(&tags.side(&side("/subscriptions/s/x/Web"), &own), "10.0.0.4"),
            Some(true)
        );
        assert_eq!(
            ask(&tags.side(&side("/subscriptions/s/x/Web"), &own), "10.0.0.5"),
            Some(false)
        );
        assert_eq!(
            ask(&tags.side(&side("/subscriptions/s/x/db"), &own), "10.0.0.4"),
            None
        );
    }

    #[test]
    fn a_file_of_service_tags_is_whole_or_refused() {
        let file = br#"{"values": [{"name": "Storage.WestEurope", "properties": {"addressPrefixes": ["20.0.0.0/8", "2603::/16"]}}]}"#;
        let tags = service_tags(file).unwrap();
        assert_eq!(tags["storage.westeurope"].len(), 2);
        for bad in [
            &b"{}"[..],
            b"<html>",
            br#"{"values": [{"name": "A", "properties": {}}]}"#,
            br#"{"values": [{"name": "A", "properties": {"addressPrefixes": ["x"]}}]}"#,
            br#"{"error": {"code": "X"}}"#,
        ] {
            assert!(service_tags(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
