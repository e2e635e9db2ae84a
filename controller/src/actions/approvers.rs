//! Who may consent: a list that the approvers' CA signed, passed on as it is.

use netghost_core::artifact::key::PublicKey;
use netghost_core::audit::{Event as Record, Outcome as Ended};
use netghost_core::gate::Roster;
use netghost_proto::convert::BadField;
use netghost_proto::v1;
use tonic::Status;

use crate::caller::User;
use crate::store::Error;
use crate::store::approvers::{self, ApproversRow};
use crate::{Controller, audit};

/// The longest PEM of a public key that is looked at, in bytes.
const LONGEST_PEM: usize = 1_024;

/// Publishes a newer list under the same CA; the first one sets the CA.
pub(crate) async fn publish(
    controller: &Controller,
    user: &User,
    request: v1::Approvers,
) -> Result<ApproversRow, Status> {
    match store(controller, user, &request).await {
        Ok(row) => Ok(row),
        Err(status) => {
            let event = Record::new(user.actor(), "approvers.publish", Ended::Denied);
            controller.refused(event.with("why", status.message())).await;
            Err(status)
        }
    }
}

async fn store(
    controller: &Controller,
    user: &User,
    request: &v1::Approvers,
) -> Result<ApproversRow, Status> {
    if request.ca.len() > LONGEST_PEM {
        return Err(BadField::new("ca", format_args!("more than {LONGEST_PEM} bytes")).into());
    }
    let chain = |error: &dyn std::error::Error| crate::jobs::chain(error);
    let ca = PublicKey::from_pem(&request.ca).map_err(|error| BadField::new("ca", chain(&error)))?;
    let list = Roster::open(&request.roster, &ca).map_err(|error| BadField::new("roster", chain(&error)))?;
    let text = std::str::from_utf8(&request.roster).map_err(|error| BadField::new("roster", error))?;
    let row = ApproversRow {
        // In one form, so that the same key is the same text.
        ca: ca.to_pem().map_err(|error| BadField::new("ca", chain(&error)))?,
        roster: text.to_owned(),
        version: list.version,
    };
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    if !approvers::publish(&mut transaction, &row, &user.name, now_us).await? {
        let current = approvers::current(&mut transaction).await?;
        transaction.rollback().await.map_err(Error::from)?;
        return match current {
            Some(current) if current == row => Ok(row),
            current => Err(not_newer(current, &row)),
        };
    }
    let event = Record::new(user.actor(), "approvers.publish", Ended::Done)
        .target(ca.id())
        .with("version", list.version)
        .with("approvers", list.approvers.len());
    audit::append(&mut transaction, now_us, event).await?;
    transaction.commit().await.map_err(Error::from)?;
    Ok(row)
}

fn not_newer(current: Option<ApproversRow>, row: &ApproversRow) -> Status {
    let Some(current) = current else {
        return Status::aborted("the list could not be published: try again");
    };
    if current.ca != row.ca {
        let id =
            |pem: &str| PublicKey::from_pem(pem).map_or_else(|_| "?".to_owned(), |key| key.id().to_string());
        return Status::failed_precondition(format!(
            "the approvers' CA here is {}, and this list is signed by {}: every VM pins its CA, so another one is put on the VMs \
             first, not here",
            id(&current.ca),
            id(&row.ca)
        ));
    }
    Status::failed_precondition(format!(
        "list {} is not newer than {}, which is published: make the next version from `netghost approvers list`",
        row.version, current.version
    ))
}

/// What is published, if anything is.
pub(crate) async fn current(controller: &Controller) -> Result<Option<ApproversRow>, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    approvers::current(&mut connection).await
}

/// The list as it can be read.
pub(super) fn roster(row: &ApproversRow) -> Result<Roster, Error> {
    let damaged = || Error::Damaged {
        what: "the list of approvers".to_owned(),
    };
    let ca = PublicKey::from_pem(&row.ca).map_err(|_| damaged())?;
    Roster::open(row.roster.as_bytes(), &ca).map_err(|_| damaged())
}
