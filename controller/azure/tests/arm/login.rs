//! Tokens over TLS, with the certificates of a file, by the credentials of `azure_identity`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netghost_azure::{Arm, Build, Cloud, CloudSettings, CredentialSettings, Kind, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::play::{Play, Says, TIME, nic};

const TENANT: &str = "99999999-8888-7777-6666-555555555555";

struct Trust {
    folder: PathBuf,
    tls: TlsAcceptor,
}

impl Drop for Trust {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

impl Trust {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.serialize_der().try_into().unwrap())
            .unwrap();
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("login-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(folder.join("secret"), "the-secret\n").unwrap();
        Self {
            folder,
            tls: TlsAcceptor::from(Arc::new(config)),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn cloud(&self, play: &Play) -> CloudSettings {
        CloudSettings::Custom {
            endpoint: play.base.clone(),
            authority: play.base.clone(),
            scope: None,
            ca_file: Some(self.file("ca.pem")),
        }
    }

    fn secret(&self) -> CredentialSettings {
        CredentialSettings::ClientSecret {
            tenant_id: TENANT.to_owned(),
            client_id: "app".to_owned(),
            secret_file: self.file("secret"),
        }
    }

    fn arm(&self, play: &Play, credential: CredentialSettings) -> Arm {
        Arm::new(&Settings {
            cloud: self.cloud(play),
            credential,
            at_once: 4,
        })
        .unwrap()
    }
}

/// Gives tokens `given-1`, `given-2`, … to whoever logs in, and takes only the last one.
async fn azure(trust: &Trust) -> Play {
    let mut given = 0;
    let script = move |_: usize, came: &crate::play::Came, _: &str| {
        if came.path.contains("/oauth2/") {
            given += 1;
            return Says::json(
                200,
                json!({"token_type": "Bearer", "expires_in": 3600, "access_token": format!("given-{given}")}),
            );
        }
        let latest = given > 1 && came.header("authorization") == Some(&format!("Bearer given-{given}"));
        match latest {
            true => Says::json(200, json!({"name": "web-nic"})),
            false => Says::error(401, "ExpiredAuthenticationToken", "ended"),
        }
    };
    Play::over_tls(Box::new(script), trust.tls.clone()).await
}

#[tokio::test]
async fn a_client_secret_gets_a_token_and_another_when_it_ends() {
    let trust = Trust::new("secret");
    let play = azure(&trust).await;
    let arm = trust.arm(&play, trust.secret());
    arm.within(TIME).nic(&nic()).await.unwrap();
    arm.within(TIME).nic(&nic()).await.unwrap();
    let came = play.came();
    let logins: Vec<_> = came
        .iter()
        .filter(|came| came.path.contains("/oauth2/"))
        .collect();
    assert_eq!((logins.len(), came.len()), (2, 5));
    assert_eq!(logins[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
    assert!(
        logins[0].body.contains("client_secret=the-secret&"),
        "{}",
        logins[0].body
    );
    assert!(
        logins[0].body.contains("scope=https%3A%2F%2Flocalhost"),
        "{}",
        logins[0].body
    );
}

#[tokio::test]
async fn a_federated_token_is_exchanged() {
    let trust = Trust::new("workload");
    std::fs::write(trust.file("token"), "federated").unwrap();
    let play = azure(&trust).await;
    let credential = CredentialSettings::WorkloadIdentity {
        tenant_id: Some(TENANT.to_owned()),
        client_id: Some("app".to_owned()),
        token_file: Some(trust.file("token")),
    };
    trust
        .arm(&play, credential)
        .within(TIME)
        .nic(&nic())
        .await
        .unwrap();
    assert!(
        play.came()[0].body.contains("client_assertion=federated"),
        "{}",
        play.came()[0].body
    );
}

#[tokio::test]
async fn a_refused_login_says_why_and_keeps_its_secret() {
    let trust = Trust::new("refused");
    let says = json!({"error": "invalid_client", "error_codes": [7000215],
        "error_description": "AADSTS7000215: Invalid client secret provided."});
    let script = move |_: usize, _: &crate::play::Came, _: &str| Says::json(401, says.clone());
    let play = Play::over_tls(Box::new(script), trust.tls.clone()).await;
    let arm = trust.arm(&play, trust.secret());
    let error = arm.within(TIME).nic(&nic()).await.unwrap_err();
    assert_eq!(error.kind, Kind::NoToken);
    let said = error.to_string();
    assert!(
        said.contains("the client secret gave no token") && said.contains("AADSTS7000215"),
        "{said}"
    );
    assert!(!said.contains("the-secret") && !format!("{error:?} {arm:?}").contains("the-secret"));
    assert!(play.came().iter().all(|came| came.path.contains("/oauth2/")));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_the_login_soon() {
    let (trust, other) = (Trust::new("trusted"), Trust::new("other"));
    let play = azure(&other).await;
    let begun = Instant::now();
    let error = trust
        .arm(&play, trust.secret())
        .within(Duration::from_secs(60))
        .nic(&nic())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::NoToken);
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    // The same of Resource Manager itself.
    let build = Build::new(Cloud::new(&trust.cloud(&play)).unwrap());
    let arm = build
        .with_tokens(Box::new(crate::play::Numbered::default()))
        .unwrap();
    let error = arm.within(TIME).nic(&nic()).await.unwrap_err();
    assert!(
        error.kind == Kind::Network && error.to_string().contains("UnknownIssuer"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_at_once() {
    let trust = Trust::new("empty");
    for content in ["", "no certificate"] {
        std::fs::write(trust.file("none.pem"), content).unwrap();
        let cloud = CloudSettings::Custom {
            endpoint: "https://localhost:1".to_owned(),
            authority: "https://localhost:1".to_owned(),
            scope: None,
            ca_file: Some(trust.file("none.pem")),
        };
        let settings = Settings {
            cloud,
            credential: trust.secret(),
            at_once: 1,
        };
        assert!(Arm::new(&settings).is_err(), "{content:?}");
    }
}

#[test]
fn settings_are_read_and_unknown_ones_refused() {
    let read = |value| serde_json::from_value::<Settings>(value);
    let settings =
        read(json!({"credential": {"kind": "managed-identity"}, "cloud": {"name": "us-government"}}))
            .unwrap();
    assert!(
        Cloud::new(&settings.cloud)
            .unwrap()
            .endpoint()
            .as_str()
            .contains("usgovcloudapi.net")
    );
    assert!(read(json!({"credential": {"kind": "cli"}})).is_ok());
    assert!(
        read(json!({"credential": {"kind": "client-secret", "tenant_id": "t", "client_id": "c"}})).is_err()
    );
    assert!(read(json!({"credential": {"kind": "cli", "password": "x"}})).is_err());
    assert!(read(json!({"credential": {"kind": "cli"}, "clouds": {}})).is_err());
}

/// Two credentials take their bearings from the environment, which a test must not change for the others: it runs once more,
/// as a process of its own.
fn in_environment(test: &str, variables: &[(&str, &str)]) {
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again
        .args(["--exact", test, "--nocapture"])
        .env("NETGHOST_TEST_INSIDE", "1");
    let output = again.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_inside() -> bool {
    std::env::var_os("NETGHOST_TEST_INSIDE").is_some()
}

/// Reads a NIC with this credential, and gives the token that was sent.
async fn token_sent(credential: CredentialSettings) -> String {
    let play = Play::of(vec![Says::json(200, json!({"name": "web-nic"}))]).await;
    let arm = Build::new(play.cloud()).with_credential(credential).unwrap();
    arm.within(TIME).nic(&nic()).await.unwrap();
    play.came()[0].header("authorization").unwrap().to_owned()
}

#[tokio::test]
async fn a_managed_identity_is_asked_at_its_endpoint() {
    if is_inside() {
        let credential = CredentialSettings::ManagedIdentity {
            client_id: None,
            object_id: None,
            resource_id: None,
        };
        assert_eq!(token_sent(credential).await, "Bearer of-the-machine");
        return;
    }
    let token = json!({"access_token": "of-the-machine", "expires_on": "4102444800", "token_type": "Bearer", "resource": "x"});
    let machine = Play::of(vec![Says::json(200, token)]).await;
    let endpoint = format!("{}/msi/token", machine.base);
    let test = "login::a_managed_identity_is_asked_at_its_endpoint";
    // A proxy that the environment names is not asked: the endpoint is the machine's own.
    let variables = [
        ("IDENTITY_ENDPOINT", endpoint),
        ("IDENTITY_HEADER", "h".to_owned()),
        ("HTTP_PROXY", "http://127.0.0.1:9".to_owned()),
        ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
    ];
    let run = tokio::task::spawn_blocking(move || {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        in_environment(test, &variables);
    });
    run.await.unwrap();
    assert!(
        machine.came()[0].path.contains("resource=http%3A%2F%2F127.0.0.1"),
        "{}",
        machine.came()[0].path
    );
}

#[tokio::test]
async fn the_login_of_az_serves() {
    if is_inside() {
        let credential = CredentialSettings::Cli {
            tenant_id: None,
            subscription: None,
        };
        assert_eq!(token_sent(credential).await, "Bearer of-the-person");
        return;
    }
    let trust = Trust::new("az");
    let az = "#!/bin/sh\necho '{\"accessToken\": \"of-the-person\", \"expires_on\": 4102444800, \"tokenType\": \"Bearer\"}'\n";
    std::fs::write(trust.file("az"), az).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(trust.file("az"), executable).unwrap();
    let path = format!("{}:/usr/bin:/bin", trust.folder.display());
    in_environment("login::the_login_of_az_serves", &[("PATH", &path)]);
}
