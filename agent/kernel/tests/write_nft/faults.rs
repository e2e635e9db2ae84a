//! What stands against a change: nothing is changed then.

use std::time::Duration;

use netghost_core::gate::Place;
use netghost_core::netfilter::model::Family;
use netghost_kernel::write::{Standing, WriteError};
use netghost_lab::Limits;

use crate::host::{Host, deletion, insertion, the_first};

const RULES: &str = "table inet t {
    chain other { counter; }
    chain c {
        ip saddr 10.0.0.1 tcp dport 22 accept
        ip saddr 10.0.0.2 jump other
        counter drop
    }
}";

#[test]
fn root_another_rule_in_the_chain_makes_a_plan_void() {
    let host = Host::nft(RULES);
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "counter drop"))
        .unwrap();
    host.must("nft insert rule inet t c tcp dport 9 drop");
    let before = host.before();
    assert_eq!(host.standing(&change), Standing::Other);
    assert!(matches!(host.apply(&change), Err(WriteError::Moved { .. })));
    assert!(matches!(host.undo(&change), Err(WriteError::Moved { .. })));
    before.is_so(&change);
}

#[test]
fn root_another_rule_after_the_change_is_left() {
    let host = Host::nft(RULES);
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "counter drop"))
        .unwrap();
    host.apply(&change).unwrap();
    host.must("nft add rule inet t c tcp dport 9 drop");
    let before = host.before();
    assert_eq!(host.standing(&change), Standing::Other);
    assert!(matches!(host.undo(&change), Err(WriteError::Moved { .. })));
    before.is_so(&change);
    // Done twice it is not.
    assert!(matches!(host.apply(&change), Err(WriteError::Moved { .. })));
    before.is_so(&change);
}

/// What changes elsewhere makes another generation, which is read again.
#[test]
fn root_a_change_elsewhere_is_no_conflict() {
    let host = Host::nft(RULES);
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "counter drop"))
        .unwrap();
    host.must("nft add rule inet t other tcp dport 9 drop");
    host.apply(&change).unwrap();
    host.must("nft add table ip more");
    host.undo(&change).unwrap();
    assert_eq!(host.standing(&change), Standing::Before);
    assert_eq!(host.texts("c").len(), 3);
}

/// A chain, or a table, that is made anew is another one unless it reads alike.
#[test]
fn root_a_chain_that_is_gone_is_somebody_elses() {
    let host = Host::nft(RULES);
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "counter drop"))
        .unwrap();
    host.apply(&change).unwrap();
    host.must("nft delete table inet t");
    assert_eq!(host.standing(&change), Standing::Other);
    assert!(matches!(host.undo(&change), Err(WriteError::NotThere { .. })));
    host.load(RULES);
    assert_eq!(host.standing(&change), Standing::Before);
    host.apply(&change).unwrap();
    host.undo(&change).unwrap();
}

#[test]
fn root_what_the_rule_needs_may_be_gone() {
    let host = Host::nft(RULES);
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "ip saddr 10.0.0.2 jump other"))
        .unwrap();
    host.apply(&change).unwrap();
    host.must("nft delete chain inet t other");
    let before = host.before();
    let refused = host.undo(&change);
    assert!(matches!(refused, Err(WriteError::Refused { .. })), "{refused:?}");
    before.is_so(&change);
    assert_eq!(host.standing(&change), Standing::After);
}

/// A rule that names a device by its number would be put back for another one.
#[test]
fn root_a_number_that_means_another_device_is_seen() {
    let host = Host::shell("ip link add v0 type veth peer name v1");
    host.load("table inet t { chain c { iif \"v0\" accept; drop; }\n }");
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "iif \"v0\" accept"))
        .unwrap();
    host.apply(&change).unwrap();
    host.must("ip link set v0 name v9");
    let before = host.before();
    let refused = host.undo(&change);
    assert!(
        matches!(&refused, Err(WriteError::Moved { object }) if object.contains("refers to")),
        "{refused:?}"
    );
    before.is_so(&change);
    host.must("ip link set v9 name v0");
    host.undo(&change).unwrap();
}

#[test]
fn root_what_is_not_there_is_named_with_what_is_near() {
    let host = Host::nft(RULES);
    let error = |operation| host.plan(&operation).unwrap_err().to_string();
    let near = error(deletion(
        Family::Inet,
        "t",
        "c",
        "ip saddr 10.0.0.1 tcp dport 23 accept",
    ));
    assert!(
        near.contains("`ip saddr 10.0.0.1 tcp dport 22 accept`, `ip saddr 10.0.0.2 jump other`"),
        "{near}"
    );
    let mut second = deletion(Family::Inet, "t", "c", "counter drop");
    if let netghost_core::gate::Operation::NftDelete { rule, .. } = &mut second {
        rule.occurrence = 2;
    }
    let error_of_second = host.plan(&second).unwrap_err().to_string();
    assert!(error_of_second.contains("number 2"), "{error_of_second}");
    assert_eq!(
        error(deletion(Family::Inet, "t", "d", "accept")),
        "chain inet t d is not there"
    );
    assert_eq!(
        error(deletion(Family::Ip, "t", "c", "accept")),
        "table ip t is not there"
    );
    let place = Place::After {
        rule: the_first("nothing"),
    };
    assert!(error(insertion(Family::Inet, "t", "c", place, "accept")).contains("`nothing`"));
}

/// A table that a program owns is that program's; it goes with it.
#[test]
fn root_a_table_with_an_owner_is_refused() {
    let host = Host::nft(RULES);
    let stop = std::env::temp_dir().join(format!("netghost-owner-stop-{}", std::process::id()));
    let script = format!(
        "(echo 'add table inet o {{ flags owner; }}'; echo 'add chain inet o c'; echo 'add rule inet o c drop'; \
         while [ ! -e {} ]; do sleep 0.05; done) | nft -i",
        stop.display()
    );
    let refused = std::thread::scope(|scope| {
        let owner = scope.spawn(|| host.0.exec(&["timeout", "60", "sh", "-c", &script]).unwrap());
        let operation = deletion(Family::Inet, "o", "c", "drop");
        let refused = (0..100).find_map(|_| match host.plan(&operation) {
            Err(WriteError::NotThere { .. }) => {
                std::thread::sleep(Duration::from_millis(50));
                None
            }
            other => Some(other),
        });
        std::fs::write(&stop, "").unwrap();
        owner.join().unwrap();
        std::fs::remove_file(&stop).unwrap();
        refused.unwrap()
    });
    assert!(
        matches!(&refused, Err(WriteError::Unsupported { what }) if what.contains("belongs to")),
        "{refused:?}"
    );
}

/// A dormant table filters nothing, and its rules are rules all the same.
#[test]
fn root_a_dormant_table_is_changed() {
    let host = Host::nft(
        "table inet t { flags dormant; chain c { type filter hook input priority 0; accept; drop; }\n }",
    );
    host.before()
        .there_and_back(&deletion(Family::Inet, "t", "c", "accept"));
}

/// A writer that never rests makes every reading stale: that ends in an error, and nothing is changed.
#[test]
fn root_a_writer_that_never_rests_ends_in_an_error() {
    let filler: String = (0..3000)
        .map(|n| {
            format!(
                "add rule inet t other ip saddr 10.0.{}.{} drop\n",
                n / 250,
                n % 250
            )
        })
        .collect();
    let host = Host::nft(&format!("{RULES}\n{filler}add chain inet t busy\n"));
    let change = host
        .plan(&deletion(Family::Inet, "t", "c", "counter drop"))
        .unwrap();
    // A busy machine may force a rest on the writer: then it is done, and undone, and tried again.
    let failed = (0..10).find_map(|_| match beside_a_writer(&host, || host.apply(&change)) {
        Err(error) => Some(error),
        Ok(()) => {
            host.undo(&change).unwrap();
            None
        }
    });
    let failed = failed.expect("none of 10 tries was overtaken");
    assert!(
        matches!(&failed, WriteError::Unreadable { why, .. } if why.contains("8 tries")),
        "{failed:?}"
    );
    assert_eq!(host.standing(&change), Standing::Before);
    host.apply(&change).unwrap();
}

/// Does something while the ruleset is changed some thousand times a second.
fn beside_a_writer<T>(host: &Host, work: impl FnOnce() -> T) -> T {
    let stop = std::env::temp_dir().join(format!("netghost-restless-stop-{}", std::process::id()));
    let writer = format!(
        "while [ ! -e {} ]; do echo add rule inet t busy counter; echo flush chain inet t busy; done | nft -i",
        stop.display()
    );
    let generation = host.generation();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let limits = Limits {
                time: Duration::from_secs(600),
                ..Limits::default()
            };
            // It ends by itself where the test is ended before it can say so.
            let argv = ["timeout", "60", "sh", "-c", &writer];
            host.0.exec_within(&argv, b"", limits).unwrap()
        });
        while host.generation() == generation {
            std::thread::sleep(Duration::from_millis(5));
        }
        let done = work();
        std::fs::write(&stop, "").unwrap();
        assert!(writing.join().unwrap().status.success());
        std::fs::remove_file(&stop).unwrap();
        done
    })
}
