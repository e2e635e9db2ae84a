//! The bytes that the machine gave, as the core's tests keep them.

use std::fs;
use std::path::Path;

use netghost_core::artifact::json;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, SectionName};

use super::reading::{READING, saved, saved_by_ebtables, section};

const SECTIONS: [(SectionName, &str); 9] = [
    (SectionName::Nftables, "nftables"),
    (SectionName::XtablesLegacyIpv4, "xtables-legacy-ipv4"),
    (SectionName::XtablesLegacyIpv6, "xtables-legacy-ipv6"),
    (SectionName::Ipset, "ipset"),
    (SectionName::Nexthops, "nexthops"),
    (SectionName::Xfrm, "xfrm"),
    (SectionName::Bridge, "bridge"),
    (SectionName::Ipvs, "ipvs"),
    (SectionName::Conntrack, "conntrack"),
];

/// What is made of it, for people.
fn lines(section: &Section) -> Vec<u8> {
    match section.content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => match section.name {
            SectionName::Nftables => text::nft::ruleset(config).into_bytes(),
            SectionName::EbtablesLegacy => saved_by_ebtables(config),
            _ => saved(config),
        },
        Content::Facts { config, .. } => {
            let lines = config.facts.iter().map(|fact| format!("{fact}\n"));
            lines.collect::<String>().into_bytes()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "writes files of the source"]
fn root_capture_the_bytes_again() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/raw/tests");
    fs::create_dir_all(&dir).unwrap();
    let release = &READING.steps["release"];
    let listing = format!(
        "# What `nft list ruleset` 1.0.6 printed of it.\n{}\n",
        READING.steps["nft"]
    );
    fs::write(dir.join("linux-6.1-nftables.nft"), listing).unwrap();
    for (tool, step, word) in [
        ("iptables", "legacy-4", "ipv4"),
        ("ip6tables", "legacy-6", "ipv6"),
    ] {
        let lines = READING.steps[step].lines().filter(|line| !line.starts_with('#'));
        let saved: String = lines.map(|line| format!("{line}\n")).collect();
        let text = format!("# What `{tool}-legacy-save` 1.8.9 printed of it.\n{saved}");
        fs::write(dir.join(format!("linux-6.1-xtables-legacy-{word}.save")), text).unwrap();
    }
    for (name, word) in SECTIONS {
        let section = section(&READING.first, name);
        let raw = String::from_utf8(json::to_vec(section.raw.as_ref().unwrap()).unwrap()).unwrap();
        let text = format!(
            "# What Linux {release} (x86-64) gave the reader of the section {word}, after the scripts of\n\
             # tests/tests/cloud_kernel had loaded it; written by its ignored test.\n{}\n",
            raw.replace("},{", "},\n{")
        );
        fs::write(dir.join(format!("linux-6.1-{word}.txt")), text).unwrap();
        fs::write(dir.join(format!("linux-6.1-{word}.lines")), lines(section)).unwrap();
    }
}
