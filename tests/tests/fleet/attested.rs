//! VMs that Azure vouches for: the programs as they are, with the metadata service at its own address and openssl in Azure's place.

use std::path::Path;
use std::time::{Duration, Instant};

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Token;
use netghost_lab::fleet::Configured;
use netghost_lab::{Daemon, Fleet, Kind};

use crate::operator::{Answer, audit_is_good, netghost, plan, seal};

const VM: &str = "bd8e7443-24a0-41f3-b949-8baf4fd1c573";
const SUBSCRIPTION: &str = "5f130ffc-0a3e-4795-b691-4f56a12a5547";

/// Starts the service in a VM, and waits until it answers.
fn metadata_service(fleet: &Fleet, name: &str, directory: &Path) -> Daemon {
    let vm = fleet.vm(name).unwrap();
    vm.must(&["ip", "address", "add", "169.254.169.254/32", "dev", "lo"])
        .unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/metadata_service.py");
    let resource = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/lab/providers/Microsoft.Compute/virtualMachines/{name}"
    );
    let directory = directory.display().to_string();
    let argv = ["python3", script, &directory, VM, SUBSCRIPTION, &resource];
    let daemon = vm.start("metadata-service", &argv).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let listens = ["sh", "-c", "ss -Hltn src 169.254.169.254:80 | grep -q ."];
    while vm.exec(&listens).unwrap().ok(&listens).is_err() {
        assert!(Instant::now() < end, "no metadata service");
        std::thread::sleep(Duration::from_millis(100));
    }
    daemon
}

fn enrol(fleet: &Fleet, vm: &str, ca: Digest) -> Answer {
    let (address, ca) = (fleet.address().to_string(), ca.to_string());
    let words = [
        "enroll",
        "--azure",
        "--controller",
        &address,
        "--ca-fingerprint",
        &ca,
        "--name",
        vm,
    ];
    Answer::from(fleet.agent_command(vm, &words, b"").unwrap())
}

#[test]
fn root_a_vm_enrols_by_what_azure_signs_of_it_and_a_copy_does_not() {
    let mut fleet = Fleet::found(&plan(&[Kind::Netns; 2])).unwrap();
    let ca = Token::parse(&fleet.token(1, "10m").unwrap()).unwrap().ca;
    let azure = fleet.controller_vm().unwrap().home().join("azure");
    // Elsewhere than in Azure.
    let nowhere = enrol(&fleet, "vm1", ca).with(4).said();
    assert!(nowhere.contains("[enrolment.azure]"), "{nowhere}");
    let _service = metadata_service(&fleet, "vm1", &azure);
    let lines = format!(
        "[enrolment.azure]\nsubscriptions = [\"{SUBSCRIPTION}\"]\nroots = \"{0}/root.pem\"\n\
         intermediates = \"{0}/intermediate.pem\"\ntags = [\"from=azure\"]\n",
        azure.display()
    );
    let configured = Configured {
        controller: &lines,
        ..Configured::default()
    };
    fleet.write_configuration(configured).unwrap();
    fleet.kill_controller().unwrap();
    fleet.start_controller(&[]).unwrap();
    let stranger = enrol(&fleet, "vm1", Digest::of(b"another controller's"));
    assert!(
        stranger.status != 0 && stranger.said().contains("not the controller that was trusted"),
        "{stranger:?}"
    );
    let nowhere = enrol(&fleet, "vm2", ca).with(4).said();
    assert!(nowhere.contains("no VM of Azure"), "{nowhere}");

    let enrolled = enrol(&fleet, "vm1", ca).with(0).said();
    assert!(
        enrolled.contains("429") && enrolled.contains("nonce"),
        "it asks again: {enrolled}"
    );
    fleet.start_agent("vm1", &[]).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    let row = &fleet.agents().unwrap()["vm1"];
    assert_eq!(row["attested"]["vm"], VM);
    assert!(
        row["attested"]["resource"]
            .as_str()
            .unwrap()
            .ends_with("/virtualMachines/vm1"),
        "{row}"
    );
    assert_eq!(row["tags"][0]["key"], "from");
    seal(&fleet, "before");

    // The same VM once more, while the first answers.
    let _copy = metadata_service(&fleet, "vm2", &azure);
    let copy = enrol(&fleet, "vm2", ca).with(4).said();
    for word in ["contested", "vm1", "vm2", VM, "answers"] {
        assert!(copy.contains(word), "{word}: {copy}");
    }
    fleet.wait_connected(&["vm1"]).unwrap();
    let log = netghost(&fleet, &["audit", "show", "-o", "json"], 0).said();
    assert!(
        log.contains(SUBSCRIPTION) && log.contains("contested: VM"),
        "{log}"
    );
    audit_is_good(&fleet);
}
