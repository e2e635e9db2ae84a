//! By which way a host is read: what was asked for, what there is, and what is allowed, to one way and why it is that one.

use super::way::{Via, Way};

/// What is known of a host that is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// It has an agent that is enrolled, or it is this very host.
    pub agent: bool,
    /// It is a VM in Azure that can be asked for.
    pub vm: bool,
    /// It is named as a destination of ssh.
    pub destination: bool,
}

/// What may be done to hosts without an agent. The probe runs as root there, so an operator has to enable it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// Scripts that Azure runs in VMs.
    pub run_command: bool,
    /// Scripts over ssh.
    pub ssh: bool,
}

/// A way, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The way.
    pub way: Way,
    /// Why, in a few words.
    pub why: &'static str,
}

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    /// It was asked for its agent.
    #[error("it has no agent: enrol one, or read it with `--via run-command` or `--via ssh`")]
    NoAgent,
    /// It is no VM that is known in Azure.
    #[error("it is no VM that this login to Azure finds")]
    NoVm,
    /// It is named by no destination.
    #[error("it is no destination of ssh: name it as USER@HOST")]
    NoDestination,
    /// Run-command is not enabled.
    #[error(
        "it has no agent, and run-command is not enabled here: set `run_command = true` under [probe] in the controller's \
         configuration"
    )]
    RunCommandOff,
    /// Ssh is not enabled.
    #[error("ssh is not enabled here: set `ssh = true` under [probe] in the controller's configuration")]
    SshOff,
    /// Neither an agent, nor a VM, nor a destination.
    #[error("it has no agent, it is no VM that is known in Azure, and no destination of ssh")]
    Nothing,
}

/// The way to a host.
///
/// # Errors
/// If what was asked for is not there or not allowed. Another way than the one that was asked for is never taken.
pub fn choose(via: Via, known: Known, allowed: Allowed) -> Result<Chosen, NoWay> {
    let chosen = |way, why| Ok(Chosen { way, why });
    match via {
        Via::Agent if known.agent => chosen(Way::Agent, "it was asked for"),
        Via::Agent => Err(NoWay::NoAgent),
        Via::RunCommand if !allowed.run_command => Err(NoWay::RunCommandOff),
        Via::RunCommand if known.vm => chosen(Way::RunCommand, "it was asked for"),
        Via::RunCommand => Err(NoWay::NoVm),
        Via::Ssh if !allowed.ssh => Err(NoWay::SshOff),
        Via::Ssh if known.destination => chosen(Way::Ssh, "it was asked for"),
        Via::Ssh => Err(NoWay::NoDestination),
        Via::Auto if known.agent => chosen(Way::Agent, "it has an agent"),
        Via::Auto if known.vm && allowed.run_command => chosen(Way::RunCommand, "it has no agent"),
        Via::Auto if known.destination && allowed.ssh => {
            let why = match known.vm {
                true => "it has no agent, and run-command is not enabled",
                false => "it has no agent, and is no VM that is known in Azure",
            };
            chosen(Way::Ssh, why)
        }
        Via::Auto if known.vm => Err(NoWay::RunCommandOff),
        Via::Auto if known.destination => Err(NoWay::SshOff),
        Via::Auto => Err(NoWay::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a`gent, `v`m, `d`estination; `r`un-command and `s`sh allowed.
    fn chosen(via: Via, words: &str) -> Result<Way, NoWay> {
        let is = |letter| words.contains(letter);
        let known = Known {
            agent: is('a'),
            vm: is('v'),
            destination: is('d'),
        };
        let allowed = Allowed {
            run_command: is('r'),
            ssh: is('s'),
        };
        choose(via, known, allowed).map(|chosen| chosen.way)
    }

    #[test]
    fn every_case_has_its_way() {
        for (words, wanted) in [
            ("avdrs", Ok(Way::Agent)),
            ("a", Ok(Way::Agent)),
            ("vdrs", Ok(Way::RunCommand)),
            ("vr", Ok(Way::RunCommand)),
            ("vds", Ok(Way::Ssh)),
            ("drs", Ok(Way::Ssh)),
            ("vd", Err(NoWay::RunCommandOff)),
            ("vs", Err(NoWay::RunCommandOff)),
            ("dr", Err(NoWay::SshOff)),
            ("rs", Err(NoWay::Nothing)),
            ("", Err(NoWay::Nothing)),
        ] {
            assert_eq!(chosen(Via::Auto, words), wanted, "auto {words}");
        }
        for (via, words, wanted) in [
            (Via::Agent, "avdrs", Ok(Way::Agent)),
            (Via::Agent, "vdrs", Err(NoWay::NoAgent)),
            (Via::RunCommand, "avdrs", Ok(Way::RunCommand)),
            (Via::RunCommand, "avds", Err(NoWay::RunCommandOff)),
            (Via::RunCommand, "adrs", Err(NoWay::NoVm)),
            (Via::Ssh, "avdrs", Ok(Way::Ssh)),
            (Via::Ssh, "avdr", Err(NoWay::SshOff)),
            (Via::Ssh, "avrs", Err(NoWay::NoDestination)),
        ] {
            assert_eq!(chosen(via, words), wanted, "{via} {words}");
        }
    }

    #[test]
    fn what_was_asked_for_is_taken_or_nothing_is() {
        let way = [Way::Agent, Way::RunCommand, Way::Ssh];
        for (via, own) in [Via::Agent, Via::RunCommand, Via::Ssh].into_iter().zip(way) {
            for bits in 0..32_u8 {
                let words: String = "avdrs"
                    .chars()
                    .enumerate()
                    .filter_map(|(bit, letter)| (bits >> bit & 1 == 1).then_some(letter))
                    .collect();
                assert!(
                    chosen(via, &words).is_err() || chosen(via, &words) == Ok(own),
                    "{via} {words}"
                );
            }
        }
    }
}
