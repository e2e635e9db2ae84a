//! What each section needs to be read: the table in `docs/privileges.md`, held to what the kernel allows. This needs root.

#[cfg(test)]
#[path = "privileges/measured.rs"]
mod measured;
#[cfg(test)]
#[path = "privileges/table.rs"]
mod table;

#[cfg(test)]
use {measured::States, table::documented};

#[test]
fn root_privileges_are_as_documented() {
    // With legacy tables and without: that a list is empty is not to be known without the right to read it.
    for (script, rules) in [(measured::RULES, true), ("", false)] {
        let documented = documented(rules);
        let measured: Vec<(String, States)> = documented
            .iter()
            .map(|(privilege, _)| (privilege.clone(), measured::states(privilege, script)))
            .collect();
        assert_eq!(measured, documented, "after {script:?}");
    }
}
