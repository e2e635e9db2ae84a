//! A VM without an agent: its host is read by run-command or by ssh, compared, and certified with the way it was read.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use netghost_lab::netns::Namespace;
use serde_json::{Value, json};

use crate::site::{Answer, Site, gaps};

/// What text shows whole.
const SECTIONS: [&str; 6] = [
    "--section",
    "nftables",
    "--section",
    "xtables-legacy-ipv4",
    "--section",
    "links",
];

/// A site whose `vm1` is a namespace.
struct Stand {
    site: Site,
    vm: Namespace,
    name: String,
    /// What the probe keeps stands in this machine's `/run`, which all its namespaces share: one reading at a time.
    _alone: fs::File,
}

impl Stand {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let alone = fs::File::create(std::env::temp_dir().join("netghost-probe-kept.lock")).unwrap();
        alone.lock().unwrap();
        let name = format!(
            "ngvia-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let vm = Namespace::named(&name).unwrap();
        let site = Site::new();
        let machine = site.cloud.machine("vm1");
        site.cloud
            .set("vms", &machine, &json!({"runsIn": {"namespace": name}}));
        let quick = json!({"settings": {"commandMs": 10, "writeMs": 10, "retryAfter": 0, "throttle": false}});
        site.cloud.arm.patch(&quick).unwrap();
        Self {
            site,
            vm,
            name,
            _alone: alone,
        }
    }

    /// Runs a command as one who may run commands on VMs, or as the reader.
    fn run(&self, words: &[&str], reader: bool) -> Answer {
        let account = self.site.cloud.account(reader);
        let account: Vec<&str> = account.iter().map(String::as_str).collect();
        self.site.bare(&[words, &account, &["-o", "json"]].concat())
    }

    fn create(&self, name: &str, vm: &str) -> Answer {
        let words = ["baseline", "create", name, "--vm", vm, "--via", "run-command"];
        self.run(&[&words[..], &SECTIONS].concat(), false)
    }

    fn check(&self, more: &[&str]) -> Answer {
        self.run(
            &[&["drift", "check", "--baseline", "b"][..], more].concat(),
            false,
        )
    }

    fn by_run_command(&self) -> Answer {
        self.check(&["--vm", "vm1", "--via", "run-command"])
    }

    fn drop_all(&self) {
        let rule = [
            "iptables-nft",
            "-A",
            "INPUT",
            "-p",
            "tcp",
            "--dport",
            "5001",
            "-j",
            "DROP",
        ];
        self.vm.must(&rule).unwrap();
    }
}

fn why(answer: &Value) -> String {
    answer["targets"][0]["why"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn root_a_rule_in_a_vm_without_an_agent_is_drift_and_the_certificate_names_the_way() {
    let stand = Stand::new();
    let made = stand.create("b", "vm1").with(0).json();
    assert_eq!(made["verdict"], "complete", "{made:#}");
    let target = &made["targets"][0];
    assert_eq!(
        (&target["resource"], &target["way"]),
        (&json!(stand.site.cloud.machine("vm1")), &json!("run-command"))
    );
    let same = stand.by_run_command().with(0).json();
    assert_eq!(same["verdict"], "no_drift", "{same:#}");
    // By what the baseline holds alone.
    stand.check(&["--all"]).with(0);
    stand.check(&["--vm", "lab/vm1"]).with(0);

    stand.drop_all();
    let certificate = stand.site.file("drift.dsse.json");
    let words = [
        "--vm",
        "vm1",
        "--via",
        "run-command",
        "--certificate",
        &certificate,
    ];
    let found = stand.check(&words).with(1).json();
    assert_eq!(found["verdict"], "drift", "{found:#}");
    let changes = found["changes"].as_array().unwrap();
    assert!(
        changes.iter().all(|change| change["section"] == "nftables"),
        "{found:#}"
    );
    let key = stand.site.key();
    let shown = stand
        .site
        .bare(&["certificate", "show", &certificate, "-o", "json"])
        .with(0);
    assert!(shown.stdout.contains("\"run-command\""), "{}", shown.stdout);
    let verified = stand
        .site
        .bare(&["verify", &certificate, "--key", &key, "--require", "no_drift"]);
    assert_eq!(verified.status, 1, "{verified:?}");
    let shown = stand
        .site
        .bare(&["baseline", "show", "b", "--standalone", "-o", "json"])
        .with(0)
        .json();
    assert!(shown.to_string().contains("run-command"), "{shown:#}");
}

#[test]
fn root_what_could_not_be_read_is_unknown_and_named() {
    let stand = Stand::new();
    stand.create("b", "vm1").with(0);
    let unknown = |answer: Answer, words: &str| {
        let found = answer.with(3).json();
        assert_eq!(found["verdict"], "unknown", "{found:#}");
        assert!(why(&found).contains(words), "{found:#}");
        assert!(
            !gaps(&found, &stand.site.cloud.machine("vm1")).is_empty()
                || !found["not_covered"].as_array().unwrap().is_empty()
        );
    };
    let fault = |fault: Value| stand.site.cloud.arm.fault(&fault).unwrap();
    // An answer that is another's.
    let zeros = "0".repeat(64);
    let end = format!("1 9 gzip 10 {zeros} 3 {zeros}");
    let message = format!(
        "Enable succeeded: \n[stdout]\nnetghost-probe 1 piece {end}\nAAAA\nnetghost-probe-end piece {end}\n\n[stderr]\n"
    );
    fault(
        json!({"verb": "POST", "path": "/runCommand", "after": 1, "fault": "edit", "pointer": "/value/0/message", "value": message}),
    );
    fault(
        json!({"verb": "PUT", "path": "/runCommands", "fault": "error", "status": 403, "code": "AuthorizationFailed"}),
    );
    unknown(stand.by_run_command(), "altered");
    stand.site.cloud.arm.clear_faults();
    let reader = stand.run(
        &[
            "drift",
            "check",
            "--baseline",
            "b",
            "--vm",
            "vm1",
            "--via",
            "run-command",
        ],
        true,
    );
    unknown(reader, "Microsoft.Compute/virtualMachines/runCommand/action");
    stand.site.cloud.set(
        "vms",
        &stand.site.cloud.machine("vm1"),
        &json!({"power": "deallocated"}),
    );
    unknown(stand.by_run_command(), "vm_not_running");
    // Nobody is left out without a word.
    let none = stand.create("c", "vm9");
    assert!(none.status >= 2 && none.stderr.contains("vm9"), "{none:?}");
    let silent = stand.create("c", "vm2");
    assert_eq!(silent.status, 4, "{silent:?}");
    assert!(silent.stderr.contains("vm_agent_not_ready"), "{silent:?}");
}

/// A host `web` that is reached by ssh: a server in the namespace of `vm1`, and how a person comes there.
struct Web {
    stand: Stand,
    config: String,
}

impl Web {
    fn new() -> Self {
        let stand = Stand::new();
        let at = stand.site.place.display().to_string();
        for key in ["host", "other", "client"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &format!("{at}/{key}")])
                .status();
            assert!(made.unwrap().success());
        }
        fs::copy(format!("{at}/client.pub"), format!("{at}/authorized")).unwrap();
        let server = format!(
            "HostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
        );
        fs::write(format!("{at}/sshd_config"), server).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let client = format!(
            "Host *\nIdentityFile {at}/client\nIdentitiesOnly yes\nUserKnownHostsFile {at}/known_hosts\nGlobalKnownHostsFile /dev/null\n\
             ProxyCommand ip netns exec {} /usr/sbin/sshd -i -f {at}/sshd_config\n",
            stand.name
        );
        let config = format!("{at}/ssh_config");
        fs::write(&config, client).unwrap();
        let web = Self { stand, config };
        web.known("host");
        web
    }

    /// From now on this is the key that the person knows.
    fn known(&self, key: &str) {
        let at = self.stand.site.place.display().to_string();
        let public = fs::read_to_string(format!("{at}/{key}.pub")).unwrap();
        fs::write(format!("{at}/known_hosts"), format!("web {public}")).unwrap();
    }

    /// Of the host, by its name.
    fn run(&self, words: &[&str]) -> Answer {
        self.bare(&[words, &["--vm", "root@web", "--via", "ssh"]].concat())
    }

    /// Of whoever is meant.
    fn bare(&self, words: &[&str]) -> Answer {
        let ssh = ["--ssh-config", &self.config, "--standalone", "-o", "json"];
        self.stand.site.bare(&[words, &ssh].concat())
    }

    /// Of whoever is meant, without a word of how it is reached.
    fn plain(&self, words: &[&str]) -> Answer {
        let more = ["--standalone", "-o", "json"];
        self.stand.site.bare(&[words, &more].concat())
    }

    fn seal(&self) -> Value {
        let words = [&["baseline", "create", "b"][..], &SECTIONS].concat();
        self.run(&words).with(0).json()
    }
}

#[test]
fn root_a_host_is_read_by_ssh_and_a_changed_key_ends_it() {
    let web = Web::new();
    let made = web.seal();
    assert_eq!(made["targets"][0]["way"], "ssh", "{made:#}");
    let check = || web.run(&["drift", "check", "--baseline", "b"]);
    check().with(0);
    web.stand.drop_all();
    check().with(1);
    web.known("other");
    let found = check().with(3).json();
    assert!(why(&found).contains("host_key_changed"), "{found:#}");
    // Where it is reached is not kept in the baseline.
    let all = web.plain(&["drift", "check", "--baseline", "b"]).with(3).json();
    assert!(all.to_string().contains("name it as USER@HOST"), "{all:#}");
    // So what says how it is reached would have no effect.
    let refused = web.bare(&["drift", "check", "--baseline", "b"]).with(2);
    assert!(refused.stderr.contains("--ssh-config"), "{}", refused.stderr);
}

#[test]
fn root_a_window_over_a_host_of_ssh_names_it_and_is_told_again_how_it_is_reached() {
    let web = Web::new();
    web.seal();
    let over = |ticket: &'static str| ["window", "open", ticket, "--baseline", "b"];
    web.run(&over("CHG-1")).with(0);
    let closed = web.bare(&["window", "close", "CHG-1"]).with(0).json();
    assert_eq!(closed["targets"][0]["way"], "ssh", "{closed:#}");
    // Not told again, it is not read.
    web.run(&over("CHG-2")).with(0);
    let closed = web.plain(&["window", "close", "CHG-2"]).with(3).json();
    assert_eq!(closed["verdict"], "unknown", "{closed:#}");
    // Its members can't be reached by what the baseline holds.
    let opened = web.plain(&over("CHG-3")).with(0).json();
    assert!(
        opened["warnings"].to_string().contains("as USER@HOST"),
        "{opened:#}"
    );
    web.bare(&["window", "close", "CHG-3"]).with(3);
}

#[test]
fn root_a_window_over_hosts_without_an_agent_reads_them_by_their_way() {
    let stand = Stand::new();
    stand.create("b", "vm1").with(0);
    let open = |ticket: &str, more: &[&str]| {
        let words = ["window", "open", ticket, "--baseline", "b"];
        stand.run(&[&words[..], more].concat(), false)
    };
    let close = |ticket: &str| stand.run(&["window", "close", ticket], false);
    open("CHG-1", &[]).with(0);
    let found = close("CHG-1").with(0).json();
    assert_eq!(found["verdict"], "no_drift", "{found:#}");
    assert_eq!(
        found["targets"].as_array().unwrap().len(),
        1,
        "nobody but the member: {found:#}"
    );
    assert_eq!(found["targets"][0]["way"], "run-command", "{found:#}");
    stand.drop_all();
    open("CHG-2", &["--via", "run-command"]).with(0);
    close("CHG-2").with(1);
    // A way that it can't be read by is not another one.
    for (ticket, way, words) in [
        ("CHG-3", "ssh", "no destination of ssh"),
        ("CHG-4", "agent", "has no agent"),
    ] {
        let opened = open(ticket, &["--via", way]).with(0).json();
        assert_eq!(opened["via"], way, "{opened:#}");
        let found = close(ticket).with(3).json();
        assert!(why(&found).contains(words), "{way}: {found:#}");
        assert_eq!(found["changes"], json!([]), "{way}: {found:#}");
    }
}
