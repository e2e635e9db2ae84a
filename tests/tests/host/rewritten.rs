//! A host that is rewritten while it is read: no answer is ever complete and wrong.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::site::{Site, section};

/// Captures while `writer` runs in the namespace, until it ends and at least once.
fn while_written(site: &Site, writer: (&[&str], &str)) -> Vec<(i32, Value)> {
    thread::scope(|scope| {
        let running = scope.spawn(|| {
            site.namespace()
                .exec_with_input(writer.0, writer.1.as_bytes())
                .unwrap()
        });
        thread::sleep(Duration::from_millis(100));
        let mut all = Vec::new();
        while !running.is_finished() {
            let answer = site.netghost("host capture -o json");
            if !running.is_finished() {
                all.push((answer.status, answer.json()));
            }
        }
        let output = running.join().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!all.is_empty(), "no reading while it was written");
        all
    })
}

/// Status 0 is for whole snapshots and for no other; a section that is not whole says why.
fn is_honest(status: i32, snapshot: &Value) {
    let sections = snapshot["sections"].as_array().unwrap();
    let whole = sections.iter().all(|section| section["state"] == "captured");
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
        format!("add table ip busy\nadd chain ip busy c\n{filler}").as_bytes(),
    );
    site.sh("$netghost host capture -o json >before.json");
    let lines = "add rule ip busy c counter\n".repeat(8000);
    let all = while_written(&site, (&["nft", "-i"], &lines));
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
        assert!(rules(nft, "c").unwrap() >= 3000, "what was read is shown");
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
    let all = while_written(&site, (&["nft", "-i"], &line.repeat(600)));
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
    // Each commit puts three rules more.
    let script = "n=0; while [ $n -lt 300 ]; do n=$((n+1))
        printf '*filter\n-A c -j DROP\n-A c -j DROP\n-A c -j DROP\nCOMMIT\n' | iptables-legacy-restore -n; done";
    let all = while_written(&site, (&["sh", "-euc", script], ""));
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
        let count = rules(section(snapshot, "xtables-legacy-ipv4"), "c").unwrap();
        assert_eq!(count % 3, 0, "half a commit: {count} rules");
    }
    rests(&site);
    assert_eq!(
        rules(section(&site.capture(), "xtables-legacy-ipv4"), "c"),
        Some(900)
    );
}

#[test]
fn root_links_that_come_and_go_never_fail_a_reading() {
    let site = Site::with("ip link set lo up");
    let lines =
        "link add gone type bridge\nlink set gone up\nroute add 10.50.0.0/16 dev gone\nlink delete gone\n";
    let all = while_written(&site, (&["ip", "-batch", "-"], &lines.repeat(60)));
    for (status, snapshot) in &all {
        is_honest(*status, snapshot);
    }
    rests(&site);
}
