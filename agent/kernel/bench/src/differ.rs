//! How long it takes to see what differs between two large rulesets.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use netghost_core::bytes::Text;
use netghost_core::diff::compare;
use netghost_core::netfilter::save;
use netghost_core::section::coverage::coverage;
use netghost_core::snapshot::{Snapshot, Target};

/// How often it is done; the fastest is told, as for readings.
const ROUNDS: usize = 5;

/// One rule more above so many others.
pub(crate) fn one_rule_above(count: usize) -> Result<String> {
    let before = snapshot(count, "")?;
    let after = snapshot(count, "-A INPUT -s 192.0.2.1/32 -j DROP\n")?;
    let names: Vec<_> = before.sections.iter().map(|section| section.name).collect();
    let mut fastest = Duration::MAX;
    let mut changes = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let found = compare(&before, &after, &names);
        fastest = fastest.min(started.elapsed());
        changes = found.changes.len();
    }
    Ok(format!(
        "{count} rules: {changes} change in {:.1} ms",
        fastest.as_secs_f64() * 1000.0
    ))
}

fn snapshot(count: usize, first: &str) -> Result<Snapshot> {
    let mut text = format!("*filter\n:INPUT ACCEPT [0:0]\n{first}");
    for number in 0..count {
        let (high, middle, low) = (number >> 16 & 255, number >> 8 & 255, number & 255);
        let port = 1 + number % 65535;
        writeln!(
            text,
            "-A INPUT -s 10.{high}.{middle}.{low}/32 -p tcp -m tcp --dport {port} -j ACCEPT"
        )?;
    }
    text += "COMMIT\n";
    let section = save::parse(text.as_bytes(), None).context("read the rules")?;
    let sections = vec![section];
    Ok(Snapshot {
        namespaces: None,
        target: Target::File {
            name: Text::from("rules"),
        },
        tool: "netghost-bench".to_owned(),
        taken_at_us: 0,
        coverage: coverage(&sections),
        sections,
    })
}
