//! The definition, its examples, and each command on a store of its own.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::*;

mod store;

#[test]
fn the_definition_has_no_contradiction() {
    Args::command().debug_assert();
}

/// Every command with the name that the user types, and its help.
fn all(command: &clap::Command, name: &str) -> Vec<(String, String)> {
    let help = command.get_after_help().map(ToString::to_string);
    let mut found = vec![(name.to_owned(), help.unwrap_or_default())];
    for below in command.get_subcommands() {
        found.extend(all(below, &format!("{name} {}", below.get_name())));
    }
    found
}

#[test]
fn every_command_has_an_example_that_is_right_use() {
    for (name, help) in all(&Args::command(), "netghost-controller") {
        let examples: Vec<&str> = help
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.starts_with("netghost-controller "))
            .collect();
        assert!(examples.iter().any(|line| line.starts_with(&name)), "{name}");
        for line in examples {
            let words = line.split(" > ").next().unwrap().split_whitespace();
            Args::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

#[test]
fn wrong_use_is_refused() {
    for line in [
        "",
        "user add",
        "user add ada",
        "user add ada --role king",
        "user add ../ada --role admin",
        "user revoke ada",
        "init --name a:7443",
        "init --domain Example.org",
        "serve now",
        "completions cmd",
        "backup",
    ] {
        let words = ["netghost-controller"].into_iter().chain(line.split_whitespace());
        assert!(Args::try_parse_from(words).is_err(), "{line}");
    }
}

/// A directory of this test's own, removed at its end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netghost-commands-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Runs a line with a configuration.
fn run(config: &Path, line: &str) -> Result<Answer, Failure> {
    let config = config.display().to_string();
    let words = ["netghost-controller", "--config", &config]
        .into_iter()
        .chain(line.split_whitespace());
    dispatch(Args::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")))
}
