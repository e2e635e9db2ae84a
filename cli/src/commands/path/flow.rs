//! The word of a flow: `tcp/5001`, `icmp/8`.

use anyhow::anyhow;
use netghost_core::azure::nsg::Protocol;
use netghost_core::azure::path::Flow;

use crate::commands::nsg::{port, ports};
use crate::error::Failure;

/// A flow that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What Azure sees of it.
    pub flow: Flow,
    /// The type of an ICMP message, at which Azure does not look.
    pub icmp_type: Option<u8>,
}

impl Asked {
    /// The protocol, in lower case.
    pub fn protocol(&self) -> String {
        self.flow.protocol.word().to_lowercase()
    }

    /// As it is written.
    pub fn word(&self) -> String {
        let to = ports(self.flow.ports).or_else(|| self.icmp_type.map(|icmp| icmp.to_string()));
        match to {
            Some(to) => format!("{}/{to}", self.protocol()),
            None => self.protocol(),
        }
    }
}

fn wrong(word: &str, why: &str) -> Failure {
    Failure::usage("wrong_use", anyhow!("{word:?} is no flow: {why}"))
        .hint("write tcp/5001, udp/53, tcp/8080-8090, icmp, icmp/8, esp or ah")
}

/// Reads it.
pub(super) fn parse(word: &str, source_ports: Option<(u16, u16)>) -> Result<Asked, Failure> {
    let (name, rest) = match word.split_once('/') {
        Some((name, rest)) => (name, Some(rest)),
        None => (word, None),
    };
    let protocol = Protocol::read(name).filter(|protocol| *protocol != Protocol::Any);
    let protocol = protocol.ok_or_else(|| wrong(word, "its protocol is tcp, udp, icmp, esp or ah"))?;
    let has_ports = matches!(protocol, Protocol::Tcp | Protocol::Udp);
    let (mut ports, mut icmp_type) = (None, None);
    match (protocol, rest) {
        (Protocol::Tcp | Protocol::Udp, Some(text)) => {
            ports = Some(port(text).map_err(|why| wrong(word, &why))?);
        }
        (Protocol::Tcp | Protocol::Udp, None) => return Err(wrong(word, "it goes to a port")),
        (Protocol::Icmp, Some(text)) => {
            let number = text
                .parse()
                .map_err(|_| wrong(word, "a type of ICMP is a number up to 255"))?;
            icmp_type = Some(number);
        }
        (_, Some(_)) => return Err(wrong(word, "this protocol has no ports")),
        (_, None) => {}
    }
    if source_ports.is_some() && !has_ports {
        return Err(wrong(word, "`--source-port` is for tcp and udp"));
    }
    Ok(Asked {
        flow: Flow {
            protocol,
            source_ports,
            ports,
        },
        icmp_type,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests state what they expect by failing")]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_one_word() {
        for (word, protocol, ports, icmp_type) in [
            ("tcp/5001", Protocol::Tcp, Some((5001, 5001)), None),
            ("UDP/53", Protocol::Udp, Some((53, 53)), None),
            ("tcp/8080-8090", Protocol::Tcp, Some((8080, 8090)), None),
            ("icmp", Protocol::Icmp, None, None),
            ("icmp/8", Protocol::Icmp, None, Some(8)),
            ("esp", Protocol::Esp, None, None),
            ("ah", Protocol::Ah, None, None),
        ] {
            let asked = parse(word, None).unwrap();
            assert_eq!(
                (asked.flow.protocol, asked.flow.ports, asked.icmp_type),
                (protocol, ports, icmp_type)
            );
            assert_eq!(asked.word(), word.to_lowercase());
        }
        assert_eq!(
            parse("tcp/80", Some((1, 9))).unwrap().flow.source_ports,
            Some((1, 9))
        );
    }

    #[test]
    fn anything_else_is_no_flow() {
        for word in [
            "",
            "tcp",
            "tcp/",
            "tcp/0",
            "tcp/70000",
            "tcp/9-1",
            "udp/dns",
            "icmp/256",
            "icmp/x",
            "esp/1",
            "ah/",
            "*",
            "*/5",
            "sctp/1",
            "tcp/1/2",
        ] {
            assert!(parse(word, None).is_err(), "{word:?}");
        }
        assert!(parse("icmp", Some((1, 1))).is_err());
    }
}
