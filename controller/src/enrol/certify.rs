//! The certificate of an identity.

use netghost_core::fleet::SpiffeId;
use netghost_proto::v1;
use sqlx::AnyConnection;
use tonic::Status;

use crate::Controller;
use crate::pki::{CLIENT_LIFETIME_US, PublicKey, Validity};
use crate::store::identities::Identity;
use crate::store::{approvers, certificates};

/// Issues a certificate for this key and keeps it, within the transaction of what it is issued for.
pub(super) async fn certify(
    controller: &Controller,
    transaction: &mut AnyConnection,
    identity: &Identity,
    key: &PublicKey,
    now_us: u64,
) -> Result<v1::Identity, Status> {
    let name: SpiffeId = controller.ca.name(identity.kind, identity.id);
    let validity = Validity::starting(now_us, CLIENT_LIFETIME_US);
    let issued = controller
        .ca
        .issue(key, &name, validity, &controller.outside)
        .map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no certificate could be issued"
            );
            Status::internal("the controller could not issue a certificate: its log says why")
        })?;
    certificates::insert(transaction, identity.id, key, &issued, now_us).await?;
    let approvers = approvers::current(transaction).await?;
    Ok(v1::Identity {
        id: identity.id.to_string(),
        name: identity.name.clone(),
        chain: vec![issued.der.into(), controller.ca.certificate().to_vec().into()],
        domain: name.domain,
        role: identity.role.clone(),
        renew_in_ms: CLIENT_LIFETIME_US / 2 / 1000,
        controller_clock_us: now_us,
        approvers: approvers.map(|row| row.ca).unwrap_or_default(),
    })
}
