//! Names that are not UTF-8 and numbers above 2^53 come through unharmed: read, shown, sealed, stored, loaded, compared.

use std::fs;

use serde_json::{Value, json};

use super::site::{Site, section};

/// `e\xffh`, `ch\xfe` and `odd \xfd`; in the shell a byte is written in octal.
const STRANGE: &str = r#"
    link=$(printf 'e\377h') chain=$(printf 'ch\376') comment=$(printf 'odd \375')
    ip link add "$link" type veth peer name v1
    tc qdisc add dev "$link" root tbf rate 1mbit burst 32kbit latency 400ms
    ip link set "$link" addrgenmode none
    ip link set "$link" up
    ip addr add 10.9.0.1/24 dev "$link"
    for tool in iptables-legacy iptables-nft; do
        $tool -N "$chain"
        $tool -A "$chain" -i "$link" -m comment --comment "$comment" -j DROP
    done
"#;

fn objects(value: &Value, wanted: &Value) -> usize {
    let here = usize::from(value == wanted);
    let inside: usize = match value {
        Value::Array(list) => list.iter().map(|item| objects(item, wanted)).sum(),
        Value::Object(map) => map.values().map(|item| objects(item, wanted)).sum(),
        _ => 0,
    };
    here + inside
}

#[test]
fn root_names_that_are_not_utf8_survive_everything() {
    let site = Site::with(STRANGE);
    site.save("before");
    let snapshot = site.capture();
    let (link, chain, comment) = (
        json!({"hex": "65ff68"}),
        json!({"hex": "6368fe"}),
        json!({"hex": "6f646420fd"}),
    );
    for name in ["nftables", "xtables-legacy-ipv4"] {
        let config = &section(&snapshot, name)["config"];
        assert_eq!(objects(config, &link), 1, "{name}: {config}");
        assert_eq!(objects(config, &chain), 1, "{name}: {config}");
        assert_eq!(objects(config, &comment), 1, "{name}: {config}");
    }
    for name in ["tc", "links", "routes"] {
        let config = &section(&snapshot, name)["config"];
        assert!(objects(config, &link) >= 1, "{name}: {config}");
    }
    site.is_as("before", "what was stored is what is there");
    site.sh("$netghost host capture -o json >file.json; $netghost host diff before ./file.json");

    site.sh(r"iptables-legacy -F; iptables-legacy -A $(printf 'ch\376') -i $(printf 'e\376h') -j DROP");
    let shown = site.netghost("host diff before");
    assert_eq!(shown.status, 1);
    for name in [r"e\xffh", r"e\xfeh", r"ch\xfe"] {
        assert!(shown.stdout.contains(name), "{name}: {}", shown.stdout);
    }
    let changes = site.netghost("host diff before -o json").changes();
    assert_eq!(changes, ["xtables-legacy-ipv4 rule_changed"]);
}

/// The object of a baseline's section.
fn stored(site: &Site, name: &str, which: &str) -> Value {
    let manifest = fs::read(site.path("state/netghost/baselines/before/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let digest = section(&manifest, name)[which].as_str().unwrap().to_owned();
    let path = format!("state/netghost/objects/sha256/{}/{}", &digest[..2], &digest[2..]);
    serde_json::from_slice(&fs::read(site.path(&path)).unwrap()).unwrap()
}

#[test]
fn root_counters_above_2_to_the_53_stay_exact() {
    let (most, odd) = ("18446744073709551615", "9007199254740993");
    let site = Site::new();
    site.sh_with_input(
        "iptables-legacy-restore -c",
        format!("*filter\n:INPUT ACCEPT [{odd}:{most}]\n[{most}:{odd}] -A INPUT -p tcp -j ACCEPT\nCOMMIT\n")
            .as_bytes(),
    );
    site.sh(&format!(
        "nft add table ip f; nft add chain ip f c; nft add rule ip f c counter packets {odd} bytes 9223372036854775807"
    ));
    // The tools agree that this is what the kernel holds.
    let saved = site.sh("iptables-legacy-save -c; nft list ruleset");
    for line in [
        format!(":INPUT ACCEPT [{odd}:{most}]"),
        format!("[{most}:{odd}] -A INPUT"),
        format!("packets {odd} bytes 9223372036854775807"),
    ] {
        assert!(saved.contains(&line), "{line}: {saved}");
    }
    site.save("before");
    let snapshot = site.capture();
    let rule =
        |value: &Value, chain: usize| value["tables"][0]["chains"][chain]["rules"][0]["counters"].clone();
    let legacy = &section(&snapshot, "xtables-legacy-ipv4")["runtime"];
    let policy = &legacy["tables"][0]["chains"][1]["policy_counters"];
    assert_eq!(policy, &json!({"packets": odd, "bytes": most}));
    assert_eq!(rule(legacy, 1), json!({"packets": most, "bytes": odd}));
    let nft = &section(&snapshot, "nftables")["runtime"];
    assert_eq!(
        rule(nft, 0),
        json!({"packets": odd, "bytes": "9223372036854775807"})
    );
    assert_eq!(&stored(&site, "xtables-legacy-ipv4", "runtime_digest"), legacy);
    assert_eq!(&stored(&site, "nftables", "runtime_digest"), nft);
    // A document in a file, read back and shown again, loses none of it.
    site.sh("$netghost host capture -o json >one.json");
    let parsed = site.netghost("firewall parse one.json -o json").json();
    assert_eq!(&section(&parsed, "xtables-legacy-ipv4")["runtime"], legacy);
    assert_eq!(&section(&parsed, "nftables")["runtime"], nft);
    site.is_as("before", "counters are no configuration");
}
