//! Agents, and the controller that knows them.

use super::{NONE, lines, or_none, table, tags};
use crate::clock;
use crate::documents::agents::{Agent, Agents, Attested};
use crate::documents::controller::Controller;

/// One line each.
pub fn agents(all: &Agents) -> String {
    let row = |agent: &Agent| {
        [
            agent.name.clone(),
            state(agent),
            agent
                .last_seen_us
                .map_or_else(|| "never".to_owned(), |time| clock::shown(time.0)),
            or_none(agent.version.as_deref()),
            or_none(agent.kernel.as_deref()),
            tags(&agent.tags),
        ]
    };
    table(
        ["NAME", "STATE", "LAST SEEN", "VERSION", "KERNEL", "TAGS"],
        all.agents.iter().map(row).collect(),
        "no agent is enrolled; `netghost token create` makes a token to enrol with",
    )
}

/// What is to be known of it at once: why it is so, else whose place it took.
fn state(agent: &Agent) -> String {
    let before = agent
        .attested
        .as_ref()
        .and_then(|attested| attested.supersedes.as_ref());
    match (&agent.why, before) {
        (Some(why), _) => format!("{} ({why})", agent.state),
        (None, Some(before)) => format!("{}, supersedes {before}", agent.state),
        (None, None) => agent.state.clone(),
    }
}

/// One agent, line by line.
pub fn agent(agent: &Agent) -> String {
    let time = |time: Option<netghost_core::bytes::Big>, none: &str| {
        time.map_or_else(|| none.to_owned(), |time| clock::shown(time.0))
    };
    let mut rows = vec![
        ("id", agent.id.to_string()),
        ("state", state(agent)),
        ("tags", tags(&agent.tags)),
        ("enrolled", clock::shown(agent.enrolled_at_us.0)),
        ("last seen", time(agent.last_seen_us, "never")),
        ("host", or_none(agent.host_name.as_deref())),
        ("kernel", or_none(agent.kernel.as_deref())),
        ("boot", or_none(agent.boot_id.as_deref())),
        ("version", or_none(agent.version.as_deref())),
        ("clock offset", offset(&agent.clock_offset_us)),
        ("certificate until", time(agent.certificate_until_us, NONE)),
        (
            "capabilities",
            or_none(
                Some(agent.capabilities.join(", "))
                    .filter(|all| !all.is_empty())
                    .as_deref(),
            ),
        ),
    ];
    rows.extend(agent.attested.iter().flat_map(attested));
    format!("{}\n{}", agent.name, lines(&rows))
}

fn attested(attested: &Attested) -> Vec<(&'static str, String)> {
    let resource = match (&attested.resource, &attested.unverified) {
        (None, _) => NONE.to_owned(),
        (Some(resource), None) => format!("{resource}, confirmed by Azure Resource Manager"),
        (Some(resource), Some(why)) => format!("{resource}, as the agent says ({why})"),
    };
    vec![
        ("attested", format!("by Azure ({})", attested.cloud)),
        ("VM", attested.vm.clone()),
        ("subscription", attested.subscription.clone()),
        ("resource", resource),
        ("supersedes", or_none(attested.supersedes.as_deref())),
    ]
}

/// Seconds with three places, from microseconds in decimal.
fn offset(us: &str) -> String {
    let Ok(us) = us.parse::<i64>() else {
        return us.to_owned();
    };
    let (sign, ms) = (if us < 0 { "-" } else { "+" }, us.unsigned_abs() / 1_000);
    format!("{sign}{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// The controller's state.
pub fn controller(status: &Controller) -> String {
    let head = status.audit_head.as_ref().map_or_else(
        || "no signed head yet".to_owned(),
        |head| format!("{} records, {}", head.sequence, head.hash),
    );
    let rows = [
        ("version", status.version.clone()),
        ("domain", status.domain.clone()),
        (
            "agents",
            format!("{}, {} connected", status.agents, status.connected),
        ),
        ("running jobs", status.running_jobs.to_string()),
        ("audit log", head),
        ("clock", clock::shown(status.clock_us.0)),
        ("you are", format!("{} ({})", status.user, status.role)),
    ];
    format!("controller\n{}", lines(&rows))
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn a_small_negative_offset_keeps_its_sign() {
        assert_eq!(offset("-1500"), "-0.001 s");
        assert_eq!(offset("3600000000"), "+3600.000 s");
        assert_eq!(offset("-9223372036854775808"), "-9223372036854.775 s");
    }
}
