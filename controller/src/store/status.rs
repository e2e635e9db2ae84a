//! What a caller is told when the store fails.

use tonic::Status;

use super::Error;

/// SQLite's code for a full disk (SQLITE_FULL, <https://www.sqlite.org/rescode.html#full>), and PostgreSQL's (disk_full).
const FULL: [&str; 2] = ["13", "53100"];

impl From<Error> for Status {
    /// The caller learns that the store failed and where to look; the log has the whole chain.
    fn from(error: Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        if is_full(&error) {
            return Self::resource_exhausted("the controller's disk is full: free some space on it");
        }
        match error {
            Error::Damaged { .. } | Error::Missing { .. } => Self::data_loss(error.to_string()),
            _ => Self::internal(format!("{error} failed: the controller's log says why")),
        }
    }
}

/// True if the disk that holds the store has no space left.
fn is_full(error: &Error) -> bool {
    if let Error::Database(sqlx::Error::Database(refused)) = error {
        return refused.code().is_some_and(|code| FULL.contains(&code.as_ref()));
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = source {
        let io = at.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
            return true;
        }
        source = at.source();
    }
    false
}
