//! Effective security rules in files.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netghost_core::azure::net::Net;
use netghost_core::azure::nsg::{BodyError, Effective, Gate, Rule, Warning, parse_bytes};
use netghost_core::azure::tags::{Tags, service_tags};
use netghost_core::azure::{admin, nsg};
use serde_json::{Value, json};

use super::source::read_word;
use crate::error::Failure;
use crate::examples;
use crate::output::Outcome;

mod audit;
mod diff;
mod evaluate;

/// Effective security rules of a network interface, as Azure or `az` prints them.
#[derive(Debug, clap::Subcommand)]
pub enum Nsg {
    /// Say what becomes of a flow, gate by gate
    #[command(after_help = examples::NSG_EVALUATE)]
    Evaluate(evaluate::Evaluate),
    /// Find rules that let much through and rules that can never fire
    #[command(after_help = examples::NSG_AUDIT)]
    Audit(audit::Audit),
    /// Compare two readings, and say which flows change
    #[command(after_help = examples::NSG_DIFF)]
    Diff(diff::Diff),
}

/// What is known about tags and groups.
#[derive(Debug, Clone, Default, clap::Args)]
struct Known {
    /// A prefix of the complete VirtualNetwork tag: the VNet's, its peers', those of gateways and user routes; may be repeated
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    vnet_prefix: Vec<Net>,
    /// A file of service tags, as `az network list-service-tags` prints it or Microsoft offers it for download
    #[arg(long, value_name = "FILE")]
    service_tags: Option<String>,
    /// The members of an application security group or network group, by its name or resource id; may be repeated
    #[arg(long, value_name = "NAME=IP[,IP]", value_parser = group)]
    asg: Vec<(String, Vec<Net>)>,
}

fn group(text: &str) -> Result<(String, Vec<Net>), String> {
    let (name, members) = text.split_once('=').ok_or("write NAME=IP,IP")?;
    let members = members.split(',').filter(|member| !member.is_empty());
    let nets: Result<Vec<Net>, _> = members.map(str::parse).collect();
    nets.map(|nets| (name.to_lowercase(), nets))
        .map_err(|error| error.to_string())
}

impl Known {
    fn tags(&self) -> Result<Tags, Failure> {
        let service = match &self.service_tags {
            Some(file) => {
                let tags = service_tags(&read_word(file)?);
                tags.map_err(|error| not_taken(file, error))?
            }
            None => BTreeMap::new(),
        };
        Ok(Tags {
            vnet: self.vnet_prefix.clone(),
            service,
            groups: self.asg.iter().cloned().collect(),
        })
    }
}

/// Runs one of them.
pub fn run(command: &Nsg) -> Result<Outcome, Failure> {
    match command {
        Nsg::Evaluate(args) => evaluate::run(args),
        Nsg::Audit(args) => audit::run(args),
        Nsg::Diff(args) => diff::run(args),
    }
}

/// What this reads, for whoever gave something else.
const READS: &str =
    "give what `az network nic list-effective-nsg -o json` or Azure Resource Manager answered, whole";

fn not_taken(file: &str, error: BodyError) -> Failure {
    let arm = matches!(error, BodyError::Arm { .. });
    let failure = Failure::format(error).context(format!("cannot take {file}"));
    if arm { failure } else { failure.hint(READS) }
}

fn rules(file: &str) -> Result<Effective, Failure> {
    parse_bytes(&read_word(file)?).map_err(|error| not_taken(file, error))
}

fn admin_rules(file: Option<&String>) -> Result<Option<(Gate, Vec<Warning>)>, Failure> {
    let Some(file) = file else {
        return Ok(None);
    };
    let read = admin::parse_bytes(&read_word(file)?);
    read.map(Some).map_err(|error| not_taken(file, error))
}

/// A rule as it stands in answers.
fn shown(rule: &Rule) -> Value {
    json!({
        "name": rule.name,
        "collection": rule.collection,
        "priority": rule.priority,
        "access": rule.access.map(nsg::Access::word),
    })
}

fn warnings(all: &[Warning]) -> Result<Value, Failure> {
    serde_json::to_value(all).map_err(|error| Failure::failed("internal", error))
}

fn warning_lines(all: &[Warning]) -> String {
    let line = |warning: &Warning| format!("warning: {}: {}\n", warning.at, warning.message);
    all.iter().map(line).collect()
}

/// A port or a range of them: `443`, `8080-8090`.
pub(super) fn port(text: &str) -> Result<(u16, u16), String> {
    let one = |text: &str| -> Result<u16, String> {
        let port = text.parse().ok().filter(|port| *port > 0);
        port.ok_or_else(|| format!("{text:?} is no port from 1 to 65535"))
    };
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (one(low)?, one(high)?),
        None => (one(text)?, one(text)?),
    };
    if low <= high {
        Ok((low, high))
    } else {
        Err(format!("{text:?} ends before it begins"))
    }
}

/// The form of a flow in answers.
pub(super) fn ports(range: Option<(u16, u16)>) -> Option<String> {
    range.map(|(low, high)| {
        if low == high {
            low.to_string()
        } else {
            format!("{low}-{high}")
        }
    })
}

fn address(address: IpAddr) -> String {
    address.to_string()
}
