//! An audit log that somebody edited: in the database, with the controller stopped, by a program that is not ours.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use netghost_lab::Fleet;

use crate::operator::{Answer, audit_is_good, check, fleet, netghost, seal};

/// Runs statements with Python's sqlite3 on the controller's database.
fn edit(database: &Path, statements: &str) {
    let script = "import sqlite3, sys\n\
                  d = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  d.executescript(sys.argv[2])\n\
                  d.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .arg(statements)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Stops the controller, edits, and says what its own check finds; then the database is as it was.
fn found(fleet: &mut Fleet, what: &str, statements: &str) -> Answer {
    let database = fleet.controller_directory().unwrap().join("netghost.db");
    let kept = database.with_extension("kept");
    std::fs::copy(&database, &kept).unwrap();
    edit(&database, statements);
    let answer = Answer::from(fleet.controller_command(&["audit", "verify"]).unwrap());
    assert_eq!(answer.status, 1, "{what}: {answer:?}");
    for more in ["netghost.db-wal", "netghost.db-shm"] {
        std::fs::remove_file(database.with_file_name(more)).ok();
    }
    std::fs::rename(&kept, &database).unwrap();
    answer
}

fn stop(fleet: &mut Fleet) {
    let (controller, vm) = fleet.controller().unwrap();
    controller.stop(vm, Duration::from_secs(20)).unwrap();
}

#[test]
fn root_an_edited_audit_log_is_found() {
    let mut fleet = fleet(1);
    seal(&fleet, "before");
    check(&fleet, "before", 0);
    audit_is_good(&fleet);
    stop(&mut fleet);
    Answer::from(fleet.controller_command(&["audit", "verify"]).unwrap()).with(0);
    let edits = [
        (
            "a record edited",
            "UPDATE audit_records SET record = CAST(replace(CAST(record AS TEXT), 'ada', 'eve') AS BLOB) WHERE sequence = (SELECT min(sequence) FROM audit_records WHERE CAST(record AS TEXT) LIKE '%ada%')",
        ),
        ("a record removed", "DELETE FROM audit_records WHERE sequence = 2"),
        (
            "the first record removed",
            "DELETE FROM audit_records WHERE sequence = 1",
        ),
        (
            "two records swapped",
            "UPDATE audit_records SET sequence = -1 WHERE sequence = 2; UPDATE audit_records SET sequence = 2 WHERE sequence = 3; \
             UPDATE audit_records SET sequence = 3 WHERE sequence = -1",
        ),
        (
            "the tail cut under a head that is kept",
            "DELETE FROM audit_records WHERE sequence = (SELECT max(sequence) FROM audit_records)",
        ),
        (
            "a head edited",
            "UPDATE audit_heads SET signed = CAST(replace(CAST(signed AS TEXT), 'A', 'B') AS BLOB) WHERE sequence = (SELECT max(sequence) FROM audit_heads)",
        ),
    ];
    for (what, statements) in edits {
        println!("{what}: {}", found(&mut fleet, what, statements).said().trim());
    }
    fleet.start_controller(&[]).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    audit_is_good(&fleet);
}

/// A tail that is cut off *with* its heads and the counter: the log itself is consistent, but whoever kept a later head can tell.
#[test]
fn root_a_cut_tail_is_found_by_whoever_kept_a_head() {
    let mut fleet = fleet(1);
    seal(&fleet, "before");
    // The command keeps the head that it sees here, and so does the agent.
    std::thread::sleep(Duration::from_secs(2));
    audit_is_good(&fleet);
    stop(&mut fleet);
    let database = fleet.controller_directory().unwrap().join("netghost.db");
    let script = "import hashlib, sqlite3, sys\n\
                  d = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  (keep,) = d.execute('SELECT max(sequence) - 6 FROM audit_records').fetchone()\n\
                  d.execute('DELETE FROM audit_records WHERE sequence > ?', (keep,))\n\
                  d.execute('DELETE FROM audit_heads WHERE sequence > ?', (keep,))\n\
                  (last,) = d.execute('SELECT record FROM audit_records WHERE sequence = ?', (keep,)).fetchone()\n\
                  d.execute('UPDATE audit_tail SET sequence = ?, hash = ?', (keep, hashlib.sha256(last).hexdigest()))\n";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(&database)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fleet.start_controller(&[]).unwrap();
    let verified = Answer::from(fleet.netghost(&["audit", "verify"]).unwrap());
    assert_eq!(verified.status, 1, "{verified:?}");
    println!("{}", verified.said());
    // The agent comes back with the head that it kept; the controller writes down that its log does not lead there.
    fleet.wait_connected(&["vm1"]).unwrap();
    let shown = netghost(
        &fleet,
        &["audit", "show", "--from", "1", "--limit", "1000", "-o", "json"],
        0,
    );
    assert!(shown.stdout.contains("audit.conflict"), "{}", shown.stdout);
}
