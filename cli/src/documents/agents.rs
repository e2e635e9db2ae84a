//! Agents.

use netghost_core::bytes::Big;
use netghost_core::fleet::{Id, Tag};
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

use super::{optional, tags, word};

/// The schema of a list of agents.
pub const SCHEMA: &str = "netghost.agents/v1";

/// Some agents, sorted by name.
#[derive(Debug, Serialize)]
pub struct Agents {
    /// One row each.
    pub agents: Vec<Agent>,
}

/// One agent.
#[derive(Debug, Serialize)]
pub struct Agent {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Sorted by key.
    pub tags: Vec<Tag>,
    /// `connected`, `offline`, `contested` or `revoked`.
    pub state: String,
    /// Why, where the state needs it.
    pub why: Option<String>,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub enrolled_at_us: Big,
    /// Likewise; `null` if it never connected.
    pub last_seen_us: Option<Big>,
    /// The agent's version, as it says.
    pub version: Option<String>,
    /// Its kernel, as it says.
    pub kernel: Option<String>,
    /// Its host's name, as it says.
    pub host_name: Option<String>,
    /// Its boot id, as it says.
    pub boot_id: Option<String>,
    /// Its wall clock minus the controller's, microseconds, in decimal.
    pub clock_offset_us: String,
    /// When its certificate ends.
    pub certificate_until_us: Option<Big>,
    /// What it says it can do.
    pub capabilities: Vec<String>,
    /// How its VM was attested; `null` for one that joined by a token.
    pub attested: Option<Attested>,
}

/// How a VM was attested.
#[derive(Debug, Serialize)]
pub struct Attested {
    /// The cloud that signed: `public`, `government`, `china` or `germany`.
    pub cloud: String,
    /// The VM's unique id.
    pub vm: String,
    /// Its subscription.
    pub subscription: String,
    /// Its resource id, as the agent says.
    pub resource: Option<String>,
    /// Why nobody but the agent vouches for the resource id; `null` if Azure Resource Manager confirmed it.
    pub unverified: Option<String>,
    /// The identity of this VM that was superseded: its name, and its id in parentheses.
    pub supersedes: Option<String>,
}

impl TryFrom<v1::AgentList> for Agents {
    type Error = BadField;

    fn try_from(list: v1::AgentList) -> Result<Self, BadField> {
        let agents: Result<Vec<Agent>, BadField> = list.agents.into_iter().map(Agent::try_from).collect();
        let mut agents = agents?;
        agents.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(Self { agents })
    }
}

impl TryFrom<v1::Agent> for Agent {
    type Error = BadField;

    fn try_from(agent: v1::Agent) -> Result<Self, BadField> {
        let mut tags = tags(&agent.tags)?;
        tags.sort();
        let time = |us: u64| Some(Big(us)).filter(|_| us > 0);
        Ok(Self {
            id: convert::id("id", &agent.id)?,
            name: agent.name,
            tags,
            state: word(
                "state",
                agent.state,
                ["connected", "offline", "contested", "revoked"],
            )?,
            why: optional(agent.why),
            enrolled_at_us: Big(agent.enrolled_at_us),
            last_seen_us: time(agent.last_seen_us),
            version: optional(agent.version),
            kernel: optional(agent.kernel),
            host_name: optional(agent.host_name),
            boot_id: optional(agent.boot_id),
            clock_offset_us: agent.clock_offset_us.to_string(),
            certificate_until_us: time(agent.certificate_until_us),
            capabilities: agent.capabilities,
            attested: agent.attested.map(Attested::try_from).transpose()?,
        })
    }
}

impl TryFrom<v1::Attested> for Attested {
    type Error = BadField;

    fn try_from(attested: v1::Attested) -> Result<Self, BadField> {
        Ok(Self {
            cloud: word(
                "attested.cloud",
                attested.cloud,
                ["public", "government", "china", "germany"],
            )?,
            vm: attested.vm,
            subscription: attested.subscription,
            resource: optional(attested.resource),
            unverified: optional(attested.unverified),
            supersedes: optional(attested.supersedes),
        })
    }
}
