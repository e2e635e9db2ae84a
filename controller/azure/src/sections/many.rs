//! Many network interfaces, a bounded number at once, each handed out as soon as it is read.

use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use netghost_core::azure::id::ResourceId;
use netghost_core::snapshot::Snapshot;

use super::{NOT_REACHED, NicReader};

/// One network interface, read.
#[derive(Debug)]
pub struct Read {
    /// Its place in the list that was asked for.
    pub index: usize,
    /// What was read; sections that could not be are in it, with why.
    pub snapshot: Snapshot,
    /// How many are read by now, with this one.
    pub done: usize,
    /// How many there are.
    pub all: usize,
    /// False where the deadline came before it was begun.
    pub reached: bool,
}

impl NicReader {
    /// Reads all of these, in the order given as far as the order of beginning goes, and tells of each as it comes. Every one is
    /// told of exactly once: those that the deadline left out too, as unreadable.
    pub async fn read_all(&self, nics: &[ResourceId], mut told: impl FnMut(Read)) {
        let each = nics.iter().enumerate().map(|(index, nic)| async move {
            let reached = Instant::now() < self.reading.deadline;
            let snapshot = if reached {
                self.read(nic).await
            } else {
                self.unreadable(nic, NOT_REACHED)
            };
            (index, snapshot, reached)
        });
        let mut running = stream::iter(each).buffer_unordered(self.reading.at_once.max(1));
        let mut done = 0;
        while let Some((index, snapshot, reached)) = running.next().await {
            done += 1;
            told(Read {
                index,
                snapshot,
                done,
                all: nics.len(),
                reached,
            });
        }
    }
}
