//! Commands on a store.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use netghost_controller::config::Config;
use netghost_core::artifact::key::Signer;

use super::super::local;
use super::*;

/// A configuration for a state directory below.
fn configure(directory: &Temporary, more: &str) -> PathBuf {
    let path = directory.join("controller.toml");
    let state = directory.join("state").display().to_string();
    fs::write(
        &path,
        format!("directory = \"{state}\"\nlisten = \"127.0.0.1:7443\"\n{more}"),
    )
    .unwrap();
    path
}

fn code(result: Result<Answer, Failure>) -> (u8, String) {
    let failure = result.unwrap_err();
    (failure.status, format!("{:#}", failure.into_error()))
}

/// Runs SQL on the store behind the controller's back.
fn edit(config: &Path, sql: &'static str) {
    let config = Config::read(config).unwrap();
    local::block_on(async {
        let store = local::store(&config).await?;
        sqlx::query(sql).execute(store.pool()).await.unwrap();
        store.pool().close().await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_controller_is_founded_once() {
    let directory = Temporary::new("init");
    let config = configure(&directory, "");
    let (status, why) = code(run(&config, "user list"));
    assert!(status == 4 && why.contains("netghost-controller init"), "{why}");
    let answer = run(&config, "init --name vm1.example.org --domain example.org").unwrap();
    assert_eq!(answer.document["domain"], "example.org");
    let state = directory.join("state");
    for (path, mode) in [
        ("", 0o700),
        ("pki/ca.key", 0o600),
        ("keys", 0o700),
        ("keys/signing.pem", 0o600),
    ] {
        let found = fs::metadata(state.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    let key = fs::read(state.join("keys/signing.pem")).unwrap();
    assert_eq!(code(run(&config, "init")).0, 2);
    assert_eq!(fs::read(state.join("keys/signing.pem")).unwrap(), key);
}

#[test]
fn users_are_let_in_and_out() {
    let directory = Temporary::new("user");
    let config = configure(&directory, "");
    run(&config, "init").unwrap();
    let answer = run(&config, "user add ada --role admin").unwrap();
    let token = netghost_core::fleet::Token::parse(&answer.text).unwrap();
    assert_eq!(answer.text.lines().count(), 1);
    assert!(!answer.next.unwrap().contains(&answer.text[..20]));
    assert_eq!(code(run(&config, "user revoke eve --reason x")).0, 2);
    run(&config, "user revoke ada --reason left").unwrap();
    let good = run(&config, "audit verify").unwrap();
    assert_eq!(
        (good.status, &good.document["verdict"]),
        (0, &Value::from("good"))
    );
    // What identifies the token is written down, what proves it is not.
    let rows = fs::read(directory.join("state").join("netghost.db")).unwrap();
    let has = |needle: &str| {
        rows.windows(needle.len())
            .any(|window| window == needle.as_bytes())
    };
    assert!(has(&token.id.to_string()));
    assert!(!has(&netghost_core::bytes::to_hex(&token.secret.0)));
}

#[test]
fn an_edited_audit_log_is_found_and_nothing_is_served_from_it() {
    let directory = Temporary::new("audit");
    let config = configure(&directory, "[http]\nlisten = \"127.0.0.1:0\"\n");
    run(&config, "init").unwrap();
    run(&config, "user add ada --role admin").unwrap();
    for (edited, back) in [
        (
            "UPDATE audit_records SET record = CAST(replace(CAST(record AS TEXT), 'admin', 'nimda') AS BLOB)",
            "UPDATE audit_records SET record = CAST(replace(CAST(record AS TEXT), 'nimda', 'admin') AS BLOB)",
        ),
        (
            "UPDATE audit_records SET sequence = -1 WHERE sequence = 1",
            "UPDATE audit_records SET sequence = 1 WHERE sequence = -1",
        ),
        (
            "UPDATE audit_records SET sequence = 100 WHERE sequence = (SELECT MAX(sequence) FROM audit_records)",
            "UPDATE audit_records SET sequence = (SELECT sequence FROM audit_tail) WHERE sequence = 100",
        ),
        (
            "UPDATE audit_tail SET sequence = sequence - 1",
            "UPDATE audit_tail SET sequence = sequence + 1",
        ),
    ] {
        edit(&config, edited);
        let bad = run(&config, "audit verify").unwrap();
        assert_eq!(
            (bad.status, &bad.document["verdict"]),
            (1, &Value::from("bad")),
            "{edited}"
        );
        let (status, why) = code(run(&config, "serve"));
        assert!(status == 4 && why.contains("restore a backup"), "{edited}: {why}");
        edit(&config, back);
        assert_eq!(run(&config, "audit verify").unwrap().status, 0, "{back}");
    }
}

#[test]
fn a_backup_comes_back_and_an_edited_one_does_not() {
    let directory = Temporary::new("backup");
    let config = configure(&directory, "");
    run(&config, "init").unwrap();
    run(&config, "user add ada --role admin").unwrap();
    let backup = directory.join("backup");
    run(&config, &format!("backup {}", backup.display())).unwrap();
    assert_eq!(code(run(&config, &format!("backup {}", backup.display()))).0, 2);
    let restore = format!("restore {}", backup.display());
    let (status, why) = code(run(&config, &restore));
    assert!(
        status == 2 && why.contains("ever overwritten"),
        "a store that is there: {why}"
    );
    fs::rename(directory.join("state"), directory.join("old")).unwrap();
    for file in [
        "netghost.db",
        "pki/ca.pem",
        "keys/signing.pem",
        "backup.json",
        "SHA256SUMS",
    ] {
        let path = backup.join(file);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(code(run(&config, &restore)).0, 4, "{file}");
        assert!(!directory.join("state").join("pki").exists(), "{file}");
        fs::write(&path, whole).unwrap();
    }
    run(&config, &restore).unwrap();
    assert_eq!(run(&config, "audit verify").unwrap().status, 0);
    let left: Vec<_> = fs::read_dir(directory.join("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().starts_with('.')),
        "{left:?}"
    );
    run(&config, "user add ben --role viewer").unwrap();
}

#[test]
fn a_rotated_key_leaves_the_old_one_published() {
    let directory = Temporary::new("key");
    let config = configure(&directory, "");
    run(&config, "init").unwrap();
    let path = directory.join("state").join("keys/signing.pem");
    let old = fs::read(&path).unwrap();
    let new = run(&config, "key rotate").unwrap().document["keyid"].clone();
    assert_ne!(fs::read(&path).unwrap(), old);
    let config = Config::read(&config).unwrap();
    let published = local::block_on(async {
        let store = local::store(&config).await?;
        let keys = netghost_controller::keys::published(&store).await.unwrap();
        store.pool().close().await;
        Ok(keys)
    })
    .unwrap();
    assert_eq!(published.len(), 2);
    assert!(published.iter().any(|key| new == key.key.id().to_string()));
}

#[test]
fn a_key_is_trusted_and_written_down() {
    let directory = Temporary::new("trust");
    let config = configure(&directory, "");
    let other = Signer::from_seed(&[5; 32]).unwrap();
    let (public, private) = (directory.join("key.pem"), directory.join("private.pem"));
    fs::write(&public, other.public().to_pem().unwrap()).unwrap();
    fs::write(&private, other.to_pem().unwrap().as_bytes()).unwrap();
    let line = |path: &Path| format!("key trust {}", path.display());
    assert_eq!(code(run(&config, &line(&public))).0, 4, "there is no controller");
    run(&config, "init").unwrap();
    for path in [directory.join("missing.pem"), private, config.clone()] {
        let (status, why) = code(run(&config, &line(&path)));
        assert!(status == 2 && why.contains(&path.display().to_string()), "{why}");
    }
    // A second time is no error, and no second record.
    for _ in 0..2 {
        let answer = run(&config, &line(&public)).unwrap();
        assert_eq!(answer.document["keyid"], other.public().id().to_string());
    }
    let rows = |sql: &'static str| {
        let config = Config::read(&config).unwrap();
        local::block_on(async {
            let store = local::store(&config).await?;
            let rows = sqlx::query(sql).fetch_all(store.pool()).await.unwrap();
            store.pool().close().await;
            Ok(rows.len())
        })
        .unwrap()
    };
    assert_eq!(
        rows("SELECT name FROM settings WHERE name LIKE 'trusted_key/%'"),
        1
    );
    let records = "SELECT sequence FROM audit_records WHERE CAST(record AS TEXT) LIKE '%\"key.trust\"%'";
    assert_eq!(rows(records), 1);
    assert_eq!(run(&config, "audit verify").unwrap().status, 0);
}

#[test]
fn a_configuration_is_checked_without_changing_anything() {
    let directory = Temporary::new("check");
    let config = configure(&directory, "");
    let refused = |wanted: &str| {
        let (status, why) = code(run(&config, "serve --check-config"));
        assert!(status == 2 && why.contains(wanted), "{why}");
    };
    refused("netghost-controller init");
    assert!(!directory.join("state").exists());
    run(&config, "init").unwrap();
    run(&config, "serve --check-config").unwrap();
    let key = directory.join("state").join("keys/signing.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    refused("open to others");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    configure(&directory, "lisen = 1\n");
    refused("unknown field `lisen`");
    configure(&directory, "[http]\nlisten = \"192.0.2.1:9464\"\n");
    refused("192.0.2.1 is not an address of this host");
    configure(&directory, "[http]\nlisten = \"127.0.0.1:7443\"\n");
    refused("name two ports");
    let missing = directory.join("missing.toml");
    assert_eq!(code(run(&missing, "serve --check-config")).0, 2);
}
