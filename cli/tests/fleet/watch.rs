//! `host watch` against readings and notices that follow a script.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use netghost_cli::exit::Status;
use netghost_cli::world::{Hears, World};
use netghost_core::facts::{Fact, Facts};
use netghost_core::section::{Content, Reader, Section, SectionName, State};
use netghost_kernel::watch::{Heard, Program};

use super::place::{Place, watch};

/// Addresses; `None`: unreadable.
fn section(name: SectionName, addresses: Option<&[&str]>) -> Section {
    let facts = |all: &[&str]| {
        let fact = |address: &&str| Fact::new("address", vec!["eth0".into(), (*address).into()]);
        Facts::new(all.iter().map(fact).collect())
    };
    Section {
        name,
        state: match addresses {
            Some(_) => State::Captured,
            None => State::Unreadable {
                why: "no permission".to_owned(),
            },
        },
        reader: Reader::Kernel,
        decoder: 1,
        taken_at_us: 1,
        generation: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
        content: addresses.map(|all| Content::Facts {
            config: facts(all),
            runtime: Facts::default(),
        }),
        raw: None,
    }
}

/// Gives one notice after the other, then waits until the end.
struct Script(VecDeque<Heard>);

impl Hears for Script {
    fn wait(&mut self, deadline: Instant) -> io::Result<Heard> {
        if let Some(heard) = self.0.pop_front() {
            return Ok(heard);
        }
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        Ok(Heard::default())
    }
}

fn heard(lost: bool) -> Heard {
    let name = SectionName::Addresses;
    Heard {
        sections: if lost { [].into() } else { [name].into() },
        lost,
        programs: [Program {
            section: name,
            pid: 42,
            name: "ip".into(),
        }]
        .into(),
    }
}

fn world(place: &Place, readings: &'static [Option<&'static [&'static str]>]) -> World {
    let next = AtomicUsize::new(0);
    World {
        capture: Arc::new(move |names| {
            let number = next.fetch_add(1, Ordering::SeqCst).min(readings.len() - 1);
            names
                .iter()
                .map(|name| section(*name, readings[number]))
                .collect()
        }),
        find_namespaces: netghost_kernel::namespaces::find,
        namespaces: |asked, _| {
            netghost_core::namespace::Namespaces::unlisted(asked.clone(), "a test".to_owned())
        },
        notices: || Ok(Box::new(Script([heard(false), heard(false), heard(true)].into()))),
        ..place.alone()
    }
}

const LINE: &str = "host watch --section addresses --for 1s -o json --out @out.jsonl";

fn lines(place: &Place) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(place.path("out.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_change_is_one_line_with_both_sides_and_its_maker() {
    let place = Place::new();
    let readings: &[Option<&[&str]>] = &[
        Some(&["10.0.0.1/24"]),
        Some(&["10.0.0.1/24"]),
        Some(&[]),
        Some(&["10.0.0.2/24"]),
    ];
    let status = watch(&place.path(""), &world(&place, readings), LINE).unwrap();
    assert_eq!(status, Status::Act);
    let lines = lines(&place);
    assert_eq!(lines.len(), 2, "a notice without a change is no line: {lines:?}");
    assert_eq!(lines[0]["changes"][0]["kind"], "fact_removed");
    assert_eq!(
        lines[0]["changes"][0]["before"]["text"],
        "address eth0 10.0.0.1/24"
    );
    assert_eq!(lines[0]["programs"][0]["name"], "ip");
    assert_eq!(lines[1]["changes"][0]["kind"], "fact_added");
    assert_eq!(lines[1]["notices_lost"], true);
}

#[test]
fn what_can_not_be_read_is_told_and_hides_no_change() {
    let place = Place::new();
    let readings: &[Option<&[&str]>] = &[Some(&["10.0.0.1/24"]), None, None, Some(&["10.0.0.2/24"])];
    watch(&place.path(""), &world(&place, readings), LINE).unwrap();
    let lines = lines(&place);
    assert_eq!(lines.len(), 2, "told once: {lines:?}");
    assert!(
        lines[0]["not_covered"][0]["why"]
            .as_str()
            .unwrap()
            .contains("no permission")
    );
    assert_eq!(
        lines[1]["changes"].as_array().unwrap().len(),
        2,
        "against the last that was known"
    );
}

#[test]
fn nothing_known_is_status_3() {
    let place = Place::new();
    let status = watch(&place.path(""), &world(&place, &[None]), LINE).unwrap();
    assert_eq!((status, lines(&place).len()), (Status::Unknown, 1));
}
