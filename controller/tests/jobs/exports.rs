//! A baseline goes from one controller to another, whole or not at all.

use std::process::Command;
use std::sync::Arc;

use netghost_controller::jobs::trust;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_proto::v1;
use tonic::{Code, Status};

use crate::place::{Place, Process, all, baseline, drift};
use crate::reach::{Script, Scripted};

pub(crate) type Files = Vec<(String, Vec<u8>)>;

pub(crate) async fn exported(process: &Process) -> Files {
    let show = v1::ShowBaselineRequest {
        name: "golden".to_owned(),
    };
    let mut stream = process
        .client
        .clone()
        .export_baseline(show)
        .await
        .unwrap()
        .into_inner();
    let mut files = Files::new();
    while let Some(chunk) = stream.message().await.unwrap() {
        if !chunk.path.is_empty() {
            files.push((chunk.path.clone(), Vec::new()));
        }
        files.last_mut().unwrap().1.extend_from_slice(&chunk.bytes);
    }
    files
}

pub(crate) async fn import(process: &Process, files: Files) -> Result<v1::Baseline, Status> {
    let chunks = files.into_iter().flat_map(|(path, bytes)| {
        // In two pieces, as a long one comes.
        let half = bytes.len() / 2;
        let (one, other) = bytes.split_at(half);
        let last = |path: String, bytes: &[u8], last| v1::ExportedFile {
            path,
            bytes: bytes.to_vec().into(),
            last,
        };
        if half == 0 {
            return vec![last(path, &bytes, true)];
        }
        vec![last(path, one, false), last(String::new(), other, true)]
    });
    let stream = futures_util::stream::iter(chunks.collect::<Vec<_>>());
    Ok(process.client.clone().import_baseline(stream).await?.into_inner())
}

async fn source(place: &Place) -> Process {
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(3).await;
    process.script(2, Script::Port(23));
    process.script(3, Script::Refuses);
    process.run(baseline("golden", all())).await;
    process
}

/// A controller that trusts the key of another, and has agents of the same names.
async fn sink(place: &Place, from: &Process) -> Process {
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    for number in 1..=3_u8 {
        sqlx::query("INSERT INTO identities (id, kind, name, enrolled_at_us) VALUES ($1, 'agent', $2, 1)")
            .bind(crate::place::agent(100 + number).to_string())
            .bind(format!("vm{number}"))
            .execute(process.controller.store.pool())
            .await
            .unwrap();
    }
    let key = from.controller.signer.public().clone();
    trust(&process.controller.store, 1, "user/ada", &key)
        .await
        .unwrap();
    process
}

fn sums(files: &Files) -> String {
    files[1..]
        .iter()
        .map(|(path, bytes)| format!("{}  {path}\n", Digest::of(bytes)))
        .collect()
}

#[tokio::test]
async fn an_export_is_a_directory_that_sha256sum_checks() {
    let place = Place::new();
    let process = source(&place).await;
    let files = exported(&process).await;
    let directory = place.path.join("export");
    for (path, bytes) in &files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(files[0].0, "SHA256SUMS");
    assert_eq!(
        String::from_utf8(files[0].1.clone()).unwrap(),
        sums(&files),
        "the files follow in its order"
    );
    let paths: Vec<_> = files[1..6].iter().map(|(path, _)| path.as_str()).collect();
    let wanted = [
        "baseline.json",
        "seal.dsse.json",
        "key.pub.pem",
        "manifests/vm1.json",
        "manifests/vm2.json",
    ];
    assert_eq!(paths, wanted);
    assert!(
        files[6..]
            .iter()
            .all(|(path, _)| path.starts_with("objects/sha256/"))
    );
    let key = PublicKey::from_pem(std::str::from_utf8(&files[3].1).unwrap()).unwrap();
    assert_eq!(&key, process.controller.signer.public());
}

#[tokio::test]
async fn what_is_imported_is_what_was_exported() {
    let (here, there) = (Place::new(), Place::new());
    let process = source(&here).await;
    let other = sink(&there, &process).await;
    let files = exported(&process).await;
    let imported = import(&other, files.clone()).await.unwrap();
    let show = v1::ShowBaselineRequest {
        name: "golden".to_owned(),
    };
    let shown = process
        .client
        .clone()
        .show_baseline(show)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(imported, shown);
    assert_eq!(exported(&other).await, files, "byte for byte");
    assert_eq!(
        import(&other, files).await.unwrap_err().code(),
        Code::AlreadyExists
    );

    other.reach.set(crate::place::agent(102), Script::Port(23));
    let job = other.run(drift("golden", all())).await;
    let verdicts: Vec<_> = job.targets.iter().map(|target| target.verdict.as_str()).collect();
    assert_eq!(
        verdicts,
        ["no_drift", "no_drift", "unknown"],
        "members are found by name: their ids are another fleet's"
    );
    assert_eq!(other.audited("baseline.import", "done").await, 1);
    assert_eq!(other.audited("baseline.import", "denied").await, 1);
}

#[tokio::test]
async fn a_seal_by_an_unknown_key_is_refused_with_its_id() {
    let (here, there) = (Place::new(), Place::new());
    let process = source(&here).await;
    let other = Process::start(&there.path, Arc::new(Scripted::default())).await;
    let status = import(&other, exported(&process).await).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let key = process.controller.signer.public().id().to_string();
    assert!(status.message().contains(&key), "{status}");
}

#[tokio::test]
async fn every_edit_of_every_file_is_refused() {
    let (here, there) = (Place::new(), Place::new());
    let process = source(&here).await;
    let other = sink(&there, &process).await;
    let files = exported(&process).await;
    let refuse = async |files: Files, what: &str| {
        let status = import(&other, files).await.expect_err(what);
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
    };
    for index in 0..files.len() {
        let path = files[index].0.clone();
        // With and without the list following the edit: then the digests within have to tell.
        for follows in [false, true] {
            let mut edited = files.clone();
            let middle = edited[index].1.len() / 2;
            edited[index].1[middle] ^= 1;
            if follows && index > 0 {
                edited[0].1 = sums(&edited).into_bytes();
            }
            refuse(edited, &format!("{path} edited, {follows}")).await;
            let mut less = files.clone();
            less.remove(index);
            if follows && index > 0 {
                less[0].1 = sums(&less).into_bytes();
            }
            refuse(less, &format!("{path} removed, {follows}")).await;
        }
        let mut cut = files.clone();
        cut[index].1.pop();
        refuse(cut, &format!("{path} cut")).await;
        let mut renamed = files.clone();
        renamed[index].0 = format!("../{path}");
        refuse(renamed, &format!("{path} elsewhere")).await;
    }
    let mut more = files.clone();
    more.push(("baseline.json".to_owned(), b"{}".to_vec()));
    refuse(more, "something follows").await;
    let object = Digest::of(b"more").to_string();
    let mut extra = files.clone();
    extra.push((
        format!("objects/sha256/{}/{}", &object[..2], &object[2..]),
        b"more".to_vec(),
    ));
    extra[1..].sort_by_key(|(path, _)| netghost_core::job::export::File::parse(path));
    extra[0].1 = sums(&extra).into_bytes();
    refuse(extra, "an object that no manifest names").await;
    refuse(Files::new(), "nothing").await;
    let listed = other
        .client
        .clone()
        .list_baselines(v1::ListBaselinesRequest {})
        .await
        .unwrap();
    assert!(
        listed.into_inner().baselines.is_empty(),
        "nothing of it has a name"
    );
    assert!(import(&other, files).await.is_ok(), "and the whole one is taken");
}

#[tokio::test]
async fn a_damaged_baseline_is_not_exported() {
    let place = Place::new();
    let process = source(&place).await;
    let files = exported(&process).await;
    std::fs::remove_file(place.path.join(&files.last().unwrap().0)).unwrap();
    let show = || v1::ShowBaselineRequest {
        name: "golden".to_owned(),
    };
    let mut stream = process
        .client
        .clone()
        .export_baseline(show())
        .await
        .unwrap()
        .into_inner();
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::DataLoss);
    sqlx::query("UPDATE baselines SET created_by = 'eve'")
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    let status = process.client.clone().export_baseline(show()).await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss);
}
