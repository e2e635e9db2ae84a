//! What Azure signed: JSON that names the VM.

use serde::Deserialize;
use uuid::Uuid;

use crate::caller::shown;

/// How far the clocks of Azure and of this host may be apart, microseconds.
const SKEW_US: u64 = 5 * 60 * 1_000_000;
/// No document serves longer than this after it was made, microseconds; Azure gives six hours.
const LONGEST_US: u64 = 24 * 3_600_000_000;

/// What a VM's document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The VM's unique id, as a UUID in lower case.
    pub vm: String,
    /// Its subscription, likewise.
    pub subscription: String,
    /// What the document was asked with.
    pub nonce: String,
}

/// Why something signed is no statement of a VM that counts now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAStatement {
    /// Another form.
    #[error("what is signed is not the JSON of an attested document ({0})")]
    Form(String),
    /// A field that must be a UUID is none: a VM of the classic deployment model has no subscription.
    #[error("its {0} is no UUID: only VMs of Azure Resource Manager can enrol so")]
    NotAnId(&'static str),
    /// A time in another form.
    #[error("its {0} is no time of the form MM/DD/YY HH:MM:SS -0000")]
    NotATime(&'static str),
    /// Made after now.
    #[error("it was made at {}, and it is {} here: set the controller's clock", shown(*.made_us), shown(*.now_us))]
    Early {
        /// When it was made.
        made_us: u64,
        /// What the clock says.
        now_us: u64,
    },
    /// It serves no more.
    #[error("it ran out at {}, and it is {} here: ask for a new one", shown(*.until_us), shown(*.now_us))]
    Late {
        /// When it ran out.
        until_us: u64,
        /// What the clock says.
        now_us: u64,
    },
    /// It runs out before it was made, or serves longer than any.
    #[error("it was made at {} and runs out at {}, which can't be", shown(*.made_us), shown(*.until_us))]
    Period {
        /// When it was made.
        made_us: u64,
        /// When it runs out.
        until_us: u64,
    },
}

/// The JSON. What is not named here is not needed, and may be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    nonce: String,
    subscription_id: String,
    vm_id: String,
    time_stamp: TimeStamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimeStamp {
    created_on: String,
    expires_on: String,
}

impl Statement {
    /// Reads what was signed, as it counts at this time.
    pub(super) fn read(content: &[u8], now_us: u64) -> Result<Self, NotAStatement> {
        let document: Document =
            serde_json::from_slice(content).map_err(|error| NotAStatement::Form(error.to_string()))?;
        let id = |name, text: &str| {
            let id = Uuid::try_parse(text).map_err(|_| NotAStatement::NotAnId(name))?;
            Ok(id.hyphenated().to_string())
        };
        let time = |name, text: &str| time(text).ok_or(NotAStatement::NotATime(name));
        let made_us = time("timeStamp.createdOn", &document.time_stamp.created_on)?;
        let until_us = time("timeStamp.expiresOn", &document.time_stamp.expires_on)?;
        if until_us <= made_us || until_us - made_us > LONGEST_US {
            return Err(NotAStatement::Period { made_us, until_us });
        }
        if made_us > now_us.saturating_add(SKEW_US) {
            return Err(NotAStatement::Early { made_us, now_us });
        }
        if until_us.saturating_add(SKEW_US) <= now_us {
            return Err(NotAStatement::Late { until_us, now_us });
        }
        Ok(Self {
            vm: id("vmId", &document.vm_id)?,
            subscription: id("subscriptionId", &document.subscription_id)?,
            nonce: document.nonce,
        })
    }
}

/// `MM/DD/YY HH:MM:SS -0000`, in microseconds since 1970 UTC. The years are those from 2000 on.
fn time(text: &str) -> Option<u64> {
    let (date, rest) = text.split_once(' ')?;
    let (clock, zone) = rest.split_once(' ')?;
    if !matches!(zone, "-0000" | "+0000") {
        return None;
    }
    let [month, day, year] = numbers(date, '/')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let month = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        .get(..usize::try_from(month.checked_sub(1)?).ok()?)
        .filter(|_| month <= 12)
        .map(|before| before.iter().sum::<u64>() + u64::from(month > 2 && year.is_multiple_of(4)))
        .filter(|_| (1..=length(month, year)).contains(&day))?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Of the years 2000 to 2099 every fourth is a leap year, the first among them; 2000 began 10,957 days after 1970.
    let days = 10_957 + year * 365 + year.div_ceil(4) + month + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}

/// How many days a month has.
fn length(month: u64, year: u64) -> u64 {
    match month {
        2 => 28 + u64::from(year.is_multiple_of(4)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Three numbers of two digits each.
fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_650_331_641_000_000;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time("04/19/22 01:27:21 -0000"), Some(NOW));
        assert_eq!(time("01/01/00 00:00:00 +0000"), Some(946_684_800_000_000));
        assert_eq!(time("02/29/24 23:59:59 -0000"), Some(1_709_251_199_000_000));
        assert_eq!(time("03/01/24 00:00:00 -0000"), Some(1_709_251_200_000_000));
        assert_eq!(time("12/31/99 00:00:00 -0000"), Some(4_102_358_400_000_000));
        for not in [
            "",
            "13/01/22 00:00:00 -0000",
            "00/01/22 00:00:00 -0000",
            "02/29/23 00:00:00 -0000",
            "04/31/22 00:00:00 -0000",
            "04/00/22 00:00:00 -0000",
            "04/19/22 24:00:00 -0000",
            "04/19/22 01:60:00 -0000",
            "04/19/22 01:27:21 -0700",
            "04/19/22 01:27:21",
            "4/19/22 01:27:21 -0000",
            "04/19/2022 01:27:21 -0000",
            "2022-04-19T01:27:21Z",
            "04/19/22/1 01:27:21 -0000",
        ] {
            assert_eq!(time(not), None, "{not}");
        }
    }

    fn document(made: &str, until: &str) -> String {
        format!(
            r#"{{"licenseType":"","nonce":"1","plan":{{"name":""}},"sku":"s","newer":[1],
            "subscriptionId":"5F130FFC-0a3e-4795-b691-4f56a12a5547","timeStamp":{{"createdOn":"{made}","expiresOn":"{until}"}},
            "vmId":"bd8e7443-24a0-41f3-b949-8baf4fd1c573"}}"#
        )
    }

    #[test]
    fn a_statement_counts_in_its_time() {
        let good = document("04/19/22 01:27:21 -0000", "04/19/22 07:27:21 -0000");
        let statement = Statement::read(good.as_bytes(), NOW).unwrap();
        assert_eq!(statement.subscription, "5f130ffc-0a3e-4795-b691-4f56a12a5547");
        assert_eq!(statement.vm, "bd8e7443-24a0-41f3-b949-8baf4fd1c573");
        let at = |now| Statement::read(good.as_bytes(), now).map(drop);
        assert_eq!(at(NOW - SKEW_US), Ok(()));
        assert!(matches!(at(NOW - SKEW_US - 1), Err(NotAStatement::Early { .. })));
        assert_eq!(at(NOW + 6 * 3_600_000_000 + SKEW_US - 1), Ok(()));
        assert!(matches!(
            at(NOW + 6 * 3_600_000_000 + SKEW_US),
            Err(NotAStatement::Late { .. })
        ));
        for (made, until) in [
            ("04/19/22 01:27:21 -0000", "04/19/22 01:27:21 -0000"),
            ("04/19/22 01:27:21 -0000", "05/19/22 01:27:21 -0000"),
        ] {
            let read = Statement::read(document(made, until).as_bytes(), NOW);
            assert!(
                matches!(read, Err(NotAStatement::Period { .. })),
                "{made} {until}"
            );
        }
    }

    #[test]
    fn what_is_no_statement_is_named() {
        let good = document("04/19/22 01:27:21 -0000", "04/19/22 07:27:21 -0000");
        for (from, to, word) in [
            ("\"vmId\"", "\"vmid\"", "vmId"),
            ("bd8e7443-24a0-41f3-b949-8baf4fd1c573", "", "vmId"),
            ("5F130FFC-0a3e-4795-b691-4f56a12a5547", "../x", "subscriptionId"),
            ("\"nonce\":\"1\"", "\"nonce\":1", "string"),
            ("\"nonce\":\"1\"", "\"nonce\":\"1\",\"nonce\":\"2\"", "duplicate"),
            ("04/19/22 07:27:21 -0000", "tomorrow", "expiresOn"),
            ("\"sku\"", "sku", "JSON"),
        ] {
            let read = Statement::read(good.replace(from, to).as_bytes(), NOW);
            let error = read.unwrap_err().to_string();
            assert!(error.contains(word), "{to}: {error}");
        }
        assert!(Statement::read(format!("{good}x").as_bytes(), NOW).is_err());
    }
}
