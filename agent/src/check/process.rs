//! What the agent's process may do.

use std::fs;

use super::Line;
use crate::config::Config;
use crate::status::socket;

/// CAP_NET_ADMIN in a set of capabilities (`linux/capability.h`).
const NET_ADMIN: u32 = 12;

/// Walks: of the running agent where there is one that answers, else of this very process.
pub(super) fn walk(config: &Config) -> Vec<Line> {
    let running = socket::ask(&config.status_socket()).ok().map(|report| report.pid);
    let (whose, path) = match running {
        Some(pid) => (
            format!("the running agent (process {pid})"),
            format!("/proc/{pid}/status"),
        ),
        None => (
            "this process, as no agent runs".to_owned(),
            "/proc/self/status".to_owned(),
        ),
    };
    let lines = fs::read_to_string(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            Credentials::parse(&text).ok_or_else(|| "it is not of the form that is known".to_owned())
        });
    match lines {
        Ok(credentials) => vec![credentials.capability(&whose), credentials.group(&whose)],
        Err(why) => {
            let why = format!("{path}: {why}");
            vec![Line::skipped("capability", &*why), Line::skipped("group", why)]
        }
    }
}

/// What `/proc/PID/status` says (proc_pid_status(5)).
#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    effective_uid: u32,
    groups: Vec<u32>,
    effective: u64,
}

impl Credentials {
    fn parse(text: &str) -> Option<Self> {
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let numbers = |text: &str| {
            text.split_whitespace()
                .map(|word| word.parse::<u32>().ok())
                .collect::<Option<Vec<_>>>()
        };
        let uids = numbers(line("Uid:")?)?;
        let gids = numbers(line("Gid:")?)?;
        let mut groups = numbers(line("Groups:")?)?;
        groups.push(*gids.get(1)?);
        Some(Self {
            effective_uid: *uids.get(1)?,
            groups,
            effective: u64::from_str_radix(line("CapEff:")?.trim(), 16).ok()?,
        })
    }

    fn capability(&self, whose: &str) -> Line {
        let step = "capability";
        if self.effective & (1 << NET_ADMIN) != 0 {
            return Line::ok(step, format!("CAP_NET_ADMIN is effective: {whose}"));
        }
        Line::failed(
            step,
            format!(
                "CAP_NET_ADMIN is not effective: {whose}, uid {}",
                self.effective_uid
            ),
            Some("start it by its unit, which has AmbientCapabilities=CAP_NET_ADMIN (systemctl start netghost-agent)".to_owned()),
        )
    }

    fn group(&self, whose: &str) -> Line {
        let step = "group";
        if self.effective_uid == 0 || self.groups.contains(&0) {
            return Line::ok(
                step,
                format!("may read /proc/net/ip_tables_names (root or group root): {whose}"),
            );
        }
        Line::failed(
            step,
            format!(
                "is not in group root, so the legacy tables have no names: {whose}, uid {}",
                self.effective_uid
            ),
            Some(
                "start it by its unit, which has SupplementaryGroups=root (systemctl start netghost-agent)"
                    .to_owned(),
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    /// Cut from /proc/PID/status of the agent under `setpriv` as a user with CAP_NET_ADMIN and group root, Linux 6.18.
    const STATUS: &str = "Name:\tnetghost-agent\nUmask:\t0022\nUid:\t998\t998\t998\t998\nGid:\t997\t997\t997\t997\n\
                          FDSize:\t64\nGroups:\t0 \nCapInh:\t0000000000001000\nCapPrm:\t0000000000001000\n\
                          CapEff:\t0000000000001000\nCapBnd:\t000001ffffffffff\n";

    #[test]
    fn what_the_kernel_says_is_read() {
        let credentials = Credentials::parse(STATUS).unwrap();
        assert_eq!(credentials.effective_uid, 998);
        assert_eq!(credentials.capability("it").result, Mark::Ok);
        assert_eq!(credentials.group("it").result, Mark::Ok);
        let without = STATUS
            .replace("CapEff:\t0000000000001000", "CapEff:\t0000000000002000")
            .replace("Groups:\t0 ", "Groups:\t");
        let credentials = Credentials::parse(&without).unwrap();
        assert_eq!(credentials.capability("it").result, Mark::Failed);
        assert_eq!(credentials.group("it").result, Mark::Failed);
        assert_eq!(Credentials::parse("Uid:\t1\n"), None);
    }

    #[test]
    fn this_process_is_read() {
        let text = fs::read_to_string("/proc/self/status").unwrap();
        let credentials = Credentials::parse(&text).unwrap();
        assert_eq!(credentials.effective_uid, rustix::process::geteuid().as_raw());
    }
}
