//! What keeps a controller honest and watched: the audit log, keys, backups, health and metrics. One suite, over SQLite and over
//! PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

mod backups;
mod log;
mod place;
mod postgres;
mod watched;
mod words;

use place::Place;

/// Every part of the suite on a fresh store each.
macro_rules! suite {
    ($($name:ident: $part:path),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $part(&Place::sqlite().await).await;
            }
        )+

        /// The same over PostgreSQL, on a schema of its own each.
        #[tokio::test(flavor = "multi_thread")]
        async fn root_postgres_does_all_that_sqlite_does() {
            let server = postgres::Server::start();
            $(
                eprintln!("{}", stringify!($name));
                $part(&Place::postgres(&server.database(stringify!($name)).await).await).await;
            )+
        }
    };
}

suite! {
    heads_are_signed_in_a_chain: log::heads_are_signed_in_a_chain,
    a_log_is_read_and_verified_from_outside: log::a_log_is_read_and_verified_from_outside,
    every_kind_of_edit_is_found: log::every_kind_of_edit_is_found,
    appends_at_once_make_one_chain: log::appends_at_once_make_one_chain,
    a_witness_that_disagrees_is_written_down_once: log::a_witness_that_disagrees_is_written_down_once,
    keys_are_published_with_their_periods: log::keys_are_published_with_their_periods,
    metrics_can_be_read: watched::metrics_can_be_read,
    readiness_says_what_is_missing: watched::readiness_says_what_is_missing,
    people_and_tokens_come_and_go: words::people_and_tokens_come_and_go,
}
