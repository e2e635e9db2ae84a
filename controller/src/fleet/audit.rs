//! The audit log and the keys that sign it.

use std::collections::VecDeque;

use futures_util::stream;
use netghost_proto::v1;
use netghost_proto::v1::audit_entry::Kind;
use tonic::Status;

use super::Replies;
use crate::caller::User;
use crate::{Controller, audit, keys};

/// What is left to send: records first, then the heads over those that were sent.
#[derive(Debug)]
struct Reading {
    controller: Controller,
    first: u64,
    next: u64,
    left: u64,
    ready: VecDeque<Kind>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Records,
    Heads,
    Done,
}

pub(super) async fn read_audit(
    controller: &Controller,
    _user: &User,
    request: v1::ReadAuditRequest,
) -> Result<Replies<v1::AuditEntry>, Status> {
    let first = request.from.max(1);
    let reading = Reading {
        controller: controller.clone(),
        first,
        next: first,
        left: match request.limit {
            0 => u64::MAX,
            limit => limit,
        },
        ready: VecDeque::new(),
        stage: Stage::Records,
    };
    Ok(Box::pin(stream::try_unfold(reading, step)))
}

async fn step(mut reading: Reading) -> Result<Option<(v1::AuditEntry, Reading)>, Status> {
    while reading.ready.is_empty() && reading.stage != Stage::Done {
        reading.fill().await?;
    }
    let entry = reading
        .ready
        .pop_front()
        .map(|kind| v1::AuditEntry { kind: Some(kind) });
    Ok(entry.map(|entry| (entry, reading)))
}

impl Reading {
    async fn fill(&mut self) -> Result<(), Status> {
        let store = &self.controller.store;
        if self.stage == Stage::Heads {
            // `next` stands after the last record that was sent.
            let heads = audit::head_rows(store, self.first, self.next.saturating_sub(1)).await?;
            self.ready = heads
                .into_iter()
                .map(|(_, signed)| Kind::Head(signed.into()))
                .collect();
            self.stage = Stage::Done;
            return Ok(());
        }
        let page = audit::records(store, self.next).await?;
        let whole = u64::try_from(page.len()).unwrap_or(u64::MAX) == audit::PAGE;
        for (sequence, record) in page {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            self.next = sequence + 1;
            self.ready.push_back(Kind::Record(record.into()));
        }
        if self.left == 0 || !whole {
            self.stage = Stage::Heads;
        }
        Ok(())
    }
}

pub(super) async fn keys(
    controller: &Controller,
    _user: &User,
    _request: v1::KeysRequest,
) -> Result<v1::KeyList, Status> {
    let mut list = v1::KeyList::default();
    for published in keys::published(&controller.store).await? {
        list.keys.push(v1::SigningKey {
            pem: published
                .key
                .to_pem()
                .map_err(|error| Status::internal(error.to_string()))?,
            keyid: published.key.id().as_bytes().to_vec().into(),
            from_us: published.from_us,
            until_us: published.until_us.unwrap_or(0),
        });
    }
    Ok(list)
}
