//! An attested document becomes an identity: the use of its nonce, the identity, the certificate and the record are written
//! together or not at all.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::azure::id::ResourceId;
use netghost_core::fleet::{Id, Tag};
use netghost_proto::v1;
use sqlx::AnyConnection;
use tonic::Status;

use super::join::{AGAIN_US, agent, wished};
use super::{certify, commit, request_key};
use crate::actions::taken_away;
use crate::attested::{Attested, LIFETIME_US, NotAStatement, Refusal, Statement};
use crate::pki::PublicKey;
use crate::store::attested::{self, AttestedRow};
use crate::store::identities::{self, Identity};
use crate::{Controller, audit, caller, store};

mod contested;

/// How long it is kept that a nonce served, microseconds: longer than any serves.
const KEPT_US: u64 = 3_600_000_000;

/// What was asked for, read and believed.
struct Asked<'a> {
    offered: &'a Attested,
    key: PublicKey,
    digest: Digest,
    name: Name,
    statement: Statement,
    resource: String,
    /// Why nobody but the agent vouches for the resource.
    unverified: String,
}

/// How somebody came in.
struct Entered {
    identity: Identity,
    /// The same key as before.
    again: bool,
    /// Whom it supersedes.
    before: Option<Identity>,
}

pub(super) fn challenge(
    controller: &Controller,
    request: &v1::ChallengeRequest,
) -> Result<v1::ChallengeReply, Status> {
    let offered = offered(controller)?;
    let key = request_key(&request.csr)?.digest();
    Ok(v1::ChallengeReply {
        nonce: offered.nonces.give(&key, controller.outside.now_us()),
        lifetime_ms: LIFETIME_US / 1000,
    })
}

pub(super) async fn attest(
    controller: &Controller,
    request: v1::AttestRequest,
) -> Result<v1::Identity, Status> {
    let now_us = controller.outside.now_us();
    let asked = believed(controller, request, now_us).await?;
    // Whoever is there is asked before anything is locked.
    let found = contested::refused(controller, &asked, now_us).await?;
    let mut transaction = controller.store.begin().await?;
    let entered = enter(controller, &mut transaction, &asked, found, now_us).await?;
    let identity = &entered.identity;
    let answer = certify::certify(controller, &mut transaction, identity, &asked.key, now_us).await?;
    let event = Event::new(caller::actor(identity), "agent.enrol", Outcome::Done)
        .target(&identity.name)
        .with("id", identity.id)
        .with("attested", asked.offered.policy.cloud.as_str())
        .with("vm", &asked.statement.vm)
        .with("subscription", &asked.statement.subscription)
        .with("resource", &asked.resource)
        .with("resource_unverified", &asked.unverified)
        .with("again", entered.again);
    audit::append(&mut transaction, now_us, event).await?;
    commit(transaction).await?;
    if let Some(before) = &entered.before {
        controller.links.revoke(before.id, &superseded(identity));
    }
    Ok(answer)
}

fn offered(controller: &Controller) -> Result<&Attested, Status> {
    controller.attested().ok_or_else(|| {
        Status::failed_precondition(
            "this controller lets no VM in by an attested document: an admin sets `subscriptions` and `roots` under \
             [enrolment.azure] in its configuration, or makes a token by `netghost token create`",
        )
    })
}

/// What was asked for, if the document, its nonce and the rest are believed.
async fn believed(
    controller: &Controller,
    request: v1::AttestRequest,
    now_us: u64,
) -> Result<Asked<'_>, Status> {
    let offered = offered(controller)?;
    let key = request_key(&request.csr)?;
    let name = wished(&request.name)?;
    let statement = offered
        .policy
        .verify(&request.document, now_us)
        .map_err(|refusal| told(&refusal))?;
    let digest = key.digest();
    if !offered.nonces.serves(&statement.nonce, &digest, now_us) {
        return Err(Status::aborted(
            "the attested document was not made for a nonce that this controller gave to this key in the last minutes: the \
             metadata service may have answered from its memory; ask for a new nonce",
        ));
    }
    let unverified = unverified(offered, &request.resource, &statement).await?;
    Ok(Asked {
        offered,
        key,
        digest,
        name,
        statement,
        resource: request.resource,
        unverified,
    })
}

/// What whoever brought a document is told.
fn told(refusal: &Refusal) -> Status {
    let text = refusal.to_string();
    match refusal {
        Refusal::Statement(NotAStatement::Late { .. }) => Status::aborted(text),
        Refusal::Subscription(_) => Status::permission_denied(text),
        _ => Status::unauthenticated(text),
    }
}

/// Why nobody but the agent vouches for the resource id that it says; empty if Azure Resource Manager does. One that can't be is
/// refused.
async fn unverified(offered: &Attested, resource: &str, statement: &Statement) -> Result<String, Status> {
    if resource.is_empty() {
        return Ok("the agent named no resource".to_owned());
    }
    let wrong = |why: String| Status::invalid_argument(format!("field resource: {why}"));
    let id: ResourceId = resource
        .parse()
        .map_err(|error: netghost_core::azure::id::NotAnId| wrong(error.to_string()))?;
    if !id.is("Microsoft.Compute", "virtualMachines") {
        return Err(wrong(format!("{resource:?} is no virtual machine")));
    }
    if !id.subscription().eq_ignore_ascii_case(&statement.subscription) {
        return Err(wrong(format!(
            "{resource:?} is of another subscription than the attested document, {}",
            statement.subscription
        )));
    }
    let Some(resources) = &offered.resources else {
        return Ok("this controller does not ask Azure Resource Manager".to_owned());
    };
    match resources.vm(&id).await {
        Ok(vm) if vm.eq_ignore_ascii_case(&statement.vm) => Ok(String::new()),
        Ok(vm) => Err(Status::permission_denied(format!(
            "the agent says that it is {resource}, which is VM {vm}; the attested document is of VM {}",
            statement.vm
        ))),
        Err(why) => Ok(why),
    }
}

/// Finds or writes the identity.
async fn enter(
    controller: &Controller,
    connection: &mut AnyConnection,
    asked: &Asked<'_>,
    found: Option<Id>,
    now_us: u64,
) -> Result<Entered, Status> {
    let nonce = &asked.statement.nonce;
    if let Some((key, id, at_us)) = attested::served(connection, nonce).await? {
        if key != asked.digest || now_us.saturating_sub(at_us) > AGAIN_US {
            return Err(Status::aborted("the nonce has served already: ask for a new one"));
        }
        return again(connection, id).await;
    }
    let holder = attested::holder(connection, &asked.statement.vm).await?;
    if holder.as_ref().map(|holder| holder.identity) != found {
        return Err(Status::aborted(
            "somebody else enrolled this VM at the same time: ask again",
        ));
    }
    let entered = match holder {
        Some(holder) if holder.key == asked.digest => again(connection, holder.identity).await?,
        holder => anew(controller, connection, asked, holder, now_us).await?,
    };
    let forget_us = now_us.saturating_sub(KEPT_US);
    let whose = (&asked.digest, entered.identity.id);
    attested::serve(connection, nonce, whose, now_us, forget_us).await?;
    Ok(entered)
}

/// The identity for which the key has come in before.
async fn again(connection: &mut AnyConnection, id: Id) -> Result<Entered, Status> {
    let identity = identities::by_id(connection, id)
        .await?
        .ok_or_else(|| Status::data_loss("the identity of an attested VM was removed from the store"))?;
    caller::standing(&identity)?;
    Ok(Entered {
        identity,
        again: true,
        before: None,
    })
}

/// A new identity of the VM, in the place of the one that it had: that one's name is free, and its tags go on.
async fn anew(
    controller: &Controller,
    connection: &mut AnyConnection,
    asked: &Asked<'_>,
    holder: Option<AttestedRow>,
    now_us: u64,
) -> Result<Entered, Status> {
    let mut tags = asked.offered.policy.tags.clone();
    let mut before = None;
    if let Some(holder) = &holder {
        let old = identities::by_id(connection, holder.identity).await?;
        before = old.filter(|old| old.removed_at_us.is_none());
        if let Some(old) = &before {
            add(&mut tags, identities::tags_of(connection, old.id).await?);
            identities::remove(connection, old.id, now_us).await?;
        }
    }
    let identity = agent(controller, connection, &tags, asked.name.as_str(), now_us).await?;
    if let Some(holder) = &holder {
        attested::supersede(connection, holder.identity, identity.id).await?;
    }
    if let Some(old) = &before {
        let why = superseded(&identity);
        identities::revoke(connection, old.id, now_us, &why).await?;
        taken_away(connection, &caller::actor(&identity), old.id, &why, now_us).await?;
        let event = Event::new(caller::actor(&identity), "agent.supersede", Outcome::Done)
            .target(&old.name)
            .with("id", old.id)
            .with("by", identity.id)
            .with("vm", &asked.statement.vm);
        audit::append(connection, now_us, event).await?;
    }
    let row = AttestedRow {
        identity: identity.id,
        cloud: asked.offered.policy.cloud.as_str().to_owned(),
        vm: asked.statement.vm.clone(),
        subscription: asked.statement.subscription.clone(),
        resource: asked.resource.clone(),
        unverified: asked.unverified.clone(),
        key: asked.digest,
        at_us: now_us,
    };
    attested::insert(connection, &row)
        .await
        .map_err(|error| match error {
            // Two at once, in a store that lets both look first.
            store::Error::Database(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Status::aborted("somebody else enrolled this VM at the same time: ask again")
            }
            error => error.into(),
        })?;
    Ok(Entered {
        identity,
        again: false,
        before,
    })
}

/// Adds tags whose keys are not there yet.
fn add(tags: &mut Vec<Tag>, more: Vec<Tag>) {
    for tag in more {
        if tags.iter().all(|there| there.key != tag.key) {
            tags.push(tag);
        }
    }
}

/// What an identity is told in whose place its VM has another.
fn superseded(by: &Identity) -> String {
    format!("superseded: its VM enrolled anew as {} ({})", by.name, by.id)
}
