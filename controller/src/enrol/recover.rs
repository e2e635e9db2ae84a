//! An identity whose certificate ran out gets a new one by proof of the old key.

use netghost_core::audit::{Event, Outcome};
use netghost_proto::{RECOVER, v1};
use tonic::Status;

use super::{action, certify, commit, request_key};
use crate::pki::Leaf;
use crate::store::{certificates, identities};
use crate::{Controller, audit, caller};

/// How long after its end a certificate still serves for this, microseconds.
const WITHIN_US: u64 = 30 * 24 * 3_600_000_000;

pub(super) async fn recover(
    controller: &Controller,
    request: v1::RecoverRequest,
) -> Result<v1::Identity, Status> {
    let now_us = controller.outside.now_us();
    let key = request_key(&request.csr)?;
    let old = proved(controller, &request)?;
    if now_us > old.validity.not_after_us.saturating_add(WITHIN_US) {
        return Err(Status::failed_precondition(format!(
            "the certificate ran out at {}, more than 30 days ago: enrol or log in again with a new token",
            caller::shown(old.validity.not_after_us)
        )));
    }
    let mut transaction = controller.store.begin().await?;
    let unknown =
        || Status::unauthenticated("the certificate is not known to this controller: enrol or log in again");
    certificates::by_serial(&mut transaction, &old.serial)
        .await?
        .filter(|known| known.identity == old.name.id && known.der == request.certificate)
        .ok_or_else(unknown)?;
    let identity = identities::by_id(&mut transaction, old.name.id)
        .await?
        .filter(|identity| identity.kind == old.name.kind)
        .ok_or_else(unknown)?;
    caller::standing(&identity)?;
    let answer = certify::certify(controller, &mut transaction, &identity, &key, now_us).await?;
    let event = Event::new(
        caller::actor(&identity),
        action(identity.kind, "recover"),
        Outcome::Done,
    )
    .target(&identity.name)
    .with("certificate_ended_at_us", old.validity.not_after_us);
    audit::append(&mut transaction, now_us, event).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// The old certificate, if this authority signed it and its key signed the request.
fn proved(controller: &Controller, request: &v1::RecoverRequest) -> Result<Leaf, Status> {
    let old = Leaf::read(&request.certificate)
        .map_err(|error| Status::invalid_argument(format!("field certificate: {error}")))?;
    if !controller.ca.signed(&request.certificate) {
        return Err(Status::unauthenticated(
            "the certificate was issued by another authority: enrol with a token of this controller",
        ));
    }
    let message = [RECOVER, &request.csr].concat();
    if !old.key.verifies(&message, &request.signature) {
        return Err(Status::unauthenticated(
            "the request is not signed by the key of the certificate: use the key that belongs to it, or enrol again",
        ));
    }
    Ok(old)
}
