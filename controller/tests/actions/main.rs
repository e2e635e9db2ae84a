//! Actions and approvals on the controller: people who call over the wire, and VMs that keep a real ledger. One suite, over SQLite
//! and over PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

mod approvers;
mod ends;
mod journal;
mod limits;
mod people;
#[path = "../ops/postgres.rs"]
mod postgres;
mod restart;
mod vm;
mod ways;
mod world;

use world::World;

/// Every part of the suite on a fresh store each. Those behind the semicolon stand by themselves for SQLite.
macro_rules! suite {
    ($($name:ident: $part:path),+; $($other:ident: $also:path),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $part(&World::new(None).await).await;
            }
        )+

        /// All of them over PostgreSQL, on a database of its own each.
        const OVER_POSTGRES: &str = concat!($(stringify!($name), " ",)+ $(stringify!($other), " "),+);

        async fn over_postgres(server: &postgres::Server, only: &str) {
            let world = World::new(Some(server.database(only).await)).await;
            match only {
                $(stringify!($name) => $part(&world).await,)+
                $(stringify!($other) => $also(&world).await,)+
                other => panic!("{other} is no part"),
            }
            // A server has room for so many connections.
            world.controller.store.pool().close().await;
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn root_postgres_does_all_that_sqlite_does() {
    let server = postgres::Server::start();
    for part in OVER_POSTGRES.split_whitespace() {
        eprintln!("{part}");
        over_postgres(&server, part).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_action_is_done_and_written_down() {
    ways::an_approved_action_is_done_and_written_down(&World::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_needs_its_role() {
    people::each_call_needs_its_role(&World::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_one_does() {
    people::of_two_who_decide_one_does(&World::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_newer_list_under_the_same_ca_is_published() {
    approvers::only_a_newer_list_under_the_same_ca_is_published(&World::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_takes_up_what_was_left() {
    restart::the_next_process_takes_up_what_was_left(&World::new(None).await).await;
}

suite! {
    a_denied_action_is_withdrawn: ways::a_denied_action_is_withdrawn,
    what_the_vm_says_is_where_it_stands: ways::what_the_vm_says_is_where_it_stands,
    what_the_vm_refuses_is_void_or_failed: ways::what_the_vm_refuses_is_void_or_failed,
    a_proposal_that_was_not_asked_for_is_refused: ways::a_proposal_that_was_not_asked_for_is_refused,
    a_server_runs_and_ends: ways::a_server_runs_and_ends,
    an_approval_by_anybody_else_is_none: people::an_approval_by_anybody_else_is_none,
    an_approval_counts_once: people::an_approval_counts_once,
    four_eyes_are_two_people: people::four_eyes_are_two_people,
    what_waits_can_be_taken_back: people::what_waits_can_be_taken_back,
    an_undo_comes_behind_a_withdrawal: people::an_undo_comes_behind_a_withdrawal,
    nobody_decides_and_it_expires: ends::nobody_decides_and_it_expires,
    a_revoked_agent_ends_its_actions: ends::a_revoked_agent_ends_its_actions,
    another_boot_voids_what_waits: ends::another_boot_voids_what_waits,
    an_agent_that_is_away_is_asked_what_became_of_it: ends::an_agent_that_is_away_is_asked_what_became_of_it,
    reached_is_answered_for_what_is_being_done: ends::reached_is_answered_for_what_is_being_done,
    the_same_id_is_the_same_action: limits::the_same_id_is_the_same_action,
    texts_and_numbers_are_bounded: limits::texts_and_numbers_are_bounded,
    an_agent_has_so_many_open_actions: limits::an_agent_has_so_many_open_actions,
    an_action_is_found_by_the_beginning_of_its_id: limits::an_action_is_found_by_the_beginning_of_its_id,
    an_identity_carries_the_approvers_ca: approvers::an_identity_carries_the_approvers_ca,
    a_journal_goes_on_by_conditions: journal::a_journal_goes_on_by_conditions,
    of_two_controllers_one_undoes: journal::of_two_controllers_one_undoes;
    an_approved_action_is_done_and_written_down: ways::an_approved_action_is_done_and_written_down,
    each_call_needs_its_role: people::each_call_needs_its_role,
    of_two_who_decide_one_does: people::of_two_who_decide_one_does,
    only_a_newer_list_under_the_same_ca_is_published: approvers::only_a_newer_list_under_the_same_ca_is_published,
    the_next_process_takes_up_what_was_left: restart::the_next_process_takes_up_what_was_left,
}
