//! What hangs on the board.

use std::time::Duration;

use super::driver::Driver;
use crate::outside::{now_us, since_boot};
use crate::status::{CommandReport, HeadReport, LastError, Report, SCHEMA, SpoolReport};

impl Driver {
    /// Puts up how the agent is.
    pub(super) fn report(&mut self) {
        let (standing, since) = self.machine.standing();
        self.stands(standing);
        let wall = |at: Duration| {
            let ago = since_boot().saturating_sub(at).as_micros();
            now_us().saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX))
        };
        let identity = self.identity.as_ref();
        self.board.set(Report {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at_us: self.started_at_us,
            state: standing.as_str().to_owned(),
            since_us: wall(since),
            controller: self.dialer.address.to_string(),
            proxy: self.dialer.proxy.as_ref().map(|proxy| proxy.address.to_string()),
            name: self.name.clone(),
            id: identity
                .map(|ours| ours.spiffe.id.to_string())
                .unwrap_or_default(),
            last_error: self.machine.trouble().map(|trouble| LastError {
                message: trouble.why.clone(),
                hint: trouble.hint.clone(),
                at_us: wall(trouble.at),
            }),
            certificate_until_us: identity.map(|ours| ours.not_after_us).unwrap_or_default(),
            clock_offset_us: self.clock_offset_us,
            spool: SpoolReport {
                bytes: self.spool_bytes,
                limit: self.storage.spool.limit(),
            },
            commands: self
                .machine
                .in_hand()
                .map(|command| CommandReport {
                    id: command.id.to_string(),
                    state: command.state.to_owned(),
                })
                .collect(),
            head: self.head.as_ref().map(|head| HeadReport {
                sequence: head.sequence.0.to_string(),
                hash: head.hash.to_string(),
            }),
            warnings: self.warning.iter().cloned().collect(),
        });
    }
}
