//! Logging in to a controller that listens on loopback, and keeping the certificate that comes of it.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use netghost_cli::exit::Status;
use netghost_cli::world::World;
use netghost_client::Files;
use netghost_controller::jobs::{Order, Reach, Unreached};
use netghost_controller::outside::Outside;
use netghost_controller::pki::Authority;
use netghost_controller::server::Server;
use netghost_controller::store::Store;
use netghost_controller::{Controller, Shared, jobs, keys, link, users};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::fleet::Role;
use rustls::pki_types::ServerName;
use tokio::runtime::Runtime;

use super::place::{Place, run};

const HOUR_US: u64 = 3_600_000_000;

thread_local! {
    // A command runs on its test's thread: each test has its own time.
    static AHEAD_US: Cell<u64> = const { Cell::new(0) };
}

fn now_us() -> u64 {
    netghost_cli::clock::now_us() + AHEAD_US.get()
}

#[derive(Debug)]
struct Nobody;

impl Reach for Nobody {
    fn capture<'a>(
        &'a self,
        _: &'a Controller,
        _: Order,
        _: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>> {
        Box::pin(async {
            Err(Unreached {
                code: "offline".to_owned(),
                message: "nobody is there".to_owned(),
            })
        })
    }
}

/// A controller of its own, ended when it is dropped.
struct Served {
    runtime: Runtime,
    controller: Controller,
    port: u16,
}

impl Served {
    fn new(directory: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let (controller, port) = runtime.block_on(async {
            let outside = Outside::real();
            let controller = Controller::new(Shared {
                store: Store::open(directory, None).await.unwrap(),
                outside,
                ca: Authority::create(&directory.join("pki"), "test.internal", &outside).unwrap(),
                signer: Signer::from_seed(&[3; 32]).unwrap(),
                links: link::Links::default(),
                reach: Arc::new(Nobody),
                jobs: jobs::Running::default(),
            });
            keys::publish(&controller.store, controller.signer.public(), 1)
                .await
                .unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let names = vec![ServerName::try_from("127.0.0.1").unwrap()];
            let server = Server::new(controller.clone(), names).await.unwrap();
            tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
            (controller, port)
        });
        Self {
            runtime,
            controller,
            port,
        }
    }

    /// A login token, in a file.
    fn token(&self, place: &Place, name: &str, role: Role) -> (String, PathBuf) {
        let name = Name::parse(name).unwrap();
        let login = self
            .runtime
            .block_on(users::add(&self.controller, &name, role))
            .unwrap();
        let path = place.path("token");
        std::fs::write(&path, format!("{}\n", login.token.reveal())).unwrap();
        (login.token.reveal(), path)
    }
}

fn world(place: &Place) -> World {
    World {
        now_us,
        ..place.alone()
    }
}

fn login(served: &Served, context: &str) -> String {
    format!(
        "login --controller 127.0.0.1:{} --token-file @token --context {context}",
        served.port
    )
}

fn certificate(place: &Place) -> Vec<u8> {
    let files = Files::new(place.path("config/netghost/contexts/real"));
    files.load().unwrap().unwrap().certificate
}

#[test]
fn a_token_becomes_a_certificate_that_nobody_else_can_read() {
    let place = Place::new();
    let served = Served::new(&place.path("served"));
    let (token, _) = served.token(&place, "ada", Role::Viewer);
    let (at, world) = (place.path(""), world(&place));
    let outcome = run(&at, &world, &login(&served, "real")).unwrap();
    let said = format!("{} {}", outcome.text, outcome.document);
    assert!(said.contains("ada") && !said.contains(&token), "{said}");
    let directory = place.path("config/netghost/contexts/real");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        if path.is_file() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(&token), "{}", path.display());
        }
    }
    names.sort();
    assert_eq!(names, ["context.toml", "identity.pem", "keys"]);
    // It is in use now, and what it may not do is refused with a hint.
    let status = run(&at, &world, "controller status").unwrap();
    assert_eq!(
        (&status.document["user"], &status.document["role"]),
        (&"ada".into(), &"viewer".into())
    );
    let failure = run(&at, &world, "token create").unwrap_err();
    assert_eq!(
        (failure.status, failure.code),
        (Status::Failed, "permission_denied")
    );
    // A token serves once; a lost answer is another thing.
    let failure = run(&at, &world, &login(&served, "again")).unwrap_err();
    assert!(
        matches!(failure.status, Status::Failed | Status::Usage),
        "{failure:?}"
    );
    assert!(!format!("{:#}", failure.error).contains(&token));
    assert!(!place.path("config/netghost/contexts/again").exists());
}

#[test]
fn a_certificate_is_renewed_when_it_is_used_and_recovered_when_it_ran_out() {
    let place = Place::new();
    let served = Served::new(&place.path("served"));
    served.token(&place, "ada", Role::Admin);
    let (at, world) = (place.path(""), world(&place));
    run(&at, &world, &login(&served, "real")).unwrap();
    let first = certificate(&place);
    run(&at, &world, "agent list").unwrap();
    assert_eq!(certificate(&place), first, "it is fresh");
    AHEAD_US.set(13 * HOUR_US);
    run(&at, &world, "agent list").unwrap();
    let second = certificate(&place);
    assert_ne!(second, first);
    AHEAD_US.set(30 * HOUR_US);
    run(&at, &world, "agent list").unwrap();
    assert_ne!(certificate(&place), second);
    AHEAD_US.set(0);
    let outcome = run(&at, &world, "token create --tag role=web").unwrap();
    assert!(outcome.text.starts_with("netghost1."));
    let list = run(&at, &world, "token list").unwrap();
    let tokens = list.document["tokens"].as_array().unwrap();
    let tagged = tokens.iter().filter(|token| token["tags"][0]["key"] == "role");
    assert_eq!(tagged.count(), 1, "{tokens:?}");
    assert!(!list.document.to_string().contains(outcome.text.trim()));
}

#[test]
fn another_controller_is_not_taken_for_this_one() {
    let place = Place::new();
    let served = Served::new(&place.path("served"));
    let other = Served::new(&place.path("other"));
    served.token(&place, "ada", Role::Admin);
    let (at, world) = (place.path(""), world(&place));
    run(&at, &world, &login(&served, "real")).unwrap();
    let before = certificate(&place);
    other.token(&place, "ada", Role::Admin);
    // The same context, with a token of another one; a token of one at the address of the other.
    let failure = run(&at, &world, &login(&other, "real")).unwrap_err();
    assert_eq!(
        (failure.status, failure.code),
        (Status::Usage, "other_controller")
    );
    let failure = run(&at, &world, &login(&served, "new")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "unreachable"));
    assert_eq!(certificate(&place), before);
    // Logging in again to the same one gives the context a new certificate.
    served.token(&place, "ada", Role::Admin);
    run(&at, &world, &login(&served, "real")).unwrap();
    assert_ne!(certificate(&place), before);
    let name = Name::parse("ada").unwrap();
    served
        .runtime
        .block_on(users::revoke(&served.controller, &name, "left"))
        .unwrap();
    let failure = run(&at, &world, "agent list").unwrap_err();
    assert_eq!(failure.status, Status::Failed);
    assert!(format!("{:#}", failure.error).contains("left"), "{failure:?}");
}

#[test]
fn what_is_no_token_is_said_without_a_connection() {
    let place = Place::new();
    let (at, world) = (place.path(""), world(&place));
    let line = "login --controller 127.0.0.1:1 --token-file @token";
    assert_eq!(run(&at, &world, line).unwrap_err().code, "no_token");
    for (text, code) in [
        ("", "no_token"),
        ("secret", "not_a_token"),
        ("netghost1.a.b.c.d.e", "not_a_token"),
    ] {
        std::fs::write(place.path("token"), text).unwrap();
        let failure = run(&at, &world, line).unwrap_err();
        assert_eq!((failure.status, failure.code), (Status::Usage, code), "{text}");
        assert!(text.is_empty() || !format!("{:#}", failure.error).contains(text));
    }
}
