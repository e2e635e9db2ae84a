//! For people: one line in the syntax of `ip route`, several ways included.

use std::fmt;

use super::{IpFamily, Nexthop, Prefix, Route, words};

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != "unicast" {
            write!(f, "{} ", self.kind)?;
        }
        write_prefix(f, self.destination)?;
        if let Some(source) = self.source {
            f.write_str(" from ")?;
            write_prefix(f, source)?;
        }
        if self.tos != 0 {
            write!(f, " tos {:#04x}", self.tos)?;
        }
        if let Some(object) = self.nexthop_object {
            write!(f, " nhid {object}")?;
        }
        if let [only] = self.nexthops.as_slice() {
            write_way(f, only, self.family)?;
        }
        self.write_rest(f)?;
        if self.nexthops.len() > 1 {
            for nexthop in &self.nexthops {
                f.write_str(" nexthop")?;
                write_way(f, nexthop, self.family)?;
                write!(f, " weight {}", nexthop.weight)?;
            }
        }
        Ok(())
    }
}

impl Route {
    fn write_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.table != 254 {
            write!(f, " table {}", words::table(self.table))?;
        }
        // What `ip route add` takes by itself is not spelt out.
        if self.protocol != "boot" {
            write!(f, " proto {}", self.protocol)?;
        }
        if self.scope != "global" {
            write!(f, " scope {}", self.scope)?;
        }
        if let Some(source) = self.preferred_source {
            write!(f, " src {source}")?;
        }
        if self.priority != 0 {
            write!(f, " metric {}", self.priority)?;
        }
        for flag in &self.flags {
            write!(f, " {flag}")?;
        }
        for metric in &self.metrics {
            let lock = if metric.locked { " lock" } else { "" };
            write!(f, " {}{lock} {}", metric.name, metric.value)?;
        }
        if let Some(name) = &self.congestion_control {
            write!(f, " congctl {name}")?;
        }
        match &self.preference {
            Some(preference) => write!(f, " pref {preference}"),
            None => Ok(()),
        }
    }
}

fn write_prefix(f: &mut fmt::Formatter<'_>, prefix: Prefix) -> fmt::Result {
    let whole = if prefix.address.is_ipv4() { 32 } else { 128 };
    match prefix.length {
        0 if prefix.address.is_unspecified() => f.write_str("default"),
        length if length == whole => write!(f, "{}", prefix.address),
        length => write!(f, "{}/{length}", prefix.address),
    }
}

fn write_way(f: &mut fmt::Formatter<'_>, nexthop: &Nexthop, family: IpFamily) -> fmt::Result {
    if let Some(encapsulation) = &nexthop.encapsulation {
        write!(f, " encap {} {}", encapsulation.kind, encapsulation.payload)?;
    }
    match nexthop.gateway {
        Some(gateway) if gateway.is_ipv6() && family == IpFamily::Ipv4 => write!(f, " via inet6 {gateway}")?,
        Some(gateway) => write!(f, " via {gateway}")?,
        None => {}
    }
    if let Some(device) = &nexthop.device {
        write!(f, " dev {device}")?;
    }
    for flag in &nexthop.flags {
        write!(f, " {flag}")?;
    }
    match nexthop.realm {
        Some(realm) => write!(f, " realm {realm}"),
        None => Ok(()),
    }
}
