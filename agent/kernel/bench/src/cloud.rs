//! How long it takes to see what differs between two readings of many network interfaces, and how large they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{Manifest, Meta, ObjectError, load, store};
use netghost_core::azure::facts;
use netghost_core::diff::{Comparison, Loaded, compare, compare_stored};
use netghost_core::raw::{HostPart, HostRaw, PartRead};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;

/// How often it is done; the fastest is told.
const ROUNDS: usize = 5;
/// Routes of each interface: those of its network and peerings, a gateway's, and a table's.
const ROUTES: usize = 60;
/// Rules of the subnet's group and of the interface's, the six default ones not counted.
const RULES: [usize; 2] = [18, 10];
/// One in so many interfaces is another than it was.
const CHANGED: usize = 100;
/// Interfaces of one subnet.
const IN_SUBNET: usize = 250;

const NETWORK: &str =
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/prod/providers/Microsoft.Network";

/// Snapshots as they were stored and loaded again.
struct Side {
    all: Vec<(Manifest, Snapshot)>,
    sizes: Sizes,
}

/// What a side takes in a store.
#[derive(Default)]
struct Sizes {
    objects: BTreeSet<Digest>,
    bytes: usize,
    manifests: usize,
}

/// Two readings of so many network interfaces, of which some changed.
pub(crate) fn differ(count: usize) -> Result<String> {
    let (before, after) = (side(count, false)?, side(count, true)?);
    let plain = fastest(|| {
        let pairs = before.all.iter().zip(&after.all);
        pairs
            .map(|((_, one), (_, other))| compare(one, other, &SectionName::AZURE))
            .collect()
    });
    let stored = fastest(|| {
        let loaded = |(manifest, snapshot)| Loaded { manifest, snapshot };
        let pairs = before.all.iter().zip(&after.all);
        pairs
            .map(|((from, one), (to, other))| {
                compare_stored(loaded((from, one)), loaded((to, other)), &SectionName::AZURE, &[])
            })
            .collect()
    });
    ensure!(plain.1 == stored.1, "both ways must say the same");
    let changes: usize = stored.1.iter().map(|found| found.changes.len()).sum();
    Ok(format!(
        "{count} network interfaces of {ROUTES} routes and {} rules: {changes} changes in {:.1} ms by digests first, {:.1} ms \
         without; stored, a side is {:.1} MiB in {} objects and {:.1} MiB of manifests",
        RULES.iter().sum::<usize>() + 12,
        stored.0.as_secs_f64() * 1000.0,
        plain.0.as_secs_f64() * 1000.0,
        mib(before.sizes.bytes),
        before.sizes.objects.len(),
        mib(before.sizes.manifests),
    ))
}

fn fastest(work: impl Fn() -> Vec<Comparison>) -> (Duration, Vec<Comparison>) {
    let mut fastest = Duration::MAX;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        found = work();
        fastest = fastest.min(started.elapsed());
    }
    (fastest, found)
}

fn mib(bytes: usize) -> f64 {
    let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
    f64::from(kib) / 1024.0
}

fn side(count: usize, after: bool) -> Result<Side> {
    let mut side = Side {
        all: Vec::with_capacity(count),
        sizes: Sizes::default(),
    };
    for number in 0..count {
        let snapshot = interface(number, after)?;
        let stored = store(&snapshot, &Meta::default()).context("store a snapshot")?;
        let sizes = &mut side.sizes;
        sizes.manifests += stored.manifest_bytes.len();
        for (digest, bytes) in &stored.objects {
            if sizes.objects.insert(*digest) {
                sizes.bytes += bytes.len();
            }
        }
        let objects: BTreeMap<Digest, Vec<u8>> = stored.objects.into_iter().collect();
        let get = |digest: &Digest| objects.get(digest).cloned().ok_or(ObjectError::Missing);
        let manifest = Manifest::read(&stored.manifest_bytes).context("read a manifest")?;
        let loaded = load(&stored.manifest_bytes, &get).context("load a snapshot")?;
        side.all.push((manifest, loaded));
    }
    Ok(side)
}

/// One interface as Azure shows it; the second time, some have a route or a rule that says something else.
fn interface(number: usize, after: bool) -> Result<Snapshot> {
    let id = format!("{NETWORK}/networkInterfaces/vm{number}-nic");
    let subnet = format!("{NETWORK}/virtualNetworks/hub/subnets/s{}", number / IN_SUBNET);
    let turn = if after && number.is_multiple_of(CHANGED) {
        1 + number / CHANGED % 2
    } else {
        0
    };
    let sections = [
        (
            SectionName::Nic,
            vec![
                part("nic", nic(&id, &subnet, number)),
                part(
                    &format!("subnet {subnet}"),
                    facts::own_of_subnet(&subnet_body(&subnet, number)).unwrap_or_default(),
                ),
            ],
        ),
        (
            SectionName::EffectiveRoutes,
            vec![part("routes", routes(turn == 1))],
        ),
        (
            SectionName::EffectiveNsg,
            vec![part("rules", rules(number, turn == 2))],
        ),
        (
            SectionName::AdminRules,
            vec![part("admin-rules", r#"{"value": []}"#.to_owned())],
        ),
    ];
    let sections = sections.map(|(name, parts)| {
        let links = Vec::new();
        facts::section(name, HostRaw { links, parts }, 1)
    });
    let id = id.parse().context("the id of an interface")?;
    Ok(facts::snapshot(id, sections.into(), "netghost-bench"))
}

fn part(source: &str, body: String) -> HostPart {
    HostPart {
        source: source.to_owned(),
        read: PartRead::File {
            content: body.as_str().into(),
        },
    }
}

fn nic(id: &str, subnet: &str, number: usize) -> String {
    format!(
        r#"{{"id": "{id}", "name": "vm{number}-nic", "etag": "W/\"1\"", "location": "westeurope", "properties": {{
        "provisioningState": "Succeeded", "enableIPForwarding": false, "enableAcceleratedNetworking": true,
        "virtualMachine": {{"id": "{NETWORK}/virtualMachines/vm{number}"}},
        "networkSecurityGroup": {{"id": "{NETWORK}/networkSecurityGroups/n{number}"}},
        "ipConfigurations": [{{"name": "ipconfig1", "properties": {{"privateIPAddress": "10.1.{}.{}", "primary": true,
        "privateIPAllocationMethod": "Dynamic", "subnet": {{"id": "{subnet}"}}}}}}]}}}}"#,
        number / 250,
        4 + number % 250
    )
}

/// Azure lists in a subnet every interface that stands in it.
fn subnet_body(id: &str, number: usize) -> String {
    let first = number / IN_SUBNET * IN_SUBNET;
    let neighbour = |other: usize| {
        format!(r#"{{"id": "{NETWORK}/networkInterfaces/vm{other}-nic/ipConfigurations/ipconfig1"}}"#)
    };
    let neighbours: Vec<String> = (first..first + IN_SUBNET).map(neighbour).collect();
    format!(
        r#"{{"id": "{id}", "name": "s", "etag": "W/\"1\"", "properties": {{"provisioningState": "Succeeded",
        "addressPrefix": "10.1.{}.0/24", "networkSecurityGroup": {{"id": "{NETWORK}/networkSecurityGroups/subnets"}},
        "routeTable": {{"id": "{NETWORK}/routeTables/hub"}}, "serviceEndpoints": [], "ipConfigurations": [{}]}}}}"#,
        number / IN_SUBNET,
        neighbours.join(",")
    )
}

fn routes(turned: bool) -> String {
    let entry = |prefix: &str, source: &str, kind: &str, hops: &str| {
        format!(
            r#"{{"name": null, "source": "{source}", "state": "Active", "addressPrefix": ["{prefix}"], "nextHopType": "{kind}",
            "nextHopIpAddress": [{hops}], "hasBgpOverride": false}}"#
        )
    };
    let mut all = vec![
        entry("10.1.0.0/16", "Default", "VnetLocal", ""),
        entry("0.0.0.0/0", "User", "VirtualAppliance", r#""10.0.0.4""#),
    ];
    for other in 2..ROUTES {
        let hop = if turned && other == ROUTES / 2 { 5 } else { 4 };
        let hop = format!(r#""10.255.0.{hop}""#);
        all.push(entry(
            &format!("10.{other}.0.0/16"),
            "VirtualNetworkGateway",
            "VirtualNetworkGateway",
            &hop,
        ));
    }
    format!(r#"{{"value": [{}]}}"#, all.join(","))
}

fn rules(number: usize, turned: bool) -> String {
    let own = |of: usize, count: usize| -> Vec<String> {
        let each = (0..count).map(|at| {
            let access = if turned && at == count / 2 { "Deny" } else { "Allow" };
            format!(
                r#"{{"name": "securityRules/r{at}", "priority": {}, "access": "{access}", "direction": "{}", "protocol": "Tcp",
                "sourceAddressPrefix": "10.{of}.{at}.0/24", "sourcePortRange": "0-65535",
                "destinationAddressPrefix": "0.0.0.0/0", "destinationPortRange": "{}-{}"}}"#,
                100 + at,
                if at.is_multiple_of(3) { "Outbound" } else { "Inbound" },
                1000 + at,
                1009 + at
            )
        });
        each.collect()
    };
    let gate = |place: &str, group: &str, mut rules: Vec<String>| {
        rules.extend(defaults());
        format!(
            r#"{{"networkSecurityGroup": {{"id": "{NETWORK}/networkSecurityGroups/{group}"}}, "association": {{{place}}},
            "effectiveSecurityRules": [{}]}}"#,
            rules.join(",")
        )
    };
    let subnet = format!(
        r#""subnet": {{"id": "{NETWORK}/virtualNetworks/hub/subnets/s{}"}}"#,
        number / IN_SUBNET
    );
    let nic = format!(r#""networkInterface": {{"id": "{NETWORK}/networkInterfaces/vm{number}-nic"}}"#);
    let [for_subnet, for_nic] = RULES;
    format!(
        r#"{{"value": [{},{}]}}"#,
        gate(&subnet, "subnets", own(7, for_subnet)),
        gate(&nic, &format!("n{number}"), own(8, for_nic))
    )
}

/// The six rules that every group ends in.
fn defaults() -> Vec<String> {
    let network = r#""VirtualNetwork", "expandedSourceAddressPrefix": ["10.0.0.0/8", "168.63.129.16/32"]"#;
    let each = [
        ("AllowVnetInBound", 65_000, "Allow", "Inbound", network),
        (
            "AllowAzureLoadBalancerInBound",
            65_001,
            "Allow",
            "Inbound",
            r#""AzureLoadBalancer""#,
        ),
        ("DenyAllInBound", 65_500, "Deny", "Inbound", r#""0.0.0.0/0""#),
        ("AllowVnetOutBound", 65_000, "Allow", "Outbound", network),
        (
            "AllowInternetOutBound",
            65_001,
            "Allow",
            "Outbound",
            r#""0.0.0.0/0""#,
        ),
        ("DenyAllOutBound", 65_500, "Deny", "Outbound", r#""0.0.0.0/0""#),
    ];
    let rule = |(name, priority, access, direction, source): (&str, u32, &str, &str, &str)| {
        format!(
            r#"{{"name": "defaultSecurityRules/{name}", "priority": {priority}, "access": "{access}", "direction": "{direction}",
            "protocol": "All", "sourceAddressPrefix": {source}, "sourcePortRange": "0-65535",
            "destinationAddressPrefix": "0.0.0.0/0", "destinationPortRange": "0-65535"}}"#
        )
    };
    each.into_iter().map(rule).collect()
}
