//! Sets of flows as blocks: products of a set for each of five dimensions.

use std::sync::Arc;

use super::addresses::Addresses;
use super::ranges::Ranges;

/// A set of IP protocols, those that a rule can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocols(u8);

impl Protocols {
    /// TCP.
    pub const TCP: Self = Self(1);
    /// UDP.
    pub const UDP: Self = Self(2);
    /// ICMP.
    pub const ICMP: Self = Self(4);
    /// The encapsulating security payload of IPsec.
    pub const ESP: Self = Self(8);
    /// The authentication header of IPsec.
    pub const AH: Self = Self(16);
    /// Every protocol without a name of its own in rules.
    pub const OTHER: Self = Self(32);
    /// Those whose packets have ports.
    pub const WITH_PORTS: Self = Self(3);
    /// All.
    pub const ALL: Self = Self(63);
    /// None.
    pub const NONE: Self = Self(0);
    /// Each alone, with its name.
    pub const EACH: [(Self, &'static str); 6] = [
        (Self::TCP, "tcp"),
        (Self::UDP, "udp"),
        (Self::ICMP, "icmp"),
        (Self::ESP, "esp"),
        (Self::AH, "ah"),
        (Self::OTHER, "other"),
    ];

    /// What is in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub fn subtract(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True where it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where every member of `other` is in it.
    pub fn covers(self, other: Self) -> bool {
        other.subtract(self).is_empty()
    }

    /// The names: `any` for all.
    pub fn words(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec!["any"];
        }
        let each = Self::EACH.iter().filter(|(one, _)| self.covers(*one));
        each.map(|(_, name)| *name).collect()
    }
}

/// The flows whose every dimension is in the block's set. Packets of protocols without ports have all ports here, so that
/// one set of flows has one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The protocols.
    pub protocols: Protocols,
    /// Where the packets come from.
    pub sources: Arc<Addresses>,
    /// Where they go.
    pub destinations: Arc<Addresses>,
    /// The ports that they come from.
    pub source_ports: Arc<Ranges<u16>>,
    /// The ports that they go to.
    pub ports: Arc<Ranges<u16>>,
}

impl Block {
    /// Every flow of an IP version: an IPv4 source never meets an IPv6 destination, which is left to the reader of a result.
    pub fn full() -> Self {
        Self {
            protocols: Protocols::ALL,
            sources: Arc::new(Addresses::full()),
            destinations: Arc::new(Addresses::full()),
            source_ports: Arc::new(Ranges::full()),
            ports: Arc::new(Ranges::full()),
        }
    }

    /// True where it holds no flow: a dimension is empty, or no family has both addresses.
    pub fn is_empty(&self) -> bool {
        let v4 = self.sources.v4.is_empty() || self.destinations.v4.is_empty();
        let v6 = self.sources.v6.is_empty() || self.destinations.v6.is_empty();
        self.protocols.is_empty() || (v4 && v6) || self.source_ports.is_empty() || self.ports.is_empty()
    }

    /// True where a flow is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let family = |sources: bool, destinations: bool| sources && destinations;
        let v4 = family(
            self.sources.v4.overlaps(&other.sources.v4),
            self.destinations.v4.overlaps(&other.destinations.v4),
        );
        !self.protocols.intersect(other.protocols).is_empty()
            && self.ports.overlaps(&other.ports)
            && self.source_ports.overlaps(&other.source_ports)
            && (v4
                || family(
                    self.sources.v6.overlaps(&other.sources.v6),
                    self.destinations.v6.overlaps(&other.destinations.v6),
                ))
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            protocols: self.protocols.intersect(other.protocols),
            sources: Arc::new(self.sources.intersect(&other.sources)),
            destinations: Arc::new(self.destinations.intersect(&other.destinations)),
            source_ports: Arc::new(self.source_ports.intersect(&other.source_ports)),
            ports: Arc::new(self.ports.intersect(&other.ports)),
        }
    }

    /// What is in it and not in `other`: at most five blocks that don't overlap.
    fn subtract(&self, other: &Self, into: &mut Vec<Self>) {
        if !self.overlaps(other) {
            into.push(self.clone());
            return;
        }
        let both = self.intersect(other);
        // What is left of the block while its dimensions are narrowed one by one.
        let mut rest = self.clone();
        let mut keep = |piece: Self| {
            if !piece.is_empty() {
                into.push(piece);
            }
        };
        keep(Self {
            protocols: rest.protocols.subtract(other.protocols),
            ..rest.clone()
        });
        rest.protocols = both.protocols;
        keep(Self {
            ports: Arc::new(rest.ports.subtract(&other.ports)),
            ..rest.clone()
        });
        rest.ports = both.ports;
        keep(Self {
            source_ports: Arc::new(rest.source_ports.subtract(&other.source_ports)),
            ..rest.clone()
        });
        rest.source_ports = both.source_ports;
        keep(Self {
            sources: Arc::new(rest.sources.subtract(&other.sources)),
            ..rest.clone()
        });
        rest.sources = both.sources;
        keep(Self {
            destinations: Arc::new(rest.destinations.subtract(&other.destinations)),
            ..rest
        });
    }
}

/// The work that one question may cost, so that no ruleset can make a program compute for ever.
#[derive(Debug, Clone)]
pub struct Budget {
    left: u64,
}

/// The budget is spent: the answer is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sets of flows have too many parts to be compared")]
pub struct TooMany;

/// More parts than this in one set mean that it is not worth going on.
const MOST_BLOCKS: usize = 4096;

impl Budget {
    /// So many operations on blocks; a million take about a second.
    pub fn new(operations: u64) -> Self {
        Self { left: operations }
    }

    /// What is left of it.
    pub fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, operations: usize) -> Result<(), TooMany> {
        let operations = u64::try_from(operations).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(operations).ok_or(TooMany)?;
        Ok(())
    }
}

/// A set of flows: blocks that may overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Region(Vec<Block>);

impl Region {
    /// The flows of these blocks.
    pub fn of(blocks: impl IntoIterator<Item = Block>) -> Self {
        Self(blocks.into_iter().filter(|block| !block.is_empty()).collect())
    }

    /// No flow.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.0
    }

    /// True where it holds no flow.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True where a flow is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0
            .iter()
            .any(|block| other.0.iter().any(|other| block.overlaps(other)))
    }

    /// Adds the flows of `other`.
    pub fn add(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// What is in both.
    ///
    /// # Errors
    /// Where the budget is spent.
    pub fn intersect(&self, other: &Self, budget: &mut Budget) -> Result<Self, TooMany> {
        budget.spend(self.0.len().saturating_mul(other.0.len()))?;
        let pairs = self
            .0
            .iter()
            .flat_map(|block| other.0.iter().map(move |other| (block, other)));
        let both = pairs
            .filter(|(block, other)| block.overlaps(other))
            .map(|(block, other)| block.intersect(other));
        let both = Self::of(both);
        if both.0.len() > MOST_BLOCKS {
            return Err(TooMany);
        }
        Ok(both)
    }

    /// What is in it and not in `other`.
    ///
    /// # Errors
    /// Where the budget is spent.
    pub fn subtract(&self, other: &Self, budget: &mut Budget) -> Result<Self, TooMany> {
        let mut rest = self.0.clone();
        for block in &other.0 {
            budget.spend(rest.len())?;
            let mut next = Vec::with_capacity(rest.len());
            for mine in &rest {
                mine.subtract(block, &mut next);
            }
            if next.len() > MOST_BLOCKS {
                return Err(TooMany);
            }
            rest = next;
        }
        Ok(Self(rest))
    }
}

#[cfg(test)]
mod tests;
