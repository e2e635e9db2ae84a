//! Without a controller: the same commands over the controller's code in this process.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netghost_cli::exit::Status;
use netghost_cli::world::World;
use netghost_core::section::{Reader, Section, SectionName, State};

use super::place::{Place, run};

/// Sections that exist nowhere, but for one that can't be read.
fn sections(names: &[SectionName], unread: bool) -> Vec<Section> {
    let section = |name: &SectionName| Section {
        name: *name,
        state: if unread && *name == SectionName::Tc {
            State::Unreadable {
                why: "no permission".to_owned(),
            }
        } else {
            State::NotApplicable {
                why: "not in this kernel".to_owned(),
            }
        },
        reader: Reader::Kernel,
        decoder: 1,
        taken_at_us: 1,
        generation: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
        content: None,
        raw: None,
    };
    names.iter().map(section).collect()
}

fn world(place: &Place, unread: &Arc<AtomicBool>) -> World {
    let unread = unread.clone();
    World {
        capture: Arc::new(move |names| sections(names, unread.load(Ordering::SeqCst))),
        ..place.alone()
    }
}

#[test]
fn this_host_is_sealed_compared_exported_and_audited() {
    let place = Place::new();
    let unread = Arc::new(AtomicBool::new(false));
    let world = world(&place, &unread);
    let at = place.path("");
    let status = |line: &str| match run(&at, &world, &format!("{line} --standalone")) {
        Ok(outcome) => (outcome.status, outcome.text),
        Err(failure) => (failure.status, format!("{:#}: {:?}", failure.error, failure.hint)),
    };
    let good = |line: &str| {
        let (status, text) = status(line);
        assert_eq!(status, Status::Good, "{line}: {text}");
        text
    };
    good("baseline create before --ticket CHG-1");
    assert!(good("baseline list").contains("before"));
    assert!(good("baseline show before").contains("vm1"));
    let text = good("drift check --baseline before --certificate @same.dsse.json");
    assert!(text.contains("no_drift"), "{text}");
    let key = key(&place.path("state/netghost/keys"));
    good(&format!("verify @same.dsse.json --key {key} --require no_drift"));
    good("sweep run --baseline before");
    good("baseline export before @out");
    // The name is taken here; another store takes it where it knows the key, and no edited copy of it.
    assert_eq!(status("baseline import @out").0, Status::Usage);
    std::fs::write(place.path("out/baseline.json"), "{}").unwrap();
    assert_eq!(status("baseline import @out").0, Status::Usage);
    good("audit verify");
    assert!(good("audit show").contains("drift.check"));
    good("audit export @log");
    good("audit verify --export @log");
    unread.store(true, Ordering::SeqCst);
    assert_eq!(status("drift check --baseline before").0, Status::Unknown);
    assert_eq!(status("baseline create partial").0, Status::Unknown);
    assert_eq!(status("baseline create before").0, Status::Usage);
    assert_eq!(status("drift check --baseline nothing").0, Status::Usage);
    assert_eq!(status("drift check --baseline before --vm vm9").0, Status::Usage);
    assert_eq!(
        status("drift show 07070707-0707-4707-8707-070707070707").0,
        Status::Usage
    );
    private(&place.path("state"));
}

/// Commands without a controller.
struct Alone {
    place: Place,
    unread: Arc<AtomicBool>,
}

impl Alone {
    fn new() -> Self {
        Self {
            place: Place::new(),
            unread: Arc::new(AtomicBool::new(false)),
        }
    }

    /// What a command says that must end with this status.
    fn is(&self, wanted: Status, line: &str) -> String {
        let world = world(&self.place, &self.unread);
        let (status, text) = match run(&self.place.path(""), &world, &format!("{line} --standalone")) {
            Ok(outcome) => (outcome.status, outcome.text),
            Err(failure) => (failure.status, format!("{:#}: {:?}", failure.error, failure.hint)),
        };
        assert_eq!(status, wanted, "{line}: {text}");
        text
    }
}

#[test]
fn a_window_seals_compares_once_and_its_certificate_names_it() {
    let alone = Alone::new();
    let text = alone.is(Status::Good, "window open CHG0031337 --ends 2h");
    assert!(
        text.contains("CHG0031337-open") && text.contains("nothing is known of them"),
        "{text}"
    );
    alone.is(Status::Usage, "window open CHG0031337");
    alone.is(Status::Usage, "window open CHG-2 --ends 2020-01-01T00:00:00Z");
    alone.is(Status::Usage, "window open CHG-2 --baseline nothing");
    alone.is(Status::Usage, "window close CHG-9");
    // Another one over the same host, with what can't be read.
    alone.unread.store(true, Ordering::SeqCst);
    let text = alone.is(Status::Unknown, "window open CHG-2");
    assert!(
        text.contains("not sealed") && text.contains("window CHG0031337 is open over"),
        "{text}"
    );
    alone.unread.store(false, Ordering::SeqCst);
    let text = alone.is(
        Status::Good,
        "window close CHG0031337 --certificate @end.dsse.json",
    );
    assert!(
        text.contains("window CHG0031337: no_drift") && text.contains("window CHG-2 is open over"),
        "{text}"
    );
    let key = key(&alone.place.path("state/netghost/keys"));
    alone.is(
        Status::Good,
        &format!("verify @end.dsse.json --key {key} --require no_drift"),
    );
    let certificate = names_the_window(&alone.place);
    // Nothing is compared anew: what is unreadable now changes nothing.
    alone.unread.store(true, Ordering::SeqCst);
    alone.is(
        Status::Good,
        "window close CHG0031337 --certificate @again.dsse.json",
    );
    assert_eq!(
        std::fs::read(alone.place.path("again.dsse.json")).unwrap(),
        certificate
    );
    alone.unread.store(false, Ordering::SeqCst);
}

/// The certificate's bytes, which state the window.
fn names_the_window(place: &Place) -> Vec<u8> {
    let certificate = std::fs::read(place.path("end.dsse.json")).unwrap();
    let (statement, _) = netghost_core::artifact::certificate::peek(&certificate).unwrap();
    let netghost_core::artifact::certificate::Predicate::Drift(drift) = statement.predicate else {
        panic!("a seal");
    };
    let window = drift.window.clone().unwrap();
    assert_eq!(window.ticket.as_str(), "CHG0031337");
    assert!(
        window.baseline_at_us.unwrap().0 <= window.opened_at_us.0
            && window.opened_at_us.0 < window.closed_at_us.0
    );
    assert_eq!(drift.ticket, Some("CHG0031337".into()));
    certificate
}

#[test]
fn a_baseline_later_than_the_start_of_a_window_leaves_it_unknown() {
    let alone = Alone::new();
    alone.is(Status::Good, "window open CHG-2");
    // A baseline later than the start.
    let text = alone.is(
        Status::Good,
        "window open CHG-3 --baseline CHG-2-open --starts 1h",
    );
    assert!(text.contains("its result will be unknown"), "{text}");
    let text = alone.is(Status::Unknown, "window close CHG-3");
    assert!(text.contains("after the window began"), "{text}");
    alone.is(Status::Unknown, "window show CHG-3");
    let text = alone.is(Status::Good, "window list");
    assert!(text.contains("CHG-2") && text.contains("CHG-3"), "{text}");
    assert!(alone.is(Status::Good, "audit show").contains("window.close"));
    alone.is(Status::Good, "audit verify");
}

fn key(keys: &Path) -> String {
    let mut files = std::fs::read_dir(keys)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let key = files.find(|path| path.to_str().unwrap().ends_with(".pub.pem"));
    key.unwrap().display().to_string()
}

/// Nobody else can enter the store.
fn private(state: &Path) {
    let mode = std::fs::metadata(state.join("netghost"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    for name in ["controller", "controller/pki", "controller/objects"] {
        let path = state.join("netghost").join(name);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

#[test]
fn an_edited_store_is_not_believed() {
    let place = Place::new();
    let world = world(&place, &Arc::default());
    let at = place.path("");
    run(&at, &world, "baseline create before --standalone").unwrap();
    let objects = place.path("state/netghost/controller/objects");
    for file in files(&objects) {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }
    let ended = run(&at, &world, "drift check --baseline before --standalone");
    let status = match &ended {
        Ok(outcome) => outcome.status,
        Err(failure) => failure.status,
    };
    assert!(matches!(status, Status::Unknown | Status::Failed), "{ended:?}");
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}
