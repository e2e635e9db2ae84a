//! A host that is rewritten while it is read: no answer is ever complete and wrong.

use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use super::site::{Site, section};

/// Readings made while one writer writes.
const READINGS: usize = 10;

/// Ends the writer when it goes, also where a reading panics.
struct Stop(PathBuf);

impl Drop for Stop {
    fn drop(&mut self) {
        fs::write(&self.0, "").unwrap();
    }
}

/// Captures while a script runs that writes on until the file `stop` is there; it says `started` by a file of that name.
fn while_written(site: &Site, writer: &str) -> Vec<(i32, Value)> {
    thread::scope(|scope| {
        let running = scope.spawn(|| site.sh_for_long(writer));
        let stop = Stop(site.path("stop"));
        while !site.path("started").exists() {
            assert!(!running.is_finished(), "the writer ended before it began");
            thread::yield_now();
        }
        let read = || {
            let answer = site.netghost("host capture -o json");
            (answer.status, answer.json())
        };
        let all = (0..READINGS).map(|_| read()).collect();
        assert!(!running.is_finished(), "the writer ended before the last reading");
        drop(stop);
        running.join().unwrap();
        all
    })
}

/// A script that feeds these lines to a command again and again.
fn fed(lines: &str, command: &str) -> String {
    format!("(touch started; while [ ! -e stop ]; do printf '%s' '{lines}'; done) | {command}")
}

/// Status 0 is for whole snapshots and for no other; a section that is not whole says why.
fn is_honest(status: i32, snapshot: &Value) {
    let sections = snapshot["sections"].as_array().unwrap();
    let known = ["captured", "not_applicable"];
    let whole = sections
        .iter()
        .all(|section| known.contains(&section["state"].as_str().unwrap()));
    assert_eq!(status, if whole { 0 } else { 3 }, "{sections:?}");
    for section in sections.iter().filter(|section| section["state"] != "captured") {
        assert!(!section["why"].as_str().unwrap().is_empty());
    }
}

fn rests(site: &Site) {
    let snapshot = site.capture();
    is_honest(0, &snapshot);
}

/// Rules in the first chain of that name.
fn rules(section: &Value, chain: &str) -> Option<usize> {
    let tables = section["tables"].as_array().unwrap();
    let mut chains = tables
        .iter()
        .flat_map(|table| table["chains"].as_array().unwrap());
    let found = chains.find(|found| found["name"] == chain)?;
    Some(found["rules"].as_array().unwrap().len())
}

#[test]
fn root_a_ruleset_that_never_rests_is_torn_with_status_3() {
    let site = Site::new();
    let filler: String = (0..3000)
        .map(|n| format!("add rule ip busy c ip saddr 10.0.{}.{} drop\n", n / 250, n % 250))
        .collect();
    site.sh_with_input(
        "nft -f -",
        format!("add table ip busy\nadd chain ip busy c\nadd chain ip busy d\n{filler}").as_bytes(),
    );
    site.sh("$netghost host capture -o json >before.json");
    let lines = "add rule ip busy d counter\n".repeat(20) + "flush chain ip busy d\n";
    let all = while_written(&site, &fed(&lines, "nft -i"));
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
    }
    // The first readings may still find the writer reading for itself.
    let torn: Vec<&Value> = all
        .iter()
        .filter(|(status, _)| *status == 3)
        .map(|(_, snapshot)| section(snapshot, "nftables"))
        .filter(|nft| nft["state"] == "torn")
        .collect();
    assert!(!torn.is_empty(), "none of {} readings was overtaken", all.len());
    for nft in torn {
        assert!(nft["why"].as_str().unwrap().contains("8 reads"), "{}", nft["why"]);
        assert!(rules(nft, "c").unwrap() == 3000, "what was read is shown");
    }
    rests(&site);
}

#[test]
fn root_a_table_that_comes_and_goes_is_whole_or_absent() {
    let site = Site::with("nft add table ip stays");
    // Each chain is read by itself, so that the table may go between any two of them.
    let made: String = (1..=30)
        .map(|n| format!("add chain ip comes c{n}; add rule ip comes c{n} tcp dport {n} drop; "))
        .collect();
    let line = format!("add table ip comes; {made}\ndelete table ip comes\n");
    let all = while_written(&site, &fed(&line, "nft -i"));
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
        let nft = section(snapshot, "nftables");
        if nft["state"] == "captured" {
            let counts: Vec<usize> = (1..=30).filter_map(|n| rules(nft, &format!("c{n}"))).collect();
            assert!(counts.is_empty() || counts == [1; 30], "half a table: {counts:?}");
        }
    }
    rests(&site);
}

#[test]
fn root_legacy_rules_that_are_rewritten_are_read_as_one_commit_left_them() {
    let site = Site::with("iptables-legacy -N c");
    // Each commit puts three rules more, and their number is known at the end.
    let script = "n=0; touch started; while [ ! -e stop ]; do n=$((n+1))
        printf '*filter\n-A c -j DROP\n-A c -j DROP\n-A c -j DROP\nCOMMIT\n' | iptables-legacy-restore -n
        done; echo $n >commits";
    let all = while_written(&site, script);
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
        let count = rules(section(snapshot, "xtables-legacy-ipv4"), "c").unwrap();
        assert_eq!(count % 3, 0, "half a commit: {count} rules");
    }
    rests(&site);
    let commits: usize = site.sh("cat commits").trim().parse().unwrap();
    assert!(commits > 0);
    assert_eq!(
        rules(section(&site.capture(), "xtables-legacy-ipv4"), "c"),
        Some(3 * commits)
    );
}

#[test]
fn root_links_that_come_and_go_never_fail_a_reading() {
    let site = Site::with("ip link set lo up");
    let lines =
        "link add gone type bridge\nlink set gone up\nroute add 10.50.0.0/16 dev gone\nlink delete gone\n";
    let all = while_written(&site, &fed(lines, "ip -batch -"));
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
    }
    rests(&site);
}
