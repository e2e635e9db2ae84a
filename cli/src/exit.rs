//! How the command ends.

use std::process::ExitCode;

/// The exit status. Where several hold, [`Status::Act`] comes before [`Status::Unknown`], and that before [`Status::Good`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The good answer, complete.
    Good = 0,
    /// Something to act on: drift, a bad signature.
    Act = 1,
    /// Wrong use, or input that is not of the format. Standard output stays empty.
    Usage = 2,
    /// Unknown, torn or partial.
    Unknown = 3,
    /// The operation failed, and nothing was learnt.
    Failed = 4,
    /// A person is needed: an approval is pending, denied or expired.
    Person = 5,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Good => 0,
            Status::Act => 1,
            Status::Usage => 2,
            Status::Unknown => 3,
            Status::Failed => 4,
            Status::Person => 5,
        })
    }
}
