//! The audit log and its keys.

use netghost_controller::audit::{self, Conflict};
use netghost_controller::caller::Agent;
use netghost_controller::keys;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::{PublicKey, Signer};
use netghost_core::audit::{HEAD_SCHEMA, Head, Witnessed, origin, verify};
use netghost_core::bytes::Big;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::audit_entry::Kind;
use sqlx::Row;

use crate::place::{self, Place};

pub(crate) async fn heads_are_signed_in_a_chain(place: &Place) {
    assert_eq!(audit::last_head(place.store()).await.unwrap(), None);
    for records in [3, 1, 2] {
        place.append(records).await;
        let head = audit::sign(&place.controller).await.unwrap().unwrap();
        assert_eq!(audit::last_head(place.store()).await.unwrap(), Some(head));
        assert_eq!(audit::sign(&place.controller).await.unwrap(), None, "nothing new");
    }
    place.append(1).await;
    audit::at_start(place.store()).await.unwrap();
    let verified = audit::whole(place.store(), &[]).await.unwrap();
    // One record more: the publishing of the key.
    assert_eq!((verified.records, verified.heads, verified.unsigned), (8, 3, 1));
}

async fn entries(place: &Place, from: u64, limit: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let request = v1::ReadAuditRequest { from, limit };
    let mut stream = place
        .client()
        .await
        .read_audit(request)
        .await
        .unwrap()
        .into_inner();
    let (mut records, mut heads) = (Vec::new(), Vec::new());
    while let Some(entry) = stream.message().await.unwrap() {
        match entry.kind.unwrap() {
            Kind::Record(record) => {
                assert!(heads.is_empty(), "records come before heads");
                records.push(record.to_vec());
            }
            Kind::Head(head) => heads.push(head.to_vec()),
        }
    }
    (records, heads)
}

pub(crate) async fn a_log_is_read_and_verified_from_outside(place: &Place) {
    // More than are read at a time.
    place.append(510).await;
    let head = audit::sign(&place.controller).await.unwrap().unwrap();
    place.append(2).await;
    let (records, heads) = entries(place, 0, 0).await;
    assert_eq!((records.len(), heads.len()), (513, 1));
    let list = place
        .client()
        .await
        .keys(v1::KeysRequest {})
        .await
        .unwrap()
        .into_inner();
    let keys: Vec<PublicKey> = list
        .keys
        .iter()
        .map(|key| PublicKey::from_pem(&key.pem).unwrap())
        .collect();
    let seen = Witnessed {
        sequence: head.sequence,
        hash: Digest::of(&records[510]),
    };
    let verified = verify(&records, &heads, &keys, &[seen]).unwrap();
    assert_eq!(verified.unsigned, 2);
    let (some, over) = entries(place, 2, 3).await;
    assert_eq!((some.as_slice(), over.len()), (&records[1..4], 0));
    let (last, over) = entries(place, 511, 1).await;
    assert_eq!((last.as_slice(), over), (&records[510..511], heads));
    assert_eq!(entries(place, 600, 0).await.0.len(), 0);
    let status = place
        .client()
        .await
        .status(v1::StatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.head, Some(head));
}

pub(crate) async fn every_kind_of_edit_is_found(place: &Place) {
    place.append(6).await;
    audit::sign(&place.controller).await.unwrap();
    place.append(3).await;
    let edits: [(&str, &[(&str, bool)]); 5] = [
        (
            "a record removed",
            &[("DELETE FROM audit_records WHERE sequence = 4", true)],
        ),
        (
            "the last removed",
            &[("DELETE FROM audit_records WHERE sequence = 10", true)],
        ),
        (
            "two swapped",
            &[
                ("UPDATE audit_records SET sequence = 100 WHERE sequence = 3", true),
                ("UPDATE audit_records SET sequence = 3 WHERE sequence = 5", true),
                ("UPDATE audit_records SET sequence = 5 WHERE sequence = 100", true),
            ],
        ),
        (
            "the tail's hash",
            &[("UPDATE audit_tail SET hash = repeat_hash", false)],
        ),
        (
            "the tail's number",
            &[("UPDATE audit_tail SET sequence = 9", true)],
        ),
    ];
    let rows = sqlx::query("SELECT sequence, record FROM audit_records ORDER BY sequence")
        .fetch_all(place.store().pool())
        .await
        .unwrap();
    let whole: Vec<(i64, Vec<u8>)> = rows
        .iter()
        .map(|row| (row.get("sequence"), row.get("record")))
        .collect();
    let last = Digest::of(&whole.last().unwrap().1).to_string();
    for (what, statements) in edits {
        for (sql, as_is) in statements {
            match as_is {
                true => place.edit(sql).await,
                false => set_tail(place, 10, &Digest::of(b"x").to_string()).await,
            }
        }
        assert!(
            audit::at_start(place.store()).await.is_err(),
            "{what}, at the start"
        );
        assert!(audit::whole(place.store(), &[]).await.is_err(), "{what}");
        put_back(place, &whole).await;
        set_tail(place, 10, &last).await;
        audit::whole(place.store(), &[]).await.unwrap();
    }
    each_record_edited(place, &whole).await;
    heads_edited(place).await;
}

async fn set_tail(place: &Place, sequence: i64, hash: &str) {
    sqlx::query("UPDATE audit_tail SET sequence = $1, hash = $2")
        .bind(sequence)
        .bind(hash.to_owned())
        .execute(place.store().pool())
        .await
        .unwrap();
}

async fn put_back(place: &Place, whole: &[(i64, Vec<u8>)]) {
    sqlx::query("DELETE FROM audit_records")
        .execute(place.store().pool())
        .await
        .unwrap();
    for (sequence, record) in whole {
        sqlx::query("INSERT INTO audit_records (sequence, record) VALUES ($1, $2)")
            .bind(sequence)
            .bind(record.clone())
            .execute(place.store().pool())
            .await
            .unwrap();
    }
}

async fn each_record_edited(place: &Place, whole: &[(i64, Vec<u8>)]) {
    for (sequence, record) in whole {
        let mut edited = record.clone();
        let at = edited.windows(4).position(|window| window == b"done").unwrap();
        edited[at + 3] = b'x';
        for bytes in [edited, record[1..].to_vec()] {
            let query = sqlx::query("UPDATE audit_records SET record = $1 WHERE sequence = $2");
            query
                .bind(bytes)
                .bind(sequence)
                .execute(place.store().pool())
                .await
                .unwrap();
            assert!(
                audit::at_start(place.store()).await.is_err(),
                "record {sequence} at the start"
            );
            assert!(
                audit::whole(place.store(), &[]).await.is_err(),
                "record {sequence}"
            );
        }
        put_back(place, whole).await;
    }
}

async fn heads_edited(place: &Place) {
    audit::sign(&place.controller).await.unwrap();
    place
        .edit("UPDATE audit_heads SET signed = (SELECT signed FROM audit_heads ORDER BY sequence LIMIT 1) WHERE sequence = 10")
        .await;
    assert!(
        audit::at_start(place.store()).await.is_err(),
        "an older head in its place"
    );
    place
        .edit("UPDATE audit_heads SET signed = (SELECT record FROM audit_records WHERE sequence = 1)")
        .await;
    assert!(audit::at_start(place.store()).await.is_err());
    assert!(audit::whole(place.store(), &[]).await.is_err());
    assert!(
        audit::last_head(place.store()).await.is_err(),
        "never shown to anybody"
    );
}

pub(crate) async fn appends_at_once_make_one_chain(place: &Place) {
    let writers = (0..8).map(|writer| {
        let controller = place.controller.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                place::append(&controller, writer * 10 + number).await;
                audit::sign(&controller).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let verified = audit::whole(place.store(), &[]).await.unwrap();
    assert_eq!((verified.records, verified.unsigned), (81, 0));
}

/// A head that this signer makes up.
fn made_up(signer: &Signer, sequence: u64, hash: Digest) -> v1::AuditHead {
    let head = Head {
        schema: HEAD_SCHEMA.to_owned(),
        controller: "x".to_owned(),
        sequence: Big(sequence),
        hash,
        previous: origin(),
        at_us: Big(1),
    };
    v1::AuditHead {
        sequence,
        hash: hash.as_bytes().to_vec().into(),
        signed: head.sign(signer).unwrap().into(),
    }
}

pub(crate) async fn a_witness_that_disagrees_is_written_down_once(place: &Place) {
    place.append(3).await;
    let head = audit::sign(&place.controller).await.unwrap().unwrap();
    let agent = Agent {
        id: Id::from_random([5; 16]),
        name: "vm1".to_owned(),
    };
    let seen = |head| {
        let agent = &agent;
        async move { audit::witness(&place.controller, agent, &head).await.unwrap() }
    };
    let records = || async { audit::whole(place.store(), &[]).await.unwrap().records };
    let before = records().await;
    assert_eq!(seen(head.clone()).await, None);
    assert_eq!(records().await, before);
    let ours = &place.controller.signer;
    let stranger = Signer::from_seed(&[9; 32]).unwrap();
    let hash = Digest::of(b"x");
    let mut number = head.clone();
    number.sequence += 1;
    for (head, wanted) in [
        (made_up(ours, 2, hash), Conflict::Rewritten),
        (made_up(ours, 99, hash), Conflict::Cut),
        (made_up(&stranger, 2, hash), Conflict::Unsigned),
        (number, Conflict::Unsigned),
    ] {
        let before = records().await;
        for _ in 0..3 {
            assert_eq!(seen(head.clone()).await, Some(wanted));
        }
        let noted = u64::from(!(wanted == Conflict::Unsigned && head.sequence == 5));
        assert!(records().await >= before + noted, "{wanted:?}");
        assert!(
            records().await <= before + 1,
            "{wanted:?}: written down more than once"
        );
    }
}

pub(crate) async fn keys_are_published_with_their_periods(place: &Place) {
    let first = place.controller.signer.public().clone();
    keys::publish(place.store(), &first, 5).await.unwrap();
    let published = keys::published(place.store()).await.unwrap();
    assert_eq!(published.len(), 1, "nothing happens where nothing changes");
    assert_eq!((published[0].from_us, published[0].until_us), (1, None));
    place.append(1).await;
    audit::sign(&place.controller).await.unwrap();
    let new = keys::rotate(place.store(), &place.state(), &place.controller.outside)
        .await
        .unwrap();
    let before = keys::published(place.store()).await.unwrap();
    assert!(
        before.iter().all(|key| key.until_us.is_none()),
        "the old one signs until the next start"
    );
    keys::publish(place.store(), new.public(), u64::MAX >> 1)
        .await
        .unwrap();
    let after = keys::published(place.store()).await.unwrap();
    assert_eq!(after.len(), 2);
    assert_eq!(
        (after[0].key.id(), after[0].until_us),
        (first.id(), Some(u64::MAX >> 1))
    );
    assert_eq!((after[1].key.id(), after[1].until_us), (new.public().id(), None));
    assert_eq!(keys::open(&place.state()).unwrap().public(), new.public());
    audit::whole(place.store(), &[]).await.unwrap();
    place
        .edit("UPDATE signing_keys SET pem = (SELECT MIN(pem) FROM signing_keys)")
        .await;
    assert!(
        keys::published(place.store()).await.is_err(),
        "a key under another's id"
    );
}
