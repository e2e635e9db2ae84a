//! How the agent is, as one document that anyone in its group can ask for.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub mod socket;

/// The schema of the document.
pub const SCHEMA: &str = "netghost.agent_status/v1";

/// How the agent is. Times are microseconds since 1970 UTC by the VM's clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The agent's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When the process began.
    pub started_at_us: u64,
    /// `connected`, `connecting`, `disconnected`, `refused`, `contested`, `revoked`.
    pub state: String,
    /// Since when.
    pub since_us: u64,
    /// HOST:PORT.
    pub controller: String,
    /// The proxy's HOST:PORT.
    pub proxy: Option<String>,
    /// The name in the fleet, as the controller last said.
    pub name: Option<String>,
    /// The UUID in the certificate.
    pub id: String,
    /// What last went wrong with the connection; nothing once it stands again.
    pub last_error: Option<LastError>,
    /// When the certificate runs out.
    pub certificate_until_us: u64,
    /// The VM's clock minus the controller's, microseconds; nothing before the first welcome.
    pub clock_offset_us: Option<i64>,
    /// The spool.
    pub spool: SpoolReport,
    /// The commands in hand.
    pub commands: Vec<CommandReport>,
    /// The last head of the controller's audit log.
    pub head: Option<HeadReport>,
    /// What is wrong beside the connection, for people.
    pub warnings: Vec<String>,
}

/// What last went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// For people, as one chain.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// When.
    pub at_us: u64,
}

/// The spool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpoolReport {
    /// What waits to be uploaded, in bytes; nothing where that could not be told.
    pub bytes: Option<u64>,
    /// The most that may wait.
    pub limit: u64,
}

/// A command in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReport {
    /// Its id.
    pub id: String,
    /// `accepted`, `capturing`, `captured`, `uploading`, `finished`.
    pub state: String,
}

/// A head of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadReport {
    /// The number of the last record under it, in decimal digits.
    pub sequence: String,
    /// The hash of that record.
    pub hash: String,
}

/// Where the report hangs for those who ask.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Report>>);

impl Board {
    /// Puts up another report.
    pub fn set(&self, report: Report) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    /// The report as it hangs.
    pub fn get(&self) -> Report {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The report for people.
pub fn text(report: &Report) -> String {
    let mut out = format!("{} since {}\n", report.state, time(report.since_us));
    let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<12} {value}\n"));
    line("controller", &report.controller);
    if let Some(proxy) = &report.proxy {
        line("proxy", proxy);
    }
    line("name", report.name.as_deref().unwrap_or("not told yet"));
    line("id", &report.id);
    line("version", &report.version);
    line(
        "certificate",
        &format!("until {}", time(report.certificate_until_us)),
    );
    let offset = report
        .clock_offset_us
        .map_or_else(|| "not measured yet".to_owned(), offset);
    line("clock", &offset);
    let spool = report.spool.bytes.map_or_else(
        || "not readable".to_owned(),
        |bytes| format!("{bytes} of {} bytes", report.spool.limit),
    );
    line("spool", &spool);
    let head = report.head.as_ref().map_or_else(
        || "none seen".to_owned(),
        |head| format!("{} {}", head.sequence, head.hash),
    );
    line("audit head", &head);
    for command in &report.commands {
        line("command", &format!("{} {}", command.id, command.state));
    }
    if let Some(error) = &report.last_error {
        line("error", &format!("{} ({})", error.message, time(error.at_us)));
        if let Some(hint) = &error.hint {
            line("do", hint);
        }
    }
    for warning in &report.warnings {
        line("warning", warning);
    }
    out
}

/// A difference of clocks in words.
pub fn offset(us: i64) -> String {
    let way = if us < 0 { "behind" } else { "ahead of" };
    let tenths = us.unsigned_abs() / 100_000;
    format!("{}.{} s {way} the controller's", tenths / 10, tenths % 10)
}

/// `2026-11-22 19:43:41 UTC`, by x509-parser's calendar.
pub fn time(us: u64) -> String {
    let seconds = i64::try_from(us / 1_000_000).unwrap_or(i64::MAX);
    let Ok(time) = x509_parser::time::ASN1Time::from_timestamp(seconds) else {
        return format!("{seconds} s after 1970");
    };
    let time = time.to_datetime();
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", time.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_times_read_well() {
        assert_eq!(offset(3_600_000_000), "3600.0 s ahead of the controller's");
        assert_eq!(offset(-1_250_000), "1.2 s behind the controller's");
        assert_eq!(time(1_795_375_421_000_000), "2026-11-22 19:23:41 UTC");
    }

    #[test]
    fn a_report_comes_back_and_reads_well() {
        let report = Report {
            schema: SCHEMA.to_owned(),
            state: "revoked".to_owned(),
            last_error: Some(LastError {
                message: "taken away".to_owned(),
                hint: Some("enrol again".to_owned()),
                at_us: 1,
            }),
            ..Report::default()
        };
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        let text = text(&report);
        for words in [
            "revoked since",
            "taken away",
            "enrol again",
            "not measured yet",
            "not readable",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
