//! For people: one line like those of `ip link`.

use std::fmt;

use super::{InfoData, Link, LinkRef};

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        match &self.parent {
            Some(LinkRef::Here { name }) => write!(f, "@{name}")?,
            Some(LinkRef::OtherNamespace) => f.write_str("@(other namespace)")?,
            Some(LinkRef::Gone) => f.write_str("@(gone)")?,
            None => {}
        }
        let mut flags: Vec<_> = self.flags.iter().map(|flag| flag.to_uppercase()).collect();
        if self.admin_up {
            flags.push("UP".to_owned());
        }
        write!(f, ": <{}> mtu {}", flags.join(","), self.mtu)?;
        if let Some(master) = &self.master {
            write!(f, " master {master}")?;
        }
        if let Some(length) = self.queue_length_packets {
            write!(f, " qlen {length}")?;
        }
        if let Some(mac) = &self.mac {
            write!(f, " address {mac}")?;
        }
        if let Some(kind) = &self.kind {
            write!(f, " {kind}")?;
        }
        if let InfoData::Vlan(vlan) = &self.data {
            write!(f, " id {}", vlan.id)?;
        }
        for mode in &self.xdp {
            write!(f, " xdp {mode}")?;
        }
        if let Some(alias) = &self.alias {
            write!(f, " alias {alias}")?;
        }
        Ok(())
    }
}
