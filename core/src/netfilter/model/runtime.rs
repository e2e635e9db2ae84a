//! What the kernel numbers, counts or lets packets fill. Never compared, never part of a configuration's digest.

use serde::{Deserialize, Serialize};

use super::Element;
use crate::bytes::Big;

/// The runtime side of a [`super::Ruleset`]: the same tables, chains, rules and sets in the same places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RulesetRuntime {
    /// One for each table.
    pub tables: Vec<TableRuntime>,
}

/// Runtime of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableRuntime {
    /// The kernel's handle.
    pub handle: Option<Big>,
    /// One for each chain.
    pub chains: Vec<ChainRuntime>,
    /// One for each named set.
    pub sets: Vec<SetRuntime>,
    /// One for each object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectRuntime>,
    /// The netlink port of the program that owns the table and with which it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
}

/// Runtime of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChainRuntime {
    /// The kernel's handle.
    pub handle: Option<Big>,
    /// What the policy decided, where it is counted.
    pub policy_counters: Option<Counters>,
    /// One for each rule.
    pub rules: Vec<RuleRuntime>,
}

/// Runtime of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuleRuntime {
    /// The kernel's handle.
    pub handle: Option<Big>,
    /// What matched, where it is counted. `None` is "not counted", never zero.
    pub counters: Option<Counters>,
    /// In force, and not shown by the ordinary tools: it is, or stands behind, a rule too large for their listing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Packets.
    pub packets: Big,
    /// Bytes.
    pub bytes: Big,
}

/// Runtime of a named set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetRuntime {
    /// The kernel's handle.
    pub handle: Option<Big>,
    /// Elements that packets added to a dynamic set.
    pub elements: Vec<Element>,
    /// What the elements have come to, in the same places: those of the configuration, or those above where the set is
    /// dynamic. Empty where no element counts or expires.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<ElementRuntime>,
}

/// Runtime of an element of a set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ElementRuntime {
    /// When it goes, in milliseconds from the reading.
    pub expires_ms: Option<Big>,
    /// What matched it, where it is counted.
    pub counters: Option<Counters>,
}

/// Runtime of a named object or flowtable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ObjectRuntime {
    /// The kernel's handle.
    pub handle: Option<Big>,
    /// What a counter has counted.
    pub counters: Option<Counters>,
    /// What of a quota is used, in bytes.
    pub used: Option<Big>,
}
