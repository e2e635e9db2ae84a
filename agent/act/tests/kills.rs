//! `kill -9` of either process, or of both, at random points of real actions; needs root.
//!
//! `NETGHOST_KILLS` says how many (60 by default; `scripts/soak act-kills 500` runs the long series), `NETGHOST_SEED` repeats one,
//! `NETGHOST_KINDS=Server,NftDelete` keeps to some.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::print_stdout,
    dead_code,
    reason = "tests state what they expect by failing, and show what they measured; not each test uses all of a stand"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use netghost_act::ask::ask;
use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::gate::{
    Action, ActionState, Answer, Demand, IpFamily, Operation, Package, Place, QdiscPlace, QdiscSpec, RuleRef,
    Server,
};
use netghost_core::netfilter::model::Family;

use stand::{Stand, perform};

#[path = "stand/stand.rs"]
mod stand;

/// What is done when something is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    NftDelete,
    NftInsert,
    LegacyDelete,
    QdiscRemove,
    QdiscReplace,
    Server,
    Package,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Act,
    Guard,
    Both,
}

/// What is done after the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Confirm,
    Undo,
    Wait,
}

const KINDS: [Kind; 7] = [
    Kind::NftDelete,
    Kind::NftInsert,
    Kind::LegacyDelete,
    Kind::QdiscRemove,
    Kind::QdiscReplace,
    Kind::Server,
    Kind::Package,
];
const VICTIMS: [Victim; 3] = [Victim::Act, Victim::Guard, Victim::Both];
const THENS: [Then; 8] = [
    Then::Confirm,
    Then::Confirm,
    Then::Confirm,
    Then::Confirm,
    Then::Undo,
    Then::Undo,
    Then::Undo,
    Then::Wait,
];

/// What is there before each action, besides much that must stay as it is.
const RULES: &str = "
flush ruleset
table inet t {
  set named { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.7 }; }
  chain c {
    type filter hook input priority 0; policy accept;
    tcp dport 22 accept
    tcp dport 5001 drop
    ip saddr @named counter accept
    tcp dport { 1, 2, 5-9 } drop
  }
}
";
const LEGACY: &str = "
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 5001 -j DROP
-A INPUT -s 10.0.0.0/8 -j ACCEPT
COMMIT
";
const SHAPERS: &str = "
! ip link show d0 >/dev/null 2>&1 || ip link del d0
ip link add d0 type veth peer name d1
ip link set d0 up
ip link set d1 up
tc qdisc add dev d0 root handle 1: htb default 10
tc class add dev d0 parent 1: classid 1:10 htb rate 5mbit
tc qdisc add dev d0 parent 1:10 handle 10: pfifo limit 50
tc qdisc add dev d1 root handle 1: tbf rate 5mbit burst 20kb latency 400ms
";

fn operation(kind: Kind) -> Operation {
    let (table, chain) = (Text::from("t"), Text::from("c"));
    let rule = |text: &str| RuleRef {
        text: Text::from(text),
        occurrence: 1,
    };
    match kind {
        Kind::NftDelete => Operation::NftDelete {
            family: Family::Inet,
            table,
            chain,
            rule: rule("tcp dport 5001 drop"),
        },
        Kind::NftInsert => Operation::NftInsert {
            family: Family::Inet,
            table,
            chain,
            place: Place::Before {
                rule: rule("tcp dport 5001 drop"),
            },
            rule: Text::from("tcp dport 5001 accept"),
        },
        Kind::LegacyDelete => Operation::LegacyDelete {
            family: IpFamily::Ip,
            table: Text::from("filter"),
            chain: Text::from("INPUT"),
            rule: rule("-p tcp -m tcp --dport 5001 -j DROP"),
        },
        Kind::QdiscRemove => Operation::QdiscRemove {
            device: Text::from("d0"),
            at: QdiscPlace::Root,
        },
        Kind::QdiscReplace => Operation::QdiscReplace {
            device: Text::from("d1"),
            qdisc: QdiscSpec::Pfifo { limit: 77 },
        },
        Kind::Server => Operation::ServerStart {
            server: Server::Iperf,
            port: 5001,
            lease_s: 3,
        },
        Kind::Package => Operation::PackageInstall {
            package: Package::parse("iperf").unwrap(),
        },
    }
}

/// Numbers by chance that can be had again: SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).unwrap();
        all[usize::try_from(self.next() % count).unwrap()]
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.next() % u64::try_from(most.as_micros()).unwrap().max(1))
    }
}

struct Series {
    stand: Stand,
    chance: Chance,
    /// How long each takes when nobody is killed.
    spans: BTreeMap<Kind, Duration>,
    /// How often each ended in which state.
    ends: BTreeMap<(Kind, String), u32>,
    slowest: Duration,
}

/// What there is to compare: the configuration by the ordinary tools, and the package.
fn state(stand: &Stand) -> (String, Option<String>) {
    (
        stand.configuration(),
        fs::read_to_string(stand.path("package")).ok(),
    )
}

/// Does it, as an agent would: asks again where it was not heard, and confirms.
fn drive(socket: &Path, action: &Action, then: Then) {
    let digest = action.digest().unwrap();
    let Ok(Answer::Stands(stands)) = ask(socket, &perform(action)) else {
        return;
    };
    if stands.state == ActionState::Applied {
        let demand = match then {
            Then::Confirm => Demand::Confirm { action: digest },
            Then::Undo => Demand::Undo { action: digest },
            Then::Wait => return,
        };
        drop(ask(socket, &demand));
    }
}

impl Series {
    fn begin(seed: u64) -> Self {
        let mut series = Self {
            stand: Stand::started(),
            chance: Chance(seed),
            spans: BTreeMap::new(),
            ends: BTreeMap::new(),
            slowest: Duration::ZERO,
        };
        for kind in kinds() {
            let (action, _) = series.prepared(kind);
            let begun = Instant::now();
            drive(&series.stand.socket(), &action, Then::Confirm);
            series.spans.insert(kind, begun.elapsed());
            let digest = action.digest().unwrap();
            let answer = match kind {
                Kind::Server => series.stand.standing(digest),
                _ => series.stand.end(digest),
            };
            let state = match answer {
                Answer::Stands(stands) => stands.state,
                other => panic!("{kind:?}: {other:?}"),
            };
            let right = match kind {
                Kind::Server => ActionState::Applied,
                Kind::Package => ActionState::Done,
                _ => ActionState::Confirmed,
            };
            assert_eq!(state, right, "{kind:?}\n{}", series.stand.log());
            drop(series.stand.ask(&Demand::Undo { action: digest }));
        }
        println!("without kills: {:?}", series.spans);
        series
    }

    /// All is as it is before an action, which is proposed.
    fn prepared(&mut self, kind: Kind) -> (Action, (String, Option<String>)) {
        let stand = &mut self.stand;
        let made: [(&[&str], &str); 3] = [
            (&["nft", "-f", "-"], RULES),
            (&["iptables-legacy-restore", "-w", "20"], LEGACY),
            (&["sh", "-eu"], SHAPERS),
        ];
        for (tool, text) in made {
            let output = stand.namespace.exec_with_input(tool, text.as_bytes()).unwrap();
            output.ok(tool).unwrap();
        }
        drop(fs::remove_file(stand.path("package")));
        let before = state(stand);
        (stand.propose(operation(kind)), before)
    }

    /// Does something, kills something in it, starts that again, and looks at everything.
    fn kill(&mut self, number: u32) {
        let kind = self.chance.of(&kinds());
        let victim = self.chance.of(&VICTIMS);
        let then = self.chance.of(&THENS);
        let span = self.spans[&kind];
        let after = self.chance.up_to(span + span / 4);
        let (action, before) = self.prepared(kind);
        let what = format!(
            "{number}: {victim:?} in {kind:?} after {} us, {then:?}",
            after.as_micros()
        );
        self.stand.note(&what);
        let worker = thread::spawn({
            let (socket, action) = (self.stand.socket(), action.clone());
            move || drive(&socket, &action, then)
        });
        thread::sleep(after);
        if victim != Victim::Guard {
            self.stand.kill_serve();
        }
        if victim != Victim::Act {
            self.stand.kill_guard();
        }
        let killed = Instant::now();
        // With the guard alone dead, what goes on goes on to its end.
        worker.join().unwrap();
        self.stand.restart();
        if self.chance.of(&[true, false]) && victim == Victim::Act {
            drive(&self.stand.socket(), &action, then);
        }
        let word = self.ends(kind, &action, &before, &what);
        self.slowest = self.slowest.max(killed.elapsed());
        *self.ends.entry((kind, word)).or_default() += 1;
        self.stand.is_clean();
    }

    /// It ended in one of the right ways, and the state is the one that belongs to it.
    fn ends(&self, kind: Kind, action: &Action, before: &(String, Option<String>), what: &str) -> String {
        let answer = self.stand.end(action.digest().unwrap());
        let now = state(&self.stand);
        let context = || format!("{what}: {answer:?}\n{}", self.stand.log());
        let word = match &answer {
            Answer::Stands(stands) => stands.state.as_str().to_owned(),
            Answer::Refused { code, .. } => code.clone(),
            Answer::Proposed { .. } => panic!("{}", context()),
        };
        match (kind, word.as_str()) {
            (Kind::Server, "undone" | "failed" | "used" | "waiting") => {
                assert_eq!(now, *before, "{}", context())
            }
            (Kind::Package, "done") => {
                assert_eq!(now.1.as_deref(), Some("installed\n"), "{}", context());
            }
            (Kind::Package, "failed" | "used" | "waiting") => assert_eq!(now, *before, "{}", context()),
            (_, "undone" | "failed" | "used" | "waiting") => assert_eq!(now, *before, "{}", context()),
            (_, "confirmed") => assert_ne!(now.0, before.0, "{}", context()),
            _ => panic!("{}", context()),
        }
        if let Answer::Stands(stands) = &answer
            && stands.state == ActionState::Confirmed
        {
            self.can_be_undone(action.digest().unwrap());
        }
        word
    }

    /// The state is the one that the action promised: it is what its undo would start from.
    fn can_be_undone(&self, action: Digest) {
        let mut asked = netghost_core::gate::Asked {
            id: netghost_core::fleet::Id::from_random([250; 16]),
            agent: None,
            namespace: Text::from("init"),
            requester: stand::name("alice"),
            reason: Text::from("a test"),
            ticket: None,
            operation: Operation::Undo { action },
            checks: Vec::new(),
            window_s: 5,
            lifetime_s: 600,
        };
        let bytes: [u8; 16] = action.as_bytes()[..16].try_into().unwrap();
        asked.id = netghost_core::fleet::Id::from_random(bytes);
        match self.stand.ask(&Demand::Propose(Box::new(asked))) {
            Answer::Proposed { document } => {
                let undo = Action::from_bytes(document.as_bytes()).unwrap();
                self.stand.ask(&Demand::Withdraw {
                    action: undo.digest().unwrap(),
                });
            }
            other => panic!("{other:?}"),
        }
    }
}

fn kinds() -> Vec<Kind> {
    let asked = std::env::var("NETGHOST_KINDS").ok();
    let wanted = |kind: &Kind| {
        let word = format!("{kind:?}");
        asked
            .as_ref()
            .is_none_or(|asked| asked.split(',').any(|one| one == word))
    };
    KINDS.into_iter().filter(wanted).collect()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn root_kill_9_anywhere_leaves_the_former_state_or_a_confirmed_change() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("NETGHOST_SEED", u64::from(now.subsec_nanos()));
    let kills = u32::try_from(number("NETGHOST_KILLS", 60)).unwrap();
    println!("NETGHOST_SEED={seed}");
    let mut series = Series::begin(seed);
    for number in 1..=kills {
        series.kill(number);
    }
    println!(
        "kills: {kills}, seed {seed}: {:?}; the slowest end came {:.1} s after the kill",
        series.ends,
        series.slowest.as_secs_f64()
    );
}
