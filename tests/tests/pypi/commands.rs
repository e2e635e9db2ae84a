//! Documents as the commands write them.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use netghost_cli::documents::{agents, controller, document, jobs, sweeps, tokens, windows};
use netghost_cli::exit::Status;
use netghost_cli::world::{Hears, World};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;
use netghost_kernel::watch::{Heard, Program};
use netghost_proto::v1;

use super::{azure, programs, sample};

/// Whether the host that is read has changed since it was sealed.
static CHANGED: AtomicBool = AtomicBool::new(false);

fn host() -> Snapshot {
    if CHANGED.load(Ordering::SeqCst) {
        sample::changed()
    } else {
        sample::snapshot()
    }
}

/// A world whose host is the sample and whose store is in `place`.
fn world(place: &Path) -> World {
    World {
        find_namespaces: netghost_kernel::namespaces::find,
        namespaces: |asked, _| {
            netghost_core::namespace::Namespaces::unlisted(asked.clone(), "a test".to_owned())
        },
        notices: || Err(std::io::ErrorKind::Unsupported.into()),
        now_us: || 1_795_375_421_000_000,
        capture: Arc::new(|names| {
            let mut sections = host().sections;
            sections.retain(|section| names.contains(&section.name));
            sections
        }),
        target: || host().target,
        state_home: Some(place.join("state")),
        config_home: Some(place.join("config")),
        home: None,
        context: None,
        connect: Arc::new(netghost_cli::fleet::connect),
        prompt: Arc::new(|_| None),
        person: Some("ada".to_owned()),
        etc: place.join("etc"),
        act_socket: place.join("act.sock"),
    }
}

/// Runs a command that must end with `status`; its document goes to `out`.
fn run(place: &Path, out: &Path, status: u8, line: &str) {
    let path = |word: &str| OsString::from(word.replace('@', &format!("{}/", place.display())));
    let words = ["netghost"].into_iter().chain(line.split_whitespace()).map(path);
    let output = ["-o", "json", "--out"].map(OsString::from);
    let all = words.chain(output).chain([out.as_os_str().to_owned()]).collect();
    let ended = netghost_cli::run(all, &world(place));
    assert_eq!(ended as u8, status, "{line}");
}

/// The files of a host whose next boot drops what it lets through now.
fn next_boot(place: &Path) {
    let root = place.join("root");
    for directory in [
        "usr/lib/systemd/system",
        "etc/systemd/system/sysinit.target.wants",
    ] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    let file = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    file("usr/lib/systemd/systemd", "");
    file(
        "etc/nftables.conf",
        "table ip own {\n\tchain input {\n\t\ttype filter hook input priority 0\n\t\ttcp dport 5001 drop\n\t}\n}\n",
    );
    file(
        "usr/lib/systemd/system/nftables.service",
        "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables.conf\n",
    );
    std::os::unix::fs::symlink(
        "/usr/lib/systemd/system/nftables.service",
        root.join("etc/systemd/system/sysinit.target.wants/nftables.service"),
    )
    .unwrap();
}

/// Security rules of Azure in files: a gate with a rule that is wide, one that can't fire, and one that is not understood.
fn security_rule_files(place: &Path) {
    let rule = |name: &str, priority: &str, access: &str, source: &str, port: &str| {
        format!(
            r#"{{"name": "securityRules/{name}", "priority": {priority}, "access": "{access}", "direction": "Inbound",
            "protocol": "Tcp", "sourceAddressPrefix": "{source}", "sourcePortRange": "0-65535",
            "destinationAddressPrefix": "*", "destinationPortRange": "{port}"}}"#
        )
    };
    let body = |rules: &[String]| {
        let rules = rules.join(",");
        format!(
            r#"{{"value": [{{"association": {{"subnet": {{"id": "/s"}}}}, "effectiveSecurityRules": [{rules}]}}]}}"#
        )
    };
    let write = |name: &str, text: String| std::fs::write(place.join(name), text).unwrap();
    let (shut, web) = (
        rule("shut", "100", "Deny", "*", "0-442"),
        rule("web", "200", "Allow", "Storage", "80"),
    );
    write("nsg-a.json", body(&[shut, web.clone()]));
    write(
        "nsg-b.json",
        body(&[
            rule("shut", "100", "Deny", "*", "0-79"),
            web.clone(),
            rule("any", "300", "Allow", "*", "443"),
        ]),
    );
    write(
        "nsg-c.json",
        body(&[rule("strange", "\"high\"", "Allow", "Storage", "80"), web]),
    );
    write("nsg-none.json", r#"{"value": []}"#.to_owned());
}

/// What the commands make of them.
fn security_rules(place: &Path, run: &dyn Fn(&str, u8, &str)) {
    security_rule_files(place);
    let flow = "--direction inbound --source 9.9.9.9 --destination 10.0.1.4";
    for (status, file, more) in [
        (1, "a", "--protocol tcp --port 80"),
        (3, "b", "--protocol tcp --port 80 --source-port 9"),
        (3, "c", "--protocol * --port 80-90"),
        (1, "none", "--protocol icmp"),
        (0, "none", "--protocol esp --public-address none"),
    ] {
        run(
            "nsg-evaluate",
            status,
            &format!("nsg evaluate --rules @nsg-{file}.json {flow} {more}"),
        );
    }
    for (status, file) in [(1, "a"), (3, "c"), (0, "none")] {
        run(
            "nsg-audit",
            status,
            &format!("nsg audit --rules @nsg-{file}.json"),
        );
    }
    for (status, sides) in [
        (0, "@nsg-a.json @nsg-a.json"),
        (1, "@nsg-a.json @nsg-b.json --explain"),
        (3, "@nsg-c.json @nsg-c.json"),
    ] {
        run("nsg-diff", status, &format!("nsg diff {sides}"));
    }
    run("nsg-diff", 1, "nsg diff @nsg-none.json @nsg-b.json");
}

/// Writes one document of each kind and verdict into `directory`; `place` holds what the commands read and keep.
#[allow(clippy::too_many_lines, reason = "a list of commands, one after the other")]
pub(crate) fn write(place: &Path, directory: &Path) {
    let rules = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
    rules(
        "one.txt",
        "*filter\n:INPUT ACCEPT [0:0]\n:web - [0:0]\n-A INPUT -j web\nCOMMIT\n",
    );
    rules(
        "two.txt",
        "*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n-A INPUT -p tcp -j own\nCOMMIT\n*raw\nCOMMIT\n",
    );
    rules("empty.txt", "");
    let number = std::cell::Cell::new(10);
    let run = |kind: &str, status, line: &str| {
        number.set(number.get() + 1);
        let name = format!("{kind}.{}.json", number.get());
        run(place, &directory.join(name), status, line);
    };
    CHANGED.store(false, Ordering::SeqCst);
    run(
        "snapshot",
        3,
        "host capture --save before --asked-by ada --ticket CHG-1 --note read",
    );
    let (whole, mute) = ("--section nftables", "--mute web* --mute INPUT");
    run(
        "diff",
        0,
        &format!("host diff before {whole} --certificate @same.dsse.json"),
    );
    run("diff", 3, "host diff before");
    CHANGED.store(true, Ordering::SeqCst);
    run(
        "diff",
        1,
        &format!("host diff before {mute} --save after --certificate @drift.dsse.json"),
    );
    run("diff", 1, "firewall diff @one.txt @two.txt");
    run("diff", 1, &format!("firewall diff @one.txt @two.txt {mute}"));
    run("diff", 3, "firewall diff @one.txt @empty.txt");
    run("firewall-explain", 0, "firewall explain @one.txt");
    security_rules(place, &run);
    azure::write(place, &run);
    next_boot(place);
    run("persisted", 3, "firewall persisted");
    run("persisted", 1, "firewall persisted --root @root");
    watched(place, directory);
    routes(place, &run);
    paths(place, &run);
    run(
        "seal",
        0,
        "seal @one.txt @two.txt --name rules --note two --certificate @rules.dsse.json",
    );
    let key = std::fs::read_dir(place.join("state/netghost/keys")).unwrap();
    let mut keys = key.map(|entry| entry.unwrap().path().display().to_string());
    let key = keys.find(|path| path.ends_with(".pub.pem")).unwrap();
    run(
        "verification",
        0,
        &format!("verify @same.dsse.json --key {key} --require no_drift"),
    );
    run(
        "verification",
        1,
        &format!("verify @drift.dsse.json --key {key} --require no_drift"),
    );
    run(
        "verification",
        1,
        &format!("verify @rules.dsse.json --key {key} --subject @empty.txt"),
    );
    run("certificate", 0, "certificate show @drift.dsse.json");
    run("certificate", 0, "certificate show @rules.dsse.json");
    let other = place.join("other.pem");
    let signer = netghost_core::artifact::key::Signer::from_seed(&[9; 32]).unwrap();
    std::fs::write(&other, signer.public().to_pem().unwrap()).unwrap();
    run("verification", 1, "verify @drift.dsse.json --key @other.pem");
    alone(&run);
    fleet(directory);
    error(
        &directory.join("error.1.json"),
        &["verify", "missing.json", "--key", "missing.pem"],
    );
    error(
        &directory.join("error.2.json"),
        &["host", "diff", "a/../b", "nope nope"],
    );
    error(&directory.join("error.3.json"), &["firewall"]);
}

/// Tables of effective routes: one that says all, one that differs, one that is not understood and goes on elsewhere.
fn routes(place: &Path, run: &impl Fn(&str, u8, &str)) {
    let table = |name: &str, more: &str| {
        let entry = |prefix: &str, source: &str, state: &str, hop: &str| {
            format!(
                r#"{{"name": "r", "source": "{source}", "state": "{state}", "addressPrefix": ["{prefix}"],
                "nextHopType": "{hop}", "nextHopIpAddress": ["10.0.0.4"]}}"#
            )
        };
        let entries = [
            entry("10.0.0.0/16", "Default", "Active", "VnetLocal"),
            entry(
                "10.0.5.0/24",
                "VirtualNetworkGateway",
                "Active",
                "VirtualNetworkGateway",
            ),
            entry("0.0.0.0/0", "User", "Active", "None"),
            entry("10.8.0.0/16", "User", "Invalid", "VirtualAppliance"),
            entry("10.9.0.0/16", "Default", "Active", "VnetLocal"),
            entry("10.9.0.0/16", "Default", "Active", "VnetPeering"),
        ];
        let body = format!("{{\"value\": [{}{more}}}", entries.join(","));
        std::fs::write(place.join(name), body).unwrap();
    };
    table("routes.json", "]");
    table(
        "more.json",
        r#", {"addressPrefix": "10.7.0.0/16", "nextHopType": "Internet", "source": "User", "state": "Active"}]"#,
    );
    table(
        "part.json",
        r#", {"addressPrefix": "?"}], "nextLink": "https://next""#,
    );
    for (destination, status) in [("10.0.5.1", 0), ("10.8.0.1", 1), ("::1", 1), ("10.9.0.1", 3)] {
        let line = format!("route lookup --table @routes.json --destination {destination}");
        run("route-lookup", status, &line);
    }
    run(
        "route-lookup",
        3,
        "route lookup --table @part.json --destination 10.0.5.1",
    );
    run("route-audit", 1, "route audit --table @routes.json");
    run("route-audit", 1, "route audit --table @part.json");
    run("route-diff", 0, "route diff @routes.json @routes.json");
    run("route-diff", 1, "route diff @routes.json @more.json --explain");
    run("route-diff", 1, "route diff @more.json @routes.json");
    run("route-diff", 3, "route diff @routes.json @part.json");
}

/// What Azure printed of one interface: all of it, or without the rules.
fn interface(place: &Path, name: &str, number: u8, rule: Option<&str>) {
    let directory = place.join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let write = |file: &str, text: String| std::fs::write(directory.join(file), text).unwrap();
    let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
    let subnet = format!("{network}/virtualNetworks/v/subnets/s");
    write(
        "nic.json",
        format!(
            r#"{{"id": "{network}/networkInterfaces/{name}", "properties": {{"ipConfigurations": [{{"properties": {{
            "privateIPAddress": "10.0.0.{number}", "subnet": {{"id": "{subnet}"}}}}}}]}}}}"#
        ),
    );
    write(
        "subnet.json",
        format!(r#"{{"id": "{subnet}", "properties": {{}}}}"#),
    );
    let route = |prefix: &str, hop: &str| {
        format!(
            r#"{{"source": "Default", "state": "Active", "addressPrefix": ["{prefix}"], "nextHopType": "{hop}",
            "nextHopIpAddress": []}}"#
        )
    };
    let routes = [route("10.0.0.0/16", "VnetLocal"), route("0.0.0.0/0", "Internet")];
    write("routes.json", format!(r#"{{"value": [{}]}}"#, routes.join(",")));
    write("admin-rules.json", r#"{"value": []}"#.to_owned());
    if let Some(source) = rule {
        let rule = |name: &str, priority: u16, direction: &str, access: &str, source: &str| {
            format!(
                r#"{{"name": "securityRules/{name}", "priority": {priority}, "access": "{access}", "direction": "{direction}",
                "protocol": "Tcp", "sourceAddressPrefix": "{source}", "sourcePortRange": "0-65535",
                "destinationAddressPrefix": "*", "destinationPortRange": "80-90"}}"#
            )
        };
        let rules = [
            rule("in", 100, "Inbound", "Allow", source),
            rule("out", 100, "Outbound", "Allow", "*"),
            rule("shut", 200, "Inbound", "Deny", "*"),
        ];
        let rules = rules.join(",");
        write(
            "rules.json",
            format!(
                r#"{{"value": [{{"networkSecurityGroup": {{"id": "{network}/networkSecurityGroups/n"}}, "association":
                {{"subnet": {{"id": "{subnet}"}}}}, "effectiveSecurityRules": [{rules}]}}]}}"#
            ),
        );
    }
}

/// Paths between interfaces in files: that say all, that a rule stops, and of which something is missing.
fn paths(place: &Path, run: &impl Fn(&str, u8, &str)) {
    interface(place, "one", 4, Some("*"));
    interface(place, "two", 5, Some("10.0.0.4/32"));
    interface(place, "part", 6, None);
    let files = |one: &str, other: &str| format!("--azure-source @{one} --azure-destination @{other}");
    let azure = "--layers azure";
    for (status, line) in [
        (0, format!("path tcp/80 {azure} {}", files("one", "two"))),
        (3, format!("path tcp/80 {}", files("one", "two"))),
        (1, format!("path tcp/85 {azure} {}", files("part", "two"))),
        (3, format!("path tcp/85-95 {azure} {}", files("one", "two"))),
        (
            3,
            format!("path tcp/80 {azure} {} --save @read", files("one", "part")),
        ),
        (3, format!("path icmp/8 {azure} {}", files("two", "one"))),
        (
            3,
            "path internet tcp/80 --layers host,azure --azure-source @one".to_owned(),
        ),
        (3, format!("path 10.0.0.4 esp {azure} --azure-destination @two")),
        (3, format!("path storage:logs udp/53 {azure} --azure-source @one")),
        (3, "path web-1 internet tcp/80 --layers host".to_owned()),
        (
            3,
            format!(
                "path tcp/80 {azure} --azure-source @read/source.json --azure-destination @read/destination.json"
            ),
        ),
    ] {
        run("path", status, &line);
    }
}

/// Tells once that something changed, which it does, and then nothing more.
struct Once(bool);

impl Hears for Once {
    fn wait(&mut self, deadline: Instant) -> std::io::Result<Heard> {
        if std::mem::replace(&mut self.0, true) {
            std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
            return Ok(Heard::default());
        }
        CHANGED.store(true, Ordering::SeqCst);
        let program = Program {
            section: SectionName::Nftables,
            pid: 4711,
            name: "nft".into(),
        };
        Ok(Heard {
            lost: true,
            programs: [program].into(),
            ..Heard::default()
        })
    }
}

/// Each line of a watch is a document.
fn watched(place: &Path, directory: &Path) {
    CHANGED.store(false, Ordering::SeqCst);
    let world = World {
        find_namespaces: netghost_kernel::namespaces::find,
        namespaces: |asked, _| {
            netghost_core::namespace::Namespaces::unlisted(asked.clone(), "a test".to_owned())
        },
        notices: || Ok(Box::new(Once(false))),
        ..world(place)
    };
    let out = place.join("watch.jsonl");
    let words = ["netghost", "host", "watch", "--for", "1s", "-o", "json", "--out"];
    let line = words
        .map(OsString::from)
        .into_iter()
        .chain([out.clone().into()])
        .collect();
    assert_eq!(netghost_cli::run(line, &world), Status::Act);
    let text = std::fs::read_to_string(out).unwrap();
    assert!(text.lines().count() > 1, "{text}");
    for (number, line) in text.lines().enumerate() {
        std::fs::write(directory.join(format!("watch.{number}.json")), line).unwrap();
    }
}

/// The fleet's commands without a controller. The host has changed.
fn alone(run: &dyn Fn(&str, u8, &str)) {
    run("job", 3, "baseline create before --ticket CHG-1 --note read");
    run("baselines", 0, "baseline list");
    run("baselines", 3, "baseline show before");
    run("drift_check", 3, "drift check --baseline before --mute web*");
    CHANGED.store(false, Ordering::SeqCst);
    run("drift_check", 1, "drift check --baseline before");
    run("sweeps", 0, "sweep list");
    run("export", 0, "baseline export before @before");
    run("audit", 0, "audit show");
    run("audit_verification", 0, "audit verify");
    run("export", 0, "audit export @log");
    run("contexts", 0, "context list");
    run("approvers_status", 0, "approvers init --dir @ca");
    run("approver_key", 0, "approvers key");
    run(
        "approvers_status",
        0,
        "approvers add ada --dir @ca --key @config/netghost/approver.pub.pem",
    );
}

/// Writes a document as a command would.
type Write<'a> = &'a dyn Fn(&str, &'static str, serde_json::Value);

const ID: &str = "07070707-0707-4707-8707-070707070707";

/// Documents that only a controller's answers lead to.
fn fleet(directory: &Path) {
    let write = |name: &str, schema: &'static str, body: serde_json::Value| {
        let document = document(schema, body).unwrap();
        std::fs::write(directory.join(name), document.to_string()).unwrap();
    };
    fleet_members(&write);
    fleet_controller(&write);
    fleet_windows(&write);
    fleet_runs(&write);
}

fn fleet_members(write: Write<'_>) {
    let id = ID.to_owned();
    let tags = vec![v1::Tag {
        key: "role".to_owned(),
        value: "web".to_owned(),
    }];
    let agent = v1::Agent {
        id: id.clone(),
        name: "vm1".to_owned(),
        tags: tags.clone(),
        state: "contested".to_owned(),
        why: "two machines".to_owned(),
        clock_offset_us: -5,
        last_seen_us: 9,
        ..v1::Agent::default()
    };
    let attested = v1::Agent {
        name: "vm2".to_owned(),
        attested: Some(v1::Attested {
            cloud: "public".to_owned(),
            vm: id.clone(),
            subscription: id.clone(),
            unverified: "nobody was asked".to_owned(),
            ..v1::Attested::default()
        }),
        ..agent.clone()
    };
    let list = v1::AgentList {
        agents: vec![agent, attested],
    };
    let value = serde_json::to_value(agents::Agents::try_from(list).unwrap()).unwrap();
    write("agents.1.json", agents::SCHEMA, value);
    let token = v1::Token {
        id,
        kind: "agent".to_owned(),
        uses: 2,
        tags,
        ..v1::Token::default()
    };
    let list = v1::TokenList {
        tokens: vec![token.clone()],
    };
    let value = serde_json::to_value(tokens::Tokens::try_from(list).unwrap()).unwrap();
    write("tokens.1.json", tokens::SCHEMA, value);
    let created = v1::CreatedToken {
        token: Some(token),
        text: "netghost1.X".to_owned(),
    };
    let value = serde_json::to_value(tokens::Created::try_from(created).unwrap()).unwrap();
    write("token.1.json", tokens::CREATED, value);
}

fn fleet_windows(write: Write<'_>) {
    let open = v1::Window {
        ticket: "CHG0031337".to_owned(),
        state: "open".to_owned(),
        baseline: "CHG0031337-open".to_owned(),
        selector: Some(v1::Selector {
            all: true,
            ..v1::Selector::default()
        }),
        opened_at_us: 2,
        recorded_at_us: 2,
        baseline_at_us: 1,
        opened_by: "ada".to_owned(),
        before: r#"{"from_us":"0","to_us":"2","azure":null,"hosts":"no log"}"#.to_owned(),
        ..v1::Window::default()
    };
    let closed = v1::Window {
        state: "closed".to_owned(),
        layers: vec!["azure".to_owned(), "host".to_owned()],
        ends_at_us: 3,
        closed_at_us: 4,
        past_end: true,
        closed_by: "bob".to_owned(),
        note: "a note".to_owned(),
        warnings: vec!["a warning".to_owned()],
        job: ID.to_owned(),
        verdict: "unknown".to_owned(),
        certificate: vec![7; 32].into(),
        ..open.clone()
    };
    for (number, window) in [open.clone(), closed.clone()].into_iter().enumerate() {
        let window = windows::Window::try_from(window).unwrap();
        let value = serde_json::to_value(window.sealed(None)).unwrap();
        write(&format!("window.{number}.json"), windows::SCHEMA, value);
    }
    let list = v1::WindowList {
        windows: vec![open, closed],
    };
    let value = serde_json::to_value(windows::Windows::try_from(list).unwrap()).unwrap();
    write("windows.0.json", windows::LIST, value);
}

fn fleet_controller(write: Write<'_>) {
    let head = v1::AuditHead {
        sequence: 3,
        hash: vec![7; 32].into(),
        ..v1::AuditHead::default()
    };
    for (number, head) in [None, Some(head)].into_iter().enumerate() {
        let status = v1::ControllerStatus {
            head,
            ..v1::ControllerStatus::default()
        };
        let value = serde_json::to_value(controller::Controller::try_from(status).unwrap()).unwrap();
        write(&format!("controller.{number}.json"), controller::SCHEMA, value);
    }
}

fn fleet_runs(write: Write<'_>) {
    let target = v1::JobTarget {
        name: "vm1".to_owned(),
        state: "failed".to_owned(),
        why: "offline".to_owned(),
        ..v1::JobTarget::default()
    };
    let job = v1::Job {
        id: ID.to_owned(),
        kind: "sweep".to_owned(),
        state: "running".to_owned(),
        targets: vec![target],
        ..v1::Job::default()
    };
    let value = serde_json::to_value(jobs::Job::try_from(job).unwrap()).unwrap();
    write("job.1.json", jobs::SCHEMA, value);
    let schedule = v1::Schedule {
        name: "hourly".to_owned(),
        sweep: Some(v1::SweepJob::default()),
        selector: Some(v1::Selector::default()),
        ..v1::Schedule::default()
    };
    let all = sweeps::Sweeps {
        schedules: vec![sweeps::Schedule::try_from(schedule).unwrap()],
        runs: Vec::new(),
    };
    write(
        "sweeps.1.json",
        sweeps::SCHEMA,
        serde_json::to_value(all).unwrap(),
    );
}

/// What the program writes to standard error. It is built beside this test.
fn error(to: &Path, line: &[&str]) {
    let mut command = Command::new(programs::program("netghost"));
    let output = command.args(line).args(["-o", "json"]).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{line:?}");
    std::fs::write(to, output.stderr).unwrap();
}
