//! Whatever a rule can say, the kernel takes it back once it is gone.

use netghost_core::gate::{Operation, RuleRef};
use netghost_core::netfilter::text;
use netghost_kernel::write;

use crate::phrases;
use crate::reading::{config, namespace_with_links, read};

/// A deletion is planned only where the kernel would take back what it lists: so it is for every phrase, and every twentieth rule goes and
/// comes.
#[test]
fn root_every_phrase_is_taken_back() {
    let namespace = namespace_with_links();
    let (mut planned, mut wrong) = (0, Vec::new());
    for (within, parts) in phrases::families::all() {
        phrases::load(
            &namespace,
            within,
            parts.iter().map(|part| (*part).to_owned()).collect(),
        );
        let before = read(&namespace);
        let ruleset = config(&before);
        for table in &ruleset.tables {
            for chain in &table.chains {
                let mut texts: Vec<String> = Vec::new();
                for rule in &chain.rules {
                    let text = text::rule(ruleset.plane, table, chain, rule);
                    let same = texts.iter().filter(|one| **one == text).count();
                    let operation = Operation::NftDelete {
                        family: table.family,
                        table: table.name.clone(),
                        chain: chain.name.clone(),
                        rule: RuleRef {
                            text: text.as_str().into(),
                            occurrence: u32::try_from(same).unwrap() + 1,
                        },
                    };
                    texts.push(text);
                    let done = namespace.enter(|| {
                        let change = write::plan(&operation)?;
                        if planned % 20 == 0 {
                            change.apply()?;
                            change.undo()?;
                        }
                        Ok::<(), write::WriteError>(())
                    });
                    planned += 1;
                    wrong.extend(done.unwrap().err().map(|error| error.to_string()));
                }
            }
        }
        assert_eq!(config(&read(&namespace)), ruleset);
    }
    println!("{planned} rules would come back");
    assert!(wrong.is_empty(), "{} of {planned}: {wrong:#?}", wrong.len());
    assert!(planned > 300, "{planned}");
}
