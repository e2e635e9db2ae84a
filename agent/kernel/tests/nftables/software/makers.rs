//! Whose chains these are, and muting them.

use netghost_core::diff::{Change, Mute, compare_muted, maker};
use netghost_core::netfilter::model::{Ruleset, Table};
use netghost_core::netfilter::nft_file;
use netghost_core::section::{Content, Section, SectionName};
use netghost_core::snapshot::{Snapshot, Target};

use super::{LISTED, Made, parsed, ruleset, saved};

/// Chains of a table with what our own would say of them: those of the program, those that people fill, the built-in ones.
fn assert_makers(made: &Made, tables: &[Table]) {
    for table in tables {
        for chain in &table.chains {
            let name = chain.name.to_string();
            let found = maker::of_chain_in(table, &chain.name);
            let own_table = maker::of_table(&table.name).is_some();
            let built_in = chain.base.is_some() && !own_table;
            if built_in || made.owners.contains(&name.as_str()) {
                assert_eq!(found, None, "{} {name}", made.file);
            } else {
                assert_eq!(found, Some(made.maker), "{} {name}", made.file);
            }
            for rule in &chain.rules {
                let of_rule = maker::of_rule(table, &chain.name, rule);
                assert!(
                    of_rule.is_none() || of_rule == Some(made.maker),
                    "{} {name}: {of_rule:?}",
                    made.file
                );
                assert!(found.is_none() || of_rule == found, "{} {name}", made.file);
            }
        }
    }
}

#[test]
fn every_chain_of_software_has_its_maker() {
    for made in saved().chain(&LISTED) {
        assert_makers(made, &parsed(made).tables);
    }
}

fn snapshot(ruleset: Ruleset) -> Snapshot {
    let section = nft_file::parse_text(b"table ip t {\n}\n", &|_| None).unwrap();
    Snapshot {
        target: Target::File { name: "x".into() },
        tool: "test".into(),
        taken_at_us: 0,
        sections: vec![Section {
            content: Some(Content::Netfilter {
                config: ruleset,
                runtime: Default::default(),
            }),
            warnings: Vec::new(),
            ..section
        }],
        coverage: Vec::new(),
        namespaces: None,
    }
}

/// The same tables with the program's chains emptied, and one of somebody else beside them.
fn edited(before: &Ruleset) -> Ruleset {
    let mut out = before.clone();
    for table in &mut out.tables {
        let in_tables_own = maker::of_table(&table.name).is_some();
        for chain in &mut table.chains {
            if chain.base.is_none() || in_tables_own {
                chain.rules.clear();
            }
        }
    }
    let mine = nft_file::parse_text(b"table netdev zz_mine {\n}\n", &|_| None).unwrap();
    out.tables.extend(ruleset(&mine).tables.clone());
    out
}

/// What `--mute` sets apart is recorded whole, and nothing else is.
#[test]
fn muting_a_makers_chains_is_recorded_and_leaves_the_rest() {
    let cases = [
        ("kube-proxy-ipv4.save", "KUBE-*"),
        ("docker-ipv4.save", "DOCKER*"),
        ("fail2ban-ipv4.save", "f2b-*"),
        ("kube-proxy.nft", "ip*/kube-proxy/*"),
        ("firewalld.nft", "inet/firewalld/*"),
    ];
    for (file, pattern) in cases {
        let made = saved().chain(&LISTED).find(|made| made.file == file).unwrap();
        let before = parsed(made);
        let after = edited(&before);
        let mutes = [Mute {
            chain_pattern: pattern.to_owned(),
        }];
        let (one, other) = (snapshot(before), snapshot(after));
        let all = compare_muted(&one, &other, &[SectionName::Nftables], &[]).changes;
        let found = compare_muted(&one, &other, &[SectionName::Nftables], &mutes);
        assert!(all.len() > 3, "{file}");
        let (mine, theirs): (Vec<Change>, Vec<Change>) = all
            .into_iter()
            .partition(|change| change.path == "netdev/zz_mine");
        assert_eq!(mine.len(), 1, "{file}");
        assert_eq!(found.changes, mine, "{file}");
        assert_eq!(found.muted[0].count, theirs.len(), "{file}");
        assert_eq!(found.muted[0].changes, theirs, "{file}");
        let made_by = |change: &&Change| change.maker == Some(made.maker);
        let owners = theirs.iter().filter(|change| !made_by(change)).count();
        // `DOCKER-USER` is Docker's chain with its owner's rules.
        assert_eq!(owners, usize::from(file.starts_with("docker")), "{file}");
    }
}
