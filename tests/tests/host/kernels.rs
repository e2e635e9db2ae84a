//! What this machine's own kernel can't show: other kernels, read by the same command.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_lab::{Kind, Lab, Limits, Plan, Vm};
use serde_json::{Value, json};

use super::site::{LAB, changes, program, section};

/// What the steps of a script printed, by their names, each with its status.
type Steps = BTreeMap<String, (i32, String)>;

/// Runs a script in a VM in one go: each command costs seconds in an emulated machine. `step NAME COMMAND…` in it keeps
/// what the command prints under the name; `$1` is the command, `$2` the interface.
fn steps(vm: &Vm, script: &str) -> Steps {
    let prelude = "set -u; export XDG_STATE_HOME=/run/store\n\
        strip --strip-debug -o /run/netghost \"$1\"; netghost=/run/netghost; nic=$2\n\
        step() { printf '@@ %s\\n' \"$1\"; shift; \"$@\"; printf '\\n@@ %s\\n' $?; }\n";
    let program = program().display().to_string();
    let argv = [
        "sh",
        "-c",
        &format!("{prelude}{script}"),
        "sh",
        &program,
        vm.nic(),
    ];
    let limits = Limits {
        time: Duration::from_secs(120),
        ..Limits::default()
    };
    let output = vm.exec_within(&argv, b"", limits).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found = Steps::new();
    let mut pieces = text.split("@@ ").skip(1);
    while let (Some(begin), Some(end)) = (pieces.next(), pieces.next()) {
        let (name, printed) = begin.split_once('\n').unwrap();
        let status = end.trim_end().parse().unwrap();
        found.insert(name.to_owned(), (status, printed.trim_end().to_owned()));
    }
    assert!(!found.is_empty(), "{errors}");
    println!("{errors}");
    found
}

fn text<'a>(steps: &'a Steps, name: &str) -> &'a str {
    let (status, text) = &steps[name];
    assert_eq!(*status, 0, "{name}: {text}");
    text
}

fn document(steps: &Steps, name: &str, status: i32) -> Value {
    let (found, text) = &steps[name];
    assert_eq!(*found, status, "{name}: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
}

fn qdisc<'a>(snapshot: &'a Value, kind: &str) -> &'a Value {
    let all = section(snapshot, "tc")["config"]["qdiscs"].as_array().unwrap();
    let found = all.iter().find(|qdisc| qdisc["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {all:?}"))
}

/// The same qdisc as `tc -j` prints it.
fn as_tc<'a>(shown: &'a Value, kind: &str) -> &'a Value {
    let all = shown.as_array().unwrap();
    let found = all.iter().find(|qdisc| qdisc["kind"] == kind);
    found.unwrap_or_else(|| panic!("tc shows no {kind}: {shown}"))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap(),
    }
}

/// Ours, in `unit` of theirs: tc prints seconds and shares, with few digits.
fn close(ours: &Value, unit: f64, theirs: &Value) {
    let (ours, theirs) = (number(ours) / unit, number(theirs));
    assert!((ours - theirs).abs() < 1e-6, "{ours} here, {theirs} by tc");
}

/// netem's numbers, once as they were asked for and once as `tc` reads them back.
fn is_netem(snapshot: &Value, shown: &Value) {
    let ours = &qdisc(snapshot, "netem")["options"];
    assert_eq!(ours["type"], "netem");
    assert_eq!(ours["delay_ns"], "30000000");
    assert_eq!(ours["jitter_ns"], "5000000");
    assert_eq!(ours["loss"], json!({"probability": 42_949_673, "correlation": 0}));
    let theirs = &as_tc(shown, "netem")["options"];
    close(&ours["delay_ns"], 1e9, &theirs["delay"]["delay"]);
    close(&ours["jitter_ns"], 1e9, &theirs["delay"]["jitter"]);
    close(
        &ours["loss"]["probability"],
        4_294_967_296.0,
        &theirs["loss-random"]["loss"],
    );
    assert_eq!(ours["limit_packets"], theirs["limit"]);
}

fn states(snapshot: &Value) -> BTreeMap<&str, &str> {
    let sections = snapshot["sections"].as_array().unwrap();
    sections
        .iter()
        .map(|section| {
            (
                section["name"].as_str().unwrap(),
                section["state"].as_str().unwrap(),
            )
        })
        .collect()
}

/// A kernel that has no legacy tables yet says so with its proof, and reading does not load them.
fn has_no_legacy(snapshot: &Value) {
    for name in ["xtables-legacy-ipv4", "xtables-legacy-ipv6"] {
        assert_eq!(states(snapshot)[name], "not_applicable");
        let why = section(snapshot, name)["why"].as_str().unwrap();
        assert!(why.contains("tables_names is not there"), "{why}");
    }
    for name in ["tc", "links", "routes"] {
        assert_eq!(states(snapshot)[name], "captured");
    }
}

const DRIFT: &str = "
    step modules cut -d' ' -f1 /proc/modules
    step fresh $netghost host capture -o json
    step modules_after cut -d' ' -f1 /proc/modules
    $netghost host capture --save before >/dev/null
    tc qdisc add dev $nic root netem delay 30ms 5ms loss 1%
    step tc tc -j qdisc show dev $nic
    step netem $netghost host capture --section tc -o json
    step drift $netghost host diff before -o json
    tc qdisc del dev $nic root
    step undone $netghost host diff before -o json
";

fn drifts(steps: &Steps) {
    has_no_legacy(&document(steps, "fresh", 0));
    is_netem(&document(steps, "netem", 0), &document(steps, "tc", 0));
    let drift = document(steps, "drift", 1);
    assert_eq!(changes(&drift), ["tc qdisc_changed"]);
    let undone = document(steps, "undone", 0);
    assert_eq!(
        (&undone["verdict"], changes(&undone)),
        (&"no_drift".into(), vec![])
    );
    // What only tells of sockets may come; it is named in a warning.
    let others = |name: &str| -> Vec<&str> {
        let all = text(steps, name).lines();
        all.filter(|module| !module.ends_with("_diag")).collect()
    };
    assert_eq!(
        others("modules_after"),
        others("modules"),
        "reading loads no module"
    );
}

#[test]
fn root_uml_without_legacy_tables_reads_netem_and_its_drift() {
    let lab = Lab::up(&Plan::new(&[Kind::Uml]).with_program(LAB)).unwrap();
    let steps = steps(
        lab.vm("vm1").unwrap(),
        &format!(
            "{DRIFT}
            step prio tc qdisc add dev $nic root handle 1: prio bands 4
            step prio_tc tc -j qdisc show dev $nic
            step prio_read $netghost host capture --section tc -o json
            tc qdisc del dev $nic root
            step rule iptables-legacy -A INPUT -p tcp --dport 22 -j DROP
            step with_rule $netghost host diff before -o json"
        ),
    );
    drifts(&steps);
    text(&steps, "prio");
    let read = document(&steps, "prio_read", 0);
    let shown = document(&steps, "prio_tc", 0);
    assert_eq!(
        qdisc(&read, "prio")["options"]["bands"],
        as_tc(&shown, "prio")["options"]["bands"]
    );
    // What was proved absent and is there now is a change, not a gap.
    text(&steps, "rule");
    assert_eq!(
        changes(&document(&steps, "with_rule", 1)),
        ["xtables-legacy-ipv4 table_added"]
    );
}

#[test]
fn root_qemu_reads_what_the_machine_lacks_as_the_tools_show_it() {
    let lab = Lab::up(&Plan::new(&[Kind::Qemu]).with_program(LAB)).unwrap();
    let steps = steps(
        lab.vm("vm1").unwrap(),
        &format!(
            "{DRIFT}
            tc qdisc add dev $nic root handle 1: prio bands 4
            tc qdisc add dev $nic parent 1:1 handle 10: fq_codel limit 500 target 4ms interval 80ms
            nft -f - <<'END'
table inet q {{
    chain c {{
        type filter hook input priority 10; policy accept;
        tcp dport 80 queue num 1-3 bypass
        ct state established counter packets 9007199254740993 bytes 12 accept
    }}
}}
END
            iptables-legacy -A INPUT -p tcp --dport 5001 -m comment --comment 'by hand' -j DROP
            step tc2 tc -j qdisc show dev $nic
            step nft nft -j list ruleset
            step legacy iptables-legacy-save
            step all $netghost host capture -o json"
        ),
    );
    let all = document(&steps, "all", 0);
    for (name, state) in states(&all) {
        let expected = match name {
            // Nothing has loaded their modules.
            "xtables-legacy-ipv6" | "arptables-legacy" | "ebtables-legacy" | "ipset" | "ipvs" | "xfrm" => {
                "not_applicable"
            }
            _ => "captured",
        };
        assert_eq!(state, expected, "{name}");
    }
    is_shaped_as(&all, &document(&steps, "tc2", 0));
    is_ruled_as(&all, &document(&steps, "nft", 0), text(&steps, "legacy"));
    drifts(&steps);
}

fn is_shaped_as(snapshot: &Value, shown: &Value) {
    let (ours, theirs) = (qdisc(snapshot, "prio"), as_tc(shown, "prio"));
    assert_eq!(ours["options"]["bands"], theirs["options"]["bands"]);
    assert_eq!(ours["options"]["priority_map"], theirs["options"]["priomap"]);
    let (ours, theirs) = (qdisc(snapshot, "fq_codel"), as_tc(shown, "fq_codel"));
    assert_eq!(
        (&ours["parent"], &ours["handle"]),
        (&theirs["parent"], &theirs["handle"])
    );
    assert_eq!(theirs["options"]["limit"], 500);
    let settings = ours["options"]["settings"].as_array().unwrap();
    let limit = settings.iter().find(|setting| setting["name"] == "limit");
    assert_eq!(limit.unwrap()["value"]["value"], "500", "{settings:?}");
}

fn is_ruled_as(snapshot: &Value, shown: &Value, saved: &str) {
    let nft = section(snapshot, "nftables");
    let chains = |name: &str| {
        let tables = nft["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["name"] == name).unwrap();
        table["chains"].as_array().unwrap().clone()
    };
    let rules = chains("q")[0]["rules"].clone();
    let theirs: Vec<&Value> = shown["nftables"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item.get("rule"))
        .collect();
    assert_eq!(theirs.len(), 2, "{shown}");
    assert_eq!(
        theirs[0]["expr"][1]["queue"],
        json!({"num": {"range": [1, 3]}, "flags": "bypass"})
    );
    assert_eq!(rules.as_array().unwrap().len(), 2);
    let queue = rules[0].to_string();
    assert!(queue.contains("queue"), "{queue}");
    for (ours, theirs) in rules.as_array().unwrap().iter().zip(&theirs) {
        assert_eq!(number(&ours["handle"]), number(&theirs["handle"]));
    }
    assert_eq!(
        rules[1]["counters"],
        json!({"packets": "9007199254740993", "bytes": "12"})
    );
    let legacy = &section(snapshot, "xtables-legacy-ipv4")["tables"][0];
    let printed: Vec<&str> = legacy["chains"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|chain| chain["rules"].as_array().unwrap())
        .map(|rule| rule["text"].as_str().unwrap())
        .collect();
    let theirs: Vec<&str> = saved.lines().filter(|line| line.starts_with("-A")).collect();
    assert_eq!(printed, theirs);
}
