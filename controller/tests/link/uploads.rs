//! Uploads: resumed, bounded, and checked before anything has a final name.

use std::time::{Duration, SystemTime};

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{self, Meta};
use netghost_core::snapshot::Target;
use netghost_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::harness::{Site, command, says, timings, until, within};
use crate::snapshots::{chunks, deliver, missing, send, snapshot, start, stored};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn only_what_is_not_stored_is_missing() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![1; 300 * 1024];
    let digest = Digest::of(&bytes);
    assert_eq!(missing(&mut client, &digest).await, Some(0));
    assert_eq!(
        send(&mut client, start(&bytes, None), &bytes).await.unwrap(),
        300 * 1024
    );
    assert_eq!(missing(&mut client, &digest).await, None);
    assert_eq!(site.files("objects").len(), 1);
    assert_eq!(site.files("uploads"), Vec::<String>::new());
    // Equal content is stored once: a second upload is answered at its first chunk.
    let first = chunks(start(&bytes, None), &bytes, 1024).remove(0);
    let (say, said) = mpsc::channel(1);
    say.send(first).await.unwrap();
    let reply = within(client.upload(ReceiverStream::new(said))).await.unwrap();
    assert_eq!(reply.into_inner().stored, 300 * 1024);
    assert_eq!(site.files("objects").len(), 1);

    let request = |count: u16| v1::MissingRequest {
        digests: (0..count)
            .map(|at| Digest::of(&at.to_be_bytes()).as_bytes().to_vec().into())
            .collect(),
    };
    let reply = client.missing(request(400)).await.unwrap().into_inner();
    assert_eq!(reply.missing.len(), 400);
    says(
        &client.missing(request(401)).await.unwrap_err(),
        Code::InvalidArgument,
        "400",
    );
    let short = v1::MissingRequest {
        digests: vec![vec![1; 31].into()],
    };
    says(
        &client.missing(short).await.unwrap_err(),
        Code::InvalidArgument,
        "digests",
    );
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_arrives() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let huge = v1::UploadStart {
        size: 200_000_000,
        ..start(b"x", None)
    };
    says(
        &send(&mut client, huge, b"x").await.unwrap_err(),
        Code::ResourceExhausted,
        "200000000",
    );
    let manifest = v1::UploadStart {
        size: 5_000_000,
        ..start(b"x", Some(command(1)))
    };
    says(
        &send(&mut client, manifest, b"x").await.unwrap_err(),
        Code::ResourceExhausted,
        "manifest",
    );
    let empty = v1::UploadStart {
        size: 0,
        ..start(b"", None)
    };
    says(
        &send(&mut client, empty, b"").await.unwrap_err(),
        Code::InvalidArgument,
        "one byte",
    );
    let behind = v1::UploadStart {
        offset: 2,
        ..start(b"x", None)
    };
    says(
        &send(&mut client, behind, b"x").await.unwrap_err(),
        Code::InvalidArgument,
        "offset",
    );
    let nothing = client.upload(tokio_stream::iter([])).await.unwrap_err();
    says(&nothing, Code::InvalidArgument, "start");
    let unsaid = v1::UploadChunk {
        start: None,
        bytes: vec![1].into(),
    };
    let unsaid = client.upload(tokio_stream::iter([unsaid])).await.unwrap_err();
    says(&unsaid, Code::InvalidArgument, "start");
    assert_eq!(site.files("uploads"), Vec::<String>::new());
}

#[tokio::test]
async fn two_hundred_megabytes_under_a_small_name_end_early() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![0; 256 * 1024];
    let first = v1::UploadStart {
        size: MIB as u64,
        ..start(&bytes, None)
    };
    let garbage = (0..800).map(move |at| v1::UploadChunk {
        start: (at == 0).then(|| first.clone()),
        bytes: bytes.clone().into(),
    });
    let status = within(client.upload(tokio_stream::iter(garbage)))
        .await
        .unwrap_err();
    says(&status, Code::InvalidArgument, "declared");
    assert_eq!(site.files("uploads"), Vec::<String>::new());
    assert_eq!(site.files("objects"), Vec::<String>::new());
    assert_eq!(site.audited("upload.refuse").await, 1);
}

#[tokio::test]
async fn a_chunk_is_bounded() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    for length in [256 * 1024 + 1, 257 * 1024, MIB] {
        let mut client = site.connect(&vm1).await;
        let bytes = vec![2; length];
        let whole = chunks(start(&bytes, None), &bytes, length);
        let status = within(client.upload(tokio_stream::iter(whole)))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{length} {status:?}");
    }
    assert_eq!(site.files("uploads"), Vec::<String>::new());
}

#[tokio::test]
async fn bytes_of_another_digest_are_thrown_away() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let status = send(&mut client, start(b"what it says", None), b"what it sent")
        .await
        .unwrap_err();
    says(&status, Code::DataLoss, "begin anew");
    assert_eq!(site.files("uploads"), Vec::<String>::new());
    assert_eq!(site.files("objects"), Vec::<String>::new());
    assert_eq!(site.audited("upload.refuse").await, 1);
    assert_eq!(missing(&mut client, &Digest::of(b"what it says")).await, Some(0));
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_was_cut() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let bytes: Vec<u8> = (0..3 * MIB).map(|at| (at % 251) as u8).collect();
    let digest = Digest::of(&bytes);
    let mut client = site.connect(&vm1).await;
    let (say, said) = mpsc::channel(1);
    let cut = tokio::spawn(async move { client.upload(ReceiverStream::new(said)).await });
    for chunk in chunks(start(&bytes, None), &bytes[..2 * MIB], 128 * 1024) {
        say.send(chunk).await.unwrap();
    }
    let mut client = site.connect(&vm1).await;
    loop {
        if missing(&mut client, &digest).await == Some(2 * MIB as u64) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cut.abort();
    drop(say);
    // From another place than where it was cut nothing is taken, and the answer says from where.
    for offset in [0, MIB as u64] {
        let elsewhere = v1::UploadStart {
            offset,
            ..start(&bytes, None)
        };
        let status = send(&mut client, elsewhere, &bytes).await.unwrap_err();
        says(&status, Code::Aborted, "offset 2097152");
    }
    let rest = v1::UploadStart {
        offset: 2 * MIB as u64,
        ..start(&bytes, None)
    };
    assert_eq!(
        send(&mut client, rest, &bytes[2 * MIB..]).await.unwrap(),
        3 * MIB as u64
    );
    assert_eq!(site.controller.store.get_object(&digest).await.unwrap(), bytes);
    assert_eq!(site.files("uploads"), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_ends_early_tells_how_much_is_there() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![5; 1000];
    assert_eq!(
        send(&mut client, start(&bytes, None), &bytes[..400])
            .await
            .unwrap(),
        400
    );
    assert_eq!(missing(&mut client, &Digest::of(&bytes)).await, Some(400));
    // Another identity's part is its own.
    let vm2 = site.agent("vm2").await;
    let mut other = site.connect(&vm2).await;
    assert_eq!(missing(&mut other, &Digest::of(&bytes)).await, Some(0));
}

#[tokio::test]
async fn a_silent_upload_is_ended_and_kept() {
    let mut short = timings();
    short.chunk = Duration::from_millis(200);
    let site = Site::with(short).await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![5; 1000];
    let (say, said) = mpsc::channel(1);
    say.send(chunks(start(&bytes, None), &bytes[..400], 400).remove(0))
        .await
        .unwrap();
    let status = within(client.upload(ReceiverStream::new(said)))
        .await
        .unwrap_err();
    says(&status, Code::DeadlineExceeded, "no chunk");
    assert_eq!(missing(&mut client, &Digest::of(&bytes)).await, Some(400));
}

#[tokio::test]
async fn two_uploads_of_one_object_do_not_mix() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let bytes: Vec<u8> = (0..MIB).map(|at| (at % 253) as u8).collect();
    let mut client = site.connect(&vm1).await;
    let (say, said) = mpsc::channel(1);
    let first = tokio::spawn(async move { client.upload(ReceiverStream::new(said)).await });
    let half = chunks(start(&bytes, None), &bytes[..MIB / 2], MIB / 8);
    for chunk in half {
        say.send(chunk).await.unwrap();
    }
    let mut client = site.connect(&vm1).await;
    let digest = Digest::of(&bytes);
    loop {
        if missing(&mut client, &digest).await == Some(MIB as u64 / 2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rest = v1::UploadStart {
        offset: MIB as u64 / 2,
        ..start(&bytes, None)
    };
    assert_eq!(
        send(&mut client, rest, &bytes[MIB / 2..]).await.unwrap(),
        MIB as u64
    );
    says(
        &within(first).await.unwrap().unwrap_err(),
        Code::Aborted,
        "another upload",
    );
    assert_eq!(site.controller.store.get_object(&digest).await.unwrap(), bytes);
}

#[tokio::test]
async fn of_a_crowd_that_sends_the_same_someone_gets_through() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![9; MIB];
    let mut crowd = Vec::new();
    for _ in 0..8 {
        let mut client = site.connect(&vm1).await;
        let bytes = bytes.clone();
        crowd.push(tokio::spawn(async move {
            send(&mut client, start(&bytes, None), &bytes).await
        }));
    }
    for one in crowd {
        if let Err(status) = within(one).await.unwrap() {
            assert_eq!(status.code(), Code::Aborted, "{status:?}");
        }
    }
    let left = missing(&mut client, &Digest::of(&bytes)).await;
    if let Some(offset) = left {
        let rest = v1::UploadStart {
            offset,
            ..start(&bytes, None)
        };
        let from = usize::try_from(offset).unwrap();
        assert_eq!(send(&mut client, rest, &bytes[from..]).await.unwrap(), MIB as u64);
    }
    assert_eq!(
        site.controller
            .store
            .get_object(&Digest::of(&bytes))
            .await
            .unwrap(),
        bytes
    );
}

#[tokio::test]
async fn a_revocation_ends_an_upload() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    let bytes = vec![5; 1000];
    let (say, said) = mpsc::channel(1);
    say.send(chunks(start(&bytes, None), &bytes[..400], 400).remove(0))
        .await
        .unwrap();
    let running = tokio::spawn(async move { client.upload(ReceiverStream::new(said)).await });
    until(async || !site.files("uploads").is_empty()).await;
    site.controller.links.revoke(vm1.id, "it was stolen");
    let status = within(running).await.unwrap().unwrap_err();
    says(&status, Code::PermissionDenied, "stolen");
}

#[tokio::test]
async fn a_manifest_comes_after_its_objects() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let stored = stored(1);
    let bytes = &stored.manifest_bytes;
    let status = send(&mut agent.client, start(bytes, Some(command(1))), bytes)
        .await
        .unwrap_err();
    says(&status, Code::FailedPrecondition, "was not given");
    let _ordered = site.order(vm1.id, command(1), Duration::from_secs(60));
    agent.command().await;
    let status = send(&mut agent.client, start(bytes, Some(command(1))), bytes)
        .await
        .unwrap_err();
    says(
        &status,
        Code::FailedPrecondition,
        "2 objects of the manifest are missing",
    );
    for (digest, _) in &stored.objects {
        assert!(status.message().contains(&digest.to_string()), "{status:?}");
    }
    assert_eq!(site.files("objects"), Vec::<String>::new());
    assert_eq!(site.files("uploads"), Vec::<String>::new());
    deliver(&mut agent.client, &stored, command(1)).await.unwrap();
    // Sent twice it is the same, since its reply can be lost.
    deliver(&mut agent.client, &stored, command(1)).await.unwrap();
    assert_eq!(site.audited("snapshot.store").await, 1);
    assert_eq!(site.files("objects").len(), 3);
}

/// The controller was killed after the manifest's bytes were stored, and before it was taken: both the object and what had
/// arrived are there, and the agent is told that the object is not missing.
#[tokio::test]
async fn a_manifest_whose_taking_was_cut_off_is_taken_when_it_comes_again() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let _ordered = site.order(vm1.id, command(1), Duration::from_secs(60));
    agent.command().await;
    let stored = stored(1);
    let store = &site.controller.store;
    for (_, bytes) in &stored.objects {
        send(&mut agent.client, start(bytes, None), bytes).await.unwrap();
    }
    let digest = Digest::of(&stored.manifest_bytes);
    store.put_object(stored.manifest_bytes.clone()).await.unwrap();
    std::fs::write(store.partial_path(vm1.id, &digest), &stored.manifest_bytes).unwrap();
    assert_eq!(missing(&mut agent.client, &digest).await, None);
    deliver(&mut agent.client, &stored, command(1)).await.unwrap();
    assert_eq!(site.audited("snapshot.store").await, 1);
    assert_eq!(site.files("uploads"), Vec::<String>::new());
}

#[tokio::test]
async fn a_manifest_is_taken_only_whole() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let _ordered = site.order(vm1.id, command(1), Duration::from_secs(60));
    agent.command().await;
    let good = stored(1);
    for (_, bytes) in &good.objects {
        send(&mut agent.client, start(bytes, None), bytes).await.unwrap();
    }
    let text = String::from_utf8(good.manifest_bytes.clone()).unwrap();
    let mut file = snapshot(2);
    file.target = Target::File { name: "f".into() };
    let file = manifest::store(&file, &Meta::default()).unwrap();
    let swapped = {
        let [(first, _), (second, _)] = &good.objects[..] else {
            panic!("two objects");
        };
        let (first, second) = (first.to_string(), second.to_string());
        text.replace(&first, "?")
            .replace(&second, &first)
            .replace('?', &second)
    };
    for (what, bytes, words) in [
        ("not JSON", b"garbage".to_vec(), "netghost.manifest/v1"),
        (
            "with a space",
            text.replacen(':', ": ", 1).into_bytes(),
            "unedited",
        ),
        (
            "of another schema",
            text.replace("manifest/v1", "manifest/v9").into_bytes(),
            "v9",
        ),
        ("of a file", file.manifest_bytes.clone(), "not of a host"),
        ("with objects of another form", swapped.into_bytes(), "section tc"),
    ] {
        let status = send(&mut agent.client, start(&bytes, Some(command(1))), &bytes)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
        assert!(status.message().contains(words), "{what}: {status:?}");
        assert_eq!(site.files("uploads"), Vec::<String>::new(), "{what}");
        assert_eq!(site.files("objects").len(), 2, "{what}");
    }
    assert_eq!(site.audited("snapshot.store").await, 0);
    // An object that was edited in the store is no reading of anything.
    let damaged = site
        .store()
        .join("objects")
        .join(netghost_controller::store::objects::path(&good.objects[0].0).as_ref());
    std::fs::write(damaged, "edited").unwrap();
    let bytes = &good.manifest_bytes;
    let status = send(&mut agent.client, start(bytes, Some(command(1))), bytes)
        .await
        .unwrap_err();
    says(&status, Code::DataLoss, "restore");
    assert_eq!(site.audited("snapshot.store").await, 0);
}

#[tokio::test]
async fn what_nobody_goes_on_with_gives_way() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let directory = site.store().join("uploads");
    std::fs::create_dir_all(&directory).unwrap();
    let now = SystemTime::now();
    let partial = |number: u64, age: u64| {
        let digest = Digest::of(&number.to_be_bytes());
        let file = std::fs::File::create(directory.join(format!("{}-{digest}", vm1.id))).unwrap();
        // A sparse file: no byte of it is on the disk.
        file.set_len(60 * MIB as u64).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
        digest
    };
    let forgotten = partial(1, 2 * 86400);
    let (oldest, older, younger, youngest) =
        (partial(2, 400), partial(3, 300), partial(4, 200), partial(5, 100));
    let mut client = site.connect(&vm1).await;
    assert_eq!(missing(&mut client, &forgotten).await, Some(0));
    assert_eq!(missing(&mut client, &oldest).await, Some(60 * MIB as u64));
    // 64 MiB are declared: with those that are left they would pass 256.
    let large = v1::UploadStart {
        size: 64 * MIB as u64,
        ..start(b"large", None)
    };
    assert_eq!(send(&mut client, large, b"large").await.unwrap(), 5);
    assert_eq!(missing(&mut client, &oldest).await, Some(0));
    for kept in [older, younger, youngest] {
        assert_eq!(missing(&mut client, &kept).await, Some(60 * MIB as u64));
    }
}

#[tokio::test]
async fn what_is_on_its_way_at_once_is_bounded() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut running = Vec::new();
    for number in 0..4_u8 {
        let mut client = site.connect(&vm1).await;
        let (say, said) = mpsc::channel(1);
        let first = v1::UploadStart {
            size: 64 * MIB as u64,
            ..start(&[number], None)
        };
        say.send(chunks(first, &[number], 1).remove(0)).await.unwrap();
        running.push((
            say,
            tokio::spawn(async move { client.upload(ReceiverStream::new(said)).await }),
        ));
    }
    until(async || site.files("uploads").len() == 4).await;
    let mut client = site.connect(&vm1).await;
    let status = send(&mut client, start(b"more", None), b"more")
        .await
        .unwrap_err();
    says(&status, Code::ResourceExhausted, "on their way");
    drop(running);
}

#[tokio::test]
async fn without_a_command_that_has_not_ended_nothing_is_taken() {
    let site = Site::new().await;
    let vm1 = site.idle("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let bytes = vec![1; 1000];
    let status = send(&mut agent.client, start(&bytes, None), &bytes)
        .await
        .unwrap_err();
    says(&status, Code::FailedPrecondition, "no command");
    assert_eq!(site.files("objects"), Vec::<String>::new());
    assert_eq!(site.files("uploads"), Vec::<String>::new());

    let ordered = site.order(vm1.id, command(1), Duration::from_secs(60));
    agent.command().await;
    let taken = stored(1);
    deliver(&mut agent.client, &taken, command(1)).await.unwrap();
    agent
        .captured(command(1), &Digest::of(&taken.manifest_bytes))
        .await;
    ordered.outcome().await.unwrap();
    // It has ended: what was taken is the same if it is sent again, and nothing new is.
    deliver(&mut agent.client, &taken, command(1)).await.unwrap();
    let status = send(&mut agent.client, start(&bytes, None), &bytes)
        .await
        .unwrap_err();
    says(&status, Code::FailedPrecondition, "no command");
    let other = stored(2).manifest_bytes;
    let status = send(&mut agent.client, start(&other, Some(command(1))), &other)
        .await
        .unwrap_err();
    says(&status, Code::FailedPrecondition, "has ended");
    assert_eq!(site.audited("snapshot.store").await, 1);
    assert_eq!(site.files("objects").len(), 3);
}

#[tokio::test]
async fn an_outcome_in_the_store_ends_the_command_of_a_running_job() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    send(&mut client, start(b"one", None), b"one").await.unwrap();
    sqlx::query("INSERT INTO commands (id, identity, at_us) SELECT command, identity, 3 FROM job_targets")
        .execute(site.controller.store.pool())
        .await
        .unwrap();
    let status = send(&mut client, start(b"two", None), b"two").await.unwrap_err();
    says(&status, Code::FailedPrecondition, "no command");
}

#[tokio::test]
async fn what_a_command_may_bring_is_bounded() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    // What is stored counts; what was refused, or has arrived in part, does not.
    send(&mut client, start(b"kept", None), b"kept").await.unwrap();
    let large = |number: u8| v1::UploadStart {
        size: 64 * MIB as u64,
        ..start(&[number], None)
    };
    assert_eq!(send(&mut client, large(9), &[9]).await.unwrap(), 1);
    let mut running = Vec::new();
    for number in 0..3_u8 {
        let mut client = site.connect(&vm1).await;
        let (say, said) = mpsc::channel(1);
        say.send(chunks(large(number), &[number], 1).remove(0))
            .await
            .unwrap();
        running.push((
            say,
            tokio::spawn(async move { client.upload(ReceiverStream::new(said)).await }),
        ));
    }
    until(async || site.files("uploads").len() == 4).await;
    let status = send(&mut client, large(3), &[3]).await.unwrap_err();
    says(&status, Code::ResourceExhausted, "a command may bring");
    // Another command has a share of its own.
    let mut agent = site.welcomed(&vm1, "p1").await;
    let _ordered = site.order(vm1.id, command(1), Duration::from_secs(60));
    agent.command().await;
    assert_eq!(send(&mut client, large(3), &[3]).await.unwrap(), 1);
    drop(running);
}

#[tokio::test]
async fn a_flood_of_refused_uploads_does_not_fill_the_log() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut client = site.connect(&vm1).await;
    for _ in 0..100 {
        let status = send(&mut client, start(b"said", None), b"sent")
            .await
            .unwrap_err();
        says(&status, Code::DataLoss, "begin anew");
    }
    // 60 at once, and then one every two seconds.
    let written = site.audited("upload.refuse").await;
    assert!((60..90).contains(&written), "{written}");
}
