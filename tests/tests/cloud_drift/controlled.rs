//! The same through a controller: a process of its own that asks Azure with its own login, and a person who is logged in to it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::site::{Answer, Site, gaps};

/// A controller on the loopback address, and who is logged in to it. Ended when dropped.
struct Controlled {
    site: Site,
    config: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
}

/// An address of the loopback that is free now.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The table of a controller's configuration by which it asks as the reader.
fn azure(site: &Site) -> String {
    let words = site.cloud.login(true);
    let said = |option: &str| {
        let place = words.iter().position(|word| word == option).unwrap();
        words[place + 1].clone()
    };
    format!(
        "[azure]\nsubscription = \"{}\"\nendpoint = \"{}\"\nca_file = \"{}\"\n\
         credential = {{ kind = \"client-secret\", tenant_id = \"{}\", client_id = \"{}\", secret_file = \"{}\" }}\n",
        site.cloud.subscription,
        said("--arm-endpoint"),
        said("--arm-ca-file"),
        said("--tenant"),
        said("--client-id"),
        said("--client-secret-file"),
    )
}

impl Controlled {
    fn new() -> Self {
        let site = Site::new();
        let config = site.place.join("controller.toml");
        let address = free();
        let text = format!(
            "listen = \"{address}\"\nnames = [\"127.0.0.1\"]\ndirectory = \"{}\"\n{}\n[http]\nlisten = \"{}\"\n",
            site.file("controller"),
            azure(&site),
            free(),
        );
        std::fs::write(&config, text).unwrap();
        let mut served = Self {
            site,
            config,
            address,
            process: None,
        };
        served.command(&["init"]);
        served.serve();
        let token = served.site.file("token");
        std::fs::write(&token, served.command(&["user", "add", "ada", "--role", "admin"])).unwrap();
        let address = served.address.to_string();
        let login = ["login", "--controller", &address, "--token-file", &token];
        served.site.bare(&login).with(0);
        served
    }

    fn program(&self, words: &[&str]) -> Command {
        let test = std::env::current_exe().unwrap();
        let program = test
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("netghost-controller");
        assert!(
            program.exists(),
            "{}: run `cargo build --bins` first",
            program.display()
        );
        let mut command = Command::new(program);
        command.arg("--config").arg(&self.config).args(words);
        command
    }

    /// What a command of the controller's own says.
    fn command(&self, words: &[&str]) -> Vec<u8> {
        let output = self.program(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn serve(&mut self) {
        let log = std::fs::File::create(self.site.file("controller.log")).unwrap();
        let mut serve = self.program(&["serve"]);
        serve.stdout(Stdio::null()).stderr(log);
        self.process = Some(serve.spawn().unwrap());
        let since = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let log = || std::fs::read_to_string(self.site.file("controller.log"));
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as a crash would.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A command of the person's, who says nothing of Azure's login.
    fn run(&self, words: &[&str]) -> Answer {
        self.site.bare(&[words, &["-o", "json"]].concat())
    }

    /// A drift check of the first interface.
    fn check(&self, more: &[&str]) -> Answer {
        let nic = self.site.nic("vm1");
        self.run(&[&["drift", "check", "--baseline", "b", "--nic", &nic][..], more].concat())
    }

    /// The public key of the controller, as its audit log's export has it.
    fn key(&self) -> String {
        let log = self.site.file("audit");
        self.run(&["audit", "export", &log]).with(0);
        let keys = std::fs::read_dir(format!("{log}/keys")).unwrap();
        let mut keys = keys.map(|entry| entry.unwrap().path().display().to_string());
        keys.find(|path| path.ends_with(".pem")).unwrap()
    }
}

impl Drop for Controlled {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same certificate with one letter of what it states changed.
fn edited(site: &Site, file: &str) -> String {
    let mut text = std::fs::read(file).unwrap();
    let payload = b"\"payload\":\"";
    let found = text.windows(payload.len()).position(|window| window == payload);
    let place = found.unwrap() + 40;
    text[place] = if text[place] == b'A' { b'B' } else { b'A' };
    let edited = site.file("edited.dsse.json");
    std::fs::write(&edited, text).unwrap();
    edited
}

#[test]
fn a_controller_seals_compares_and_certifies_an_interface() {
    let mut served = Controlled::new();
    let nic = served.site.nic("vm1");
    let made = served
        .run(&["baseline", "create", "b", "--nic", &nic, "--ticket", "CHG-1"])
        .with(0)
        .json();
    assert_eq!(made["verdict"], "complete", "{made:#}");
    assert_eq!(
        (&made["targets"][0]["resource"], &made["targets"][0]["way"]),
        (&json!(nic), &json!("arm"))
    );
    let same = served.site.file("same.dsse.json");
    let found = served.check(&["--certificate", &same]).with(0).json();
    assert_eq!(found["drift_detected"], json!(false), "{found:#}");

    // A group by its name is one of the controller's own subscription; the other interface of it is in no baseline.
    let group = ["drift", "check", "--baseline", "b", "--group", "lab"];
    let found = served.run(&group).with(3).json();
    assert!(!gaps(&found, &served.site.nic("vm2")).is_empty(), "{found:#}");

    served.site.rule(Some("Deny"));
    let drift = served.site.file("drift.dsse.json");
    let found = served.check(&["--certificate", &drift]).with(1).json();
    let change = &found["changes"][0];
    assert_eq!(
        (&found["verdict"], &change["target"], &change["section"]),
        (&json!("drift"), &json!(nic), &json!("effective-nsg")),
        "{found:#}"
    );
    assert!(
        !change["effect"].is_null() && found["not_covered"] != json!(null),
        "{change:#}"
    );

    let key = served.key();
    let verify = |file: &str| {
        let words = [
            "verify",
            file,
            "--key",
            &key,
            "--require",
            "no_drift",
            "-o",
            "json",
        ];
        let ended = served.site.bare(&words);
        (ended.status, ended.json()["verified"].clone())
    };
    assert_eq!(verify(&same), (0, json!(true)));
    assert_eq!(verify(&drift), (1, json!(true)));
    let edited = edited(&served.site, &same);
    assert_eq!(verify(&edited), (1, json!(false)));

    // The controller goes; what it found stands in its store.
    let job = found["job"].as_str().unwrap().to_owned();
    served.kill();
    let gone = served.check(&[]).with(4);
    assert!(gone.stdout.is_empty(), "{gone:?}");
    served.serve();
    assert_eq!(
        served.run(&["drift", "show", &job]).with(1).json()["verdict"],
        "drift"
    );
    served.site.rule(None);
    served.check(&[]).with(0);
}

#[test]
fn a_controller_never_certifies_what_it_could_not_read() {
    let served = Controlled::new();
    let nic = served.site.nic("vm1");
    served.run(&["baseline", "create", "b", "--nic", &nic]).with(0);
    let html = json!({"fault": "html", "status": 200, "path": "networkInterfaces/vm1/effectiveRouteTable"});
    served.site.cloud.arm.fault(&html).unwrap();
    let certificate = served.site.file("unknown.dsse.json");
    let found = served.check(&["--certificate", &certificate]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
    let why = json!(gaps(&found, &nic)).to_string();
    assert!(
        why.contains("effective-routes") && why.contains("page for a browser"),
        "{why}"
    );
    let key = served.key();
    let required = ["verify", &certificate, "--key", &key, "--require", "no_drift"];
    served.site.bare(&required).with(3);
    let made = served
        .run(&["baseline", "create", "c", "--nic", &nic])
        .with(3)
        .json();
    assert_eq!(made["verdict"], "partial", "{made:#}");
    // What is known to differ is drift, although another part is not known.
    served.site.rule(Some("Deny"));
    let found = served.check(&[]).with(1).json();
    assert_eq!(found["verdict"], "drift");
    // The person's own login is not what the controller asks with.
    let tenant = ["--tenant", "t"];
    let refused = served.check(&tenant).with(2);
    assert!(refused.stderr.contains("its own login"), "{refused:?}");
}
