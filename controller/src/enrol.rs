//! The enrolment service: how a caller comes by a certificate.
//!
//! What is refused is written down (see `refusals.rs` for how much of it), always with the reason that the caller is told.

use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Kind};
use netghost_proto::v1;
use netghost_proto::v1::enrolment_server::Enrolment;
use sqlx::Any;
use tonic::{Code, Extensions, Request, Response, Status};

use crate::pki::{self, PublicKey};
use crate::refusals::NOBODY;
use crate::store::identities;
use crate::{Controller, audit, caller, store};

mod attest;
mod certify;
mod join;
mod recover;

/// The service.
#[derive(Debug, Clone)]
pub struct Service(pub Controller);

#[tonic::async_trait]
impl Enrolment for Service {
    async fn enrol(&self, request: Request<v1::EnrolRequest>) -> Result<Response<v1::Identity>, Status> {
        let request = request.into_inner();
        let token = short(&request.token_id);
        match join::join(&self.0, request).await {
            Ok(identity) => Ok(Response::new(identity)),
            Err(status) => Err(refuse(&self.0, "identity.enrol", &token, status).await),
        }
    }

    async fn challenge(
        &self,
        request: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeReply>, Status> {
        match attest::challenge(&self.0, &request.into_inner()) {
            Ok(reply) => Ok(Response::new(reply)),
            Err(status) => Err(refuse(&self.0, "identity.enrol", "", status).await),
        }
    }

    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::Identity>, Status> {
        let request = request.into_inner();
        let name = short(&request.name);
        match attest::attest(&self.0, request).await {
            Ok(identity) => Ok(Response::new(identity)),
            Err(status) => Err(refuse(&self.0, "identity.enrol", &name, status).await),
        }
    }

    async fn recover(&self, request: Request<v1::RecoverRequest>) -> Result<Response<v1::Identity>, Status> {
        let request = request.into_inner();
        let name = pki::Leaf::read(&request.certificate)
            .map_or_else(|_| String::new(), |leaf| leaf.name.to_string());
        match recover::recover(&self.0, request).await {
            Ok(identity) => Ok(Response::new(identity)),
            Err(status) => Err(refuse(&self.0, "identity.recover", &name, status).await),
        }
    }
}

/// A new certificate for the agent that calls, for the key of this request (PKCS#10 in DER).
pub async fn renew(
    controller: &Controller,
    extensions: &Extensions,
    csr: &[u8],
) -> Result<v1::Identity, Status> {
    let agent = controller.agent(extensions).await?;
    reissue(controller, agent.id, csr).await
}

/// A new certificate for an identity that has proved itself.
pub(crate) async fn reissue(controller: &Controller, id: Id, csr: &[u8]) -> Result<v1::Identity, Status> {
    let key = request_key(csr)?;
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    let identity = identities::by_id(&mut transaction, id)
        .await?
        .ok_or_else(|| Status::unauthenticated("this identity is not known: enrol or log in again"))?;
    caller::standing(&identity)?;
    let answer = certify::certify(controller, &mut transaction, &identity, &key, now_us).await?;
    let event = Event::new(
        caller::actor(&identity),
        action(identity.kind, "renew"),
        Outcome::Done,
    );
    audit::append(&mut transaction, now_us, event.target(&identity.name)).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// The key of a certificate request.
fn request_key(csr: &[u8]) -> Result<PublicKey, Status> {
    pki::read_request(csr).map_err(|error| Status::invalid_argument(format!("field csr: {error}")))
}

/// The word for what is done to an identity.
fn action(kind: Kind, verb: &str) -> String {
    format!("{kind}.{verb}")
}

async fn commit(transaction: sqlx::Transaction<'static, Any>) -> Result<(), Status> {
    Ok(transaction.commit().await.map_err(store::Error::from)?)
}

/// Writes down who was refused what, unless it was this program that failed.
async fn refuse(controller: &Controller, action: &str, target: &str, status: Status) -> Status {
    let failed = [Code::Internal, Code::DataLoss, Code::ResourceExhausted];
    if !failed.contains(&status.code()) {
        let event = Event::new(NOBODY, action, Outcome::Denied).target(target);
        controller.refused(event.with("why", status.message())).await;
    }
    status
}

/// What stands in the log of a text from outside: as much of it as an id has.
fn short(text: &str) -> String {
    text.chars().take(36).collect()
}
