//! Run-command against the lab's Resource Manager, which really runs the script in a network namespace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use netghost_azure::{Arm, CloudSettings, CredentialSettings, Settings};
use netghost_core::azure::id::ResourceId;
use netghost_core::probe::parts::{Part, Parts};
use netghost_core::probe::{ReadError, Script, read, sections};
use netghost_core::section::{SectionName, State as Captured};
use netghost_lab::arm::sample::{self, Member};
use netghost_lab::arm::state::{Place, State};
use netghost_lab::arm::{Options, Simulator};
use netghost_lab::netns::Namespace;
use netghost_reach::run_command::{RunCommand, RunCommandError};
use serde_json::{Value, json};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

struct Stand {
    directory: PathBuf,
    namespace: Namespace,
    azure: Simulator,
    state: State,
    /// What is kept stands in this machine's `/run`, which all its namespaces share: one reading at a time.
    _alone: fs::File,
}

impl Stand {
    fn new() -> Self {
        let alone = fs::File::create(std::env::temp_dir().join("netghost-probe-kept.lock")).unwrap();
        alone.lock().unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ngreach-{}-{number}", std::process::id());
        let namespace = Namespace::named(&name).unwrap();
        let directory = std::env::temp_dir().join(&name);
        fs::create_dir(&directory).unwrap();
        let member = |number: u8, runs_in| Member {
            name: format!("web-{number}"),
            address: Ipv4Addr::new(10, 77, 0, 3 + number),
            mac: format!("00-0D-3A-00-00-0{number}"),
            runs_in,
        };
        let place = Place::Namespace { namespace: name };
        let mut state = sample::of(&[member(1, Some(place)), member(2, None)]);
        (state.settings.command_ms, state.settings.write_ms) = (10, 10);
        state.settings.retry_after = 0;
        state.settings.throttle = false;
        // Whoever reads may run nothing.
        state.principals[1].roles[0].actions = vec!["*/read".to_owned()];
        let azure = Simulator::start(state.clone(), &Options::new(directory.join("tls"))).unwrap();
        Self {
            directory,
            namespace,
            azure,
            state,
            _alone: alone,
        }
    }

    fn arm(&self, principal: usize) -> Arm {
        let who = &self.state.principals[principal];
        let secret_file = self.directory.join(format!("secret-{principal}"));
        fs::write(&secret_file, who.secret.as_ref().unwrap()).unwrap();
        let endpoint = self.azure.url().replace("127.0.0.1", "localhost");
        Arm::new(&Settings {
            cloud: CloudSettings::Custom {
                authority: endpoint.clone(),
                endpoint,
                scope: None,
                ca_file: Some(self.azure.ca().to_owned()),
            },
            credential: CredentialSettings::ClientSecret {
                tenant_id: self.state.tenant.clone(),
                client_id: who.client_id.clone(),
                secret_file,
            },
            at_once: 32,
        })
        .unwrap()
    }

    fn vm(&self, name: &str) -> ResourceId {
        let subscription = self.state.subscriptions.keys().next().unwrap();
        format!(
            "/subscriptions/{subscription}/resourceGroups/lab/providers/Microsoft.Compute/virtualMachines/{name}"
        )
        .parse()
        .unwrap()
    }

    fn way(&self, name: &str) -> RunCommand {
        RunCommand::new(self.arm(0), self.vm(name)).within(LONG)
    }

    fn fault(&self, fault: Value) {
        self.azure.fault(&fault).unwrap();
    }

    /// Requests so far whose path holds this.
    fn asked(&self, verb: &str, what: &str) -> usize {
        let all = self.azure.requests();
        let those = all
            .iter()
            .filter(|one| one["verb"] == verb && one["path"].as_str().unwrap().to_lowercase().contains(what));
        those.count()
    }

    async fn fails(&self, mut way: RunCommand) -> RunCommandError {
        match read(&mut way).await.unwrap_err() {
            ReadError::Carrier(error) => error,
            ReadError::Answer(error) => panic!("{error}"),
        }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.directory));
        drop(fs::remove_dir_all("/run/netghost-probe"));
    }
}

fn is_whole(parts: &Parts) {
    assert!(matches!(parts.get("hostname"), Some(Part::Ran(ran)) if ran.status == 0));
    for section in sections(
        parts,
        &[SectionName::Links, SectionName::Nftables, SectionName::Sysctls],
    ) {
        assert_eq!(section.state, Captured::Captured, "{}", section.name);
    }
}

#[tokio::test]
async fn root_a_vm_is_read_in_pieces_several_at_a_time() {
    let stand = Stand::new();
    stand
        .namespace
        .must(&["nft", "add", "table", "inet", "here"])
        .unwrap();
    let parts = read(&mut stand.way("web-1")).await.unwrap();
    is_whole(&parts);
    let nft = sections(&parts, &[SectionName::Nftables]);
    assert!(format!("{:?}", nft[0].content).contains("here"));
    // What is kept, and what is removed, by the action; the pieces by commands of their own, which are gone.
    assert_eq!(stand.asked("POST", "/runcommand"), 2);
    let put = stand.asked("PUT", "/runcommands/netghost-");
    assert!(put > 3, "{put} pieces");
    assert_eq!(stand.asked("DELETE", "/runcommands/netghost-"), put);
    let left = stand.azure.state().resources;
    assert!(!left.keys().any(|id| id.contains("/runcommands/")));
    assert!(!std::path::Path::new("/run/netghost-probe").exists());
}

#[tokio::test]
async fn root_without_managed_commands_it_is_read_piece_by_piece() {
    let stand = Stand::new();
    let role = json!({"scope": "/", "actions": ["Microsoft.Compute/virtualMachines/runCommand/action"]});
    let mut principals = serde_json::to_value(&stand.state.principals).unwrap();
    principals[1]["roles"] = json!([role]);
    stand.azure.patch(&json!({ "principals": principals })).unwrap();
    let mut way = RunCommand::new(stand.arm(1), stand.vm("web-1")).within(LONG);
    is_whole(&read(&mut way).await.unwrap());
    assert!(stand.asked("POST", "/runcommand") > 5);
    assert!(!std::path::Path::new("/run/netghost-probe").exists());
}

#[tokio::test]
async fn root_a_busy_vm_is_waited_for() {
    let stand = Stand::new();
    let message = "Run command extension execution is in progress. Please wait for completion before invoking a run command.";
    let busy = |times: Option<u32>| {
        json!({"verb": "POST", "path": "/runCommand", "fault": "error", "status": 409, "code": "Conflict", "message": message,
            "times": times, "retry_after": 0})
    };
    stand.fault(busy(Some(3)));
    is_whole(&read(&mut stand.way("web-1")).await.unwrap());
    stand.fault(busy(None));
    let error = stand
        .fails(stand.way("web-1").within(Duration::from_secs(4)))
        .await;
    assert_eq!(error.code(), "run_command_busy");
    assert!(error.to_string().contains("within 4 s"), "{error}");
}

/// The connection to Azure, not what Azure keeps of the output: the same script may run again.
#[tokio::test]
async fn root_an_answer_of_azure_that_is_cut_is_asked_for_again() {
    let stand = Stand::new();
    stand.fault(json!({"verb": "POST", "path": "/runCommand", "fault": "truncate", "at": 20, "times": 1}));
    is_whole(&read(&mut stand.way("web-1")).await.unwrap());
    // What is kept a second time, and what is removed.
    assert_eq!(stand.asked("POST", "/runcommand"), 3);
}

#[tokio::test]
async fn root_failures_are_told_apart() {
    let stand = Stand::new();
    let short = Duration::from_secs(6);
    // Nobody answers in a VM whose agent is gone.
    assert_eq!(stand.fails(stand.way("web-2")).await.code(), "vm_agent_not_ready");
    assert_eq!(stand.fails(stand.way("web-3")).await.code(), "no_such_vm");
    let error = stand
        .fails(RunCommand::new(stand.arm(1), stand.vm("web-1")))
        .await;
    assert_eq!(error.code(), "forbidden");
    assert!(
        error
            .to_string()
            .contains("Microsoft.Compute/virtualMachines/runCommand/action"),
        "{error}"
    );
    stand.fault(json!({"verb": "POST", "path": "/runCommand", "fault": "endless", "times": 1}));
    let error = stand.fails(stand.way("web-1").within(short)).await;
    assert_eq!(error.code(), "timed_out", "{error}");
    stand.azure.clear_faults();
    stand.fault(json!({"verb": "POST", "path": "/runCommand", "fault": "html", "status": 200, "times": 1}));
    assert_eq!(
        stand.fails(stand.way("web-1").within(short)).await.code(),
        "azure"
    );
    stand.azure.clear_faults();
    let stopped = json!({"vms": {stand.vm("web-1").as_str().to_lowercase(): {"power": "deallocated"}}});
    stand.azure.patch(&stopped).unwrap();
    assert_eq!(stand.fails(stand.way("web-1")).await.code(), "vm_not_running");
}

/// Runs the probe with the answers from the second on in this form.
async fn altered(stand: &Stand, value: Value) -> String {
    stand.azure.clear_faults();
    stand.fault(
        json!({"verb": "POST", "path": "/runCommand", "after": 1, "fault": "edit",
        "pointer": "/value/0/message", "value": value}),
    );
    stand.fault(json!({"verb": "PUT", "path": "/runCommands", "fault": "error", "status": 403, "code": "AuthorizationFailed"}));
    read(&mut stand.way("web-1"))
        .await
        .unwrap_err()
        .to_string_with_source()
}

trait Told {
    fn to_string_with_source(&self) -> String;
}

impl Told for ReadError<RunCommandError> {
    fn to_string_with_source(&self) -> String {
        let source = std::error::Error::source(self).map(ToString::to_string);
        format!("{self}: {}", source.unwrap_or_default())
    }
}

#[tokio::test]
async fn root_an_answer_that_was_cut_or_altered_is_none() {
    let stand = Stand::new();
    let message = |stdout: &str| Value::from(format!("Enable succeeded: \n[stdout]\n{stdout}\n[stderr]\n"));
    let zeros = "0".repeat(64);
    let end = format!("1 9 gzip 10 {zeros} 3 {zeros}");
    let why = altered(
        &stand,
        message(&format!("AAAA\nnetghost-probe-end piece {end}\n")),
    )
    .await;
    assert!(why.contains("the beginning of the answer was cut off"), "{why}");
    let whole = format!("netghost-probe 1 piece {end}\nAAAA\nnetghost-probe-end piece {end}\n");
    let why = altered(&stand, message(&whole)).await;
    assert!(why.contains("the answer was altered"), "{why}");
    let why = altered(&stand, message("")).await;
    assert!(why.contains("there is no answer of the probe"), "{why}");
    // What was read ahead is held to the same.
    stand.azure.clear_faults();
    let output = format!("netghost-probe 1 piece {end}\nAAAA\nnetghost-probe-end piece {end}\n");
    stand.fault(json!({"verb": "GET", "path": "/runCommands/", "fault": "edit",
        "pointer": "/properties/instanceView/output", "value": output}));
    is_whole(&read(&mut stand.way("web-1")).await.unwrap());
    assert!(stand.asked("GET", "/runcommands/") > 3);
}

#[tokio::test]
async fn root_only_the_fixed_script_is_sent() {
    let stand = Stand::new();
    let before = Script::Keep.text();
    assert!(before.len() < 64 * 1024, "as much as Azure takes");
    let parts = read(&mut stand.way("web-1")).await.unwrap();
    assert!(matches!(parts.get("user"), Some(Part::Ran(ran)) if ran.output == b"0 \n"));
}
