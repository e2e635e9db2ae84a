//! Who calls, and whether they may.

use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::{Id, Kind, Role};
use tonic::{Code, Extensions, Status};
use x509_parser::time::ASN1Time;

use crate::Controller;
use crate::peer::Peer;
use crate::pki::Leaf;
use crate::refusals::NOBODY;
use crate::server::Called;
use crate::store::identities::Identity;
use crate::store::{self, certificates, identities};

/// A user who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id; nothing for whoever runs the command on their own store.
    pub id: Option<Id>,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl User {
    /// How the audit log calls them.
    pub fn actor(&self) -> String {
        format!("user/{}", self.name)
    }
}

/// An agent that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
}

impl Agent {
    /// How the audit log calls it.
    pub fn actor(&self) -> String {
        format!("agent/{}", self.name)
    }
}

/// Why a caller is refused, and who that is as far as they proved it.
struct Refusal {
    actor: String,
    status: Status,
}

impl Controller {
    /// The user who makes this call, if they may do what `needed` may. A refusal is written down.
    pub async fn user(&self, extensions: &Extensions, needed: Role) -> Result<User, Status> {
        if extensions.get::<Peer>() == Some(&Peer::Local) {
            return Ok(User {
                id: None,
                name: "local".to_owned(),
                role: Role::Admin,
            });
        }
        let found = self.identify(extensions).await;
        match found.and_then(|(identity, _)| user(identity, needed)) {
            Ok(user) => Ok(user),
            Err(refusal) => Err(self.refuse(extensions, refusal).await),
        }
    }

    /// The agent that makes this call. A refusal is written down.
    pub async fn agent(&self, extensions: &Extensions) -> Result<Agent, Status> {
        Ok(self.agent_until(extensions).await?.0)
    }

    /// The agent that makes this call, and when the certificate runs out by which it does, microseconds since 1970 UTC by the
    /// controller's clock. A refusal is written down.
    pub(crate) async fn agent_until(&self, extensions: &Extensions) -> Result<(Agent, u64), Status> {
        let found = self.identify(extensions).await;
        match found.and_then(|(identity, until_us)| Ok((agent(identity)?, until_us))) {
            Ok(found) => Ok(found),
            Err(refusal) => Err(self.refuse(extensions, refusal).await),
        }
    }

    async fn refuse(&self, extensions: &Extensions, refusal: Refusal) -> Status {
        // A store that fails has refused nobody.
        if matches!(
            refusal.status.code(),
            Code::Unauthenticated | Code::PermissionDenied
        ) {
            let mut event = Event::new(refusal.actor, "call.refuse", Outcome::Denied);
            if let Some(Called(method)) = extensions.get::<Called>() {
                event = event.target(method);
            }
            self.refused(event.with("why", refusal.status.message())).await;
        }
        refusal.status
    }

    /// Whose certificate it is: ours, known, in its period, of an identity that was not taken away. And when it runs out.
    async fn identify(&self, extensions: &Extensions) -> Result<(Identity, u64), Refusal> {
        let Some(Peer::Certificate(der)) = extensions.get::<Peer>() else {
            return Err(nobody(
                "no client certificate: an agent gets one by `netghost-agent enroll`, a person by `netghost login`",
            ));
        };
        let leaf = Leaf::read(der).map_err(|error| nobody(format!("the client certificate is {error}")))?;
        if leaf.name.domain != self.ca.domain {
            return Err(nobody(format!(
                "the client certificate is of the trust domain {}, this controller's is {}",
                leaf.name.domain, self.ca.domain
            )));
        }
        let (certificate, identity) = self.known(&leaf).await.map_err(|error| Refusal {
            actor: NOBODY.to_owned(),
            status: error.into(),
        })?;
        let unknown =
            || nobody("the client certificate is not known to this controller: enrol or log in again");
        let certificate = certificate.filter(|known| known.identity == leaf.name.id && known.der == *der);
        let identity = identity.filter(|identity| identity.kind == leaf.name.kind);
        let (Some(certificate), Some(identity)) = (certificate, identity) else {
            return Err(unknown());
        };
        if certificate.not_after_us < self.outside.now_us() {
            return Err(nobody(format!(
                "the client certificate ran out at {}: connect again with a renewed one",
                shown(certificate.not_after_us)
            )));
        }
        standing(&identity).map_err(|status| Refusal {
            actor: actor(&identity),
            status,
        })?;
        Ok((identity, certificate.not_after_us))
    }

    async fn known(
        &self,
        leaf: &Leaf,
    ) -> Result<(Option<certificates::Certificate>, Option<Identity>), store::Error> {
        let mut connection = self.store.pool().acquire().await?;
        Ok((
            certificates::by_serial(&mut connection, &leaf.serial).await?,
            identities::by_id(&mut connection, leaf.name.id).await?,
        ))
    }
}

/// Refuses an identity that was taken away, with when and why.
pub(crate) fn standing(identity: &Identity) -> Result<(), Status> {
    let who = format!("{} {}", identity.kind, identity.name);
    if let Some(at_us) = identity.removed_at_us {
        return Err(Status::permission_denied(format!(
            "{who} was removed at {}: enrol it anew",
            shown(at_us)
        )));
    }
    let Some(revoked) = &identity.revoked else {
        return Ok(());
    };
    let why = if revoked.why.is_empty() {
        "no reason was given"
    } else {
        &revoked.why
    };
    Err(Status::permission_denied(format!(
        "{who} was revoked at {}: {why}",
        shown(revoked.at_us)
    )))
}

/// How the audit log calls an identity.
pub(crate) fn actor(identity: &Identity) -> String {
    format!("{}/{}", identity.kind, identity.name)
}

/// A time for people.
pub(crate) fn shown(us: u64) -> String {
    let seconds = i64::try_from(us / 1_000_000).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(seconds).map_or_else(|_| format!("{us} µs since 1970"), |time| time.to_string())
}

fn nobody(why: impl Into<String>) -> Refusal {
    Refusal {
        actor: NOBODY.to_owned(),
        status: Status::unauthenticated(why),
    }
}

fn user(identity: Identity, needed: Role) -> Result<User, Refusal> {
    let refusal = |why: String| Refusal {
        actor: actor(&identity),
        status: Status::permission_denied(why),
    };
    if identity.kind != Kind::User {
        return Err(refusal(format!(
            "{} {} is no user: this needs a user with the role {needed}",
            identity.kind, identity.name
        )));
    }
    let role = Role::parse(&identity.role)
        .ok_or_else(|| refusal(format!("user {} has no role that is known", identity.name)))?;
    if !role.may(needed) {
        return Err(refusal(format!(
            "this needs the role {needed}; user {} has the role {role}",
            identity.name
        )));
    }
    Ok(User {
        id: Some(identity.id),
        name: identity.name,
        role,
    })
}

fn agent(identity: Identity) -> Result<Agent, Refusal> {
    if identity.kind != Kind::Agent {
        return Err(Refusal {
            actor: actor(&identity),
            status: Status::permission_denied(format!(
                "{} {} is no agent: only an agent may do this",
                identity.kind, identity.name
            )),
        });
    }
    Ok(Agent {
        id: identity.id,
        name: identity.name,
    })
}
