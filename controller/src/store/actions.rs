//! Rows of actions and of what was demanded for them.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_core::gate::{ActionState, ApprovalState};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{id, optional_digest, text};
use super::{Error, column, value};

/// An action as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRow {
    /// Its id, which whoever asked chose.
    pub id: Id,
    /// The agent.
    pub agent: Id,
    /// The agent's name when it was asked for.
    pub name: String,
    /// Who asked.
    pub requester: String,
    /// Canonical JSON of core's `gate::Asked`.
    pub request: String,
    /// Canonical JSON of core's `gate::Action` as the VM wrote it; empty until then.
    pub document: String,
    /// The document's.
    pub digest: Option<Digest>,
    /// Nothing until there is a document.
    pub approval: Option<ApprovalState>,
    /// Where it stands.
    pub state: ActionState,
    /// Why, where the state needs it; may be empty.
    pub why: String,
    /// A fixed word of a refusal; may be empty.
    pub code: String,
    /// What the operation said; may be empty.
    pub output: String,
    /// Who approved or denied it; may be empty.
    pub decided_by: String,
    /// What who denied it said; may be empty.
    pub decision: String,
    /// The approval's envelope; may be empty.
    pub envelope: String,
    /// True if who asked approved it.
    pub self_approved: bool,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub requested_at_us: u64,
    /// When its lifetime ends, or what was done ends by itself; likewise, 0 for nothing known.
    pub until_us: u64,
    /// Likewise.
    pub decided_at_us: u64,
    /// Likewise.
    pub ended_at_us: u64,
}

/// What is demanded of a VM for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Say what exactly would be done.
    Propose,
    /// Do it.
    Perform,
    /// Undo it before it is confirmed.
    Undo,
    /// Forget it.
    Withdraw,
    /// Say where it stands.
    Standing,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Propose,
        Self::Perform,
        Self::Undo,
        Self::Withdraw,
        Self::Standing,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Perform => "perform",
            Self::Undo => "undo",
            Self::Withdraw => "withdraw",
            Self::Standing => "standing",
        }
    }
}

/// A query, and behind it the condition that something is still to come.
macro_rules! open {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "state IN ('preparing', 'waiting', 'running', 'applied')",
            $after
        )
    };
}

/// Stores a new action. False if there is one of this id.
pub async fn insert(connection: &mut AnyConnection, row: &ActionRow) -> Result<bool, Error> {
    let sql = "INSERT INTO actions (id, identity, name, requester, request, state, requested_at_us) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(row.id.to_string())
        .bind(row.agent.to_string())
        .bind(row.name.clone())
        .bind(row.requester.clone())
        .bind(row.request.clone())
        .bind(row.state.as_str())
        .bind(column(row.requested_at_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down what became of an action, if it still stands as it was seen. False if it does not.
pub async fn update(
    connection: &mut AnyConnection,
    seen: &ActionRow,
    now: &ActionRow,
) -> Result<bool, Error> {
    let sql = "UPDATE actions SET document = $4, digest = $5, approval = $6, state = $7, why = $8, code = $9, \
               output = $10, decided_by = $11, decision = $12, envelope = $13, self_approved = $14, \
               until_us = $15, decided_at_us = $16, ended_at_us = $17 \
               WHERE id = $1 AND state = $2 AND approval = $3";
    let done = sqlx::query(sql)
        .bind(seen.id.to_string())
        .bind(seen.state.as_str())
        .bind(approval_word(seen.approval))
        .bind(now.document.clone())
        .bind(text(now.digest))
        .bind(approval_word(now.approval))
        .bind(now.state.as_str())
        .bind(now.why.clone())
        .bind(now.code.clone())
        .bind(now.output.clone())
        .bind(now.decided_by.clone())
        .bind(now.decision.clone())
        .bind(now.envelope.clone())
        .bind(i64::from(now.self_approved))
        .bind(column(now.until_us))
        .bind(column(now.decided_at_us))
        .bind(column(now.ended_at_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The action of this id.
pub async fn action(connection: &mut AnyConnection, action: Id) -> Result<Option<ActionRow>, Error> {
    let row = sqlx::query("SELECT * FROM actions WHERE id = $1")
        .bind(action.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(action_row).transpose()
}

/// The first two actions whose ids begin so: letters, digits and hyphens, which the caller has seen to.
pub async fn beginning(connection: &mut AnyConnection, prefix: &str) -> Result<Vec<ActionRow>, Error> {
    let rows = sqlx::query("SELECT * FROM actions WHERE id LIKE $1 ORDER BY id LIMIT 2")
        .bind(format!("{prefix}%"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(action_row).collect()
}

/// Actions, newest first, whose approval stands so; nothing: all.
pub async fn list(
    connection: &mut AnyConnection,
    approval: Option<ApprovalState>,
    limit: u64,
) -> Result<Vec<ActionRow>, Error> {
    let sql = "SELECT * FROM actions WHERE ($1 = '' OR approval = $1) \
               ORDER BY requested_at_us DESC, id LIMIT $2";
    let rows = sqlx::query(sql)
        .bind(approval_word(approval))
        .bind(column(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(action_row).collect()
}

/// The actions of which something is still to come, oldest first.
pub async fn open(connection: &mut AnyConnection) -> Result<Vec<ActionRow>, Error> {
    let sql = open!("SELECT * FROM actions WHERE ", " ORDER BY requested_at_us, id");
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(action_row).collect()
}

/// Those of one agent.
pub async fn open_of(connection: &mut AnyConnection, agent: Id) -> Result<Vec<ActionRow>, Error> {
    let sql = open!(
        "SELECT * FROM actions WHERE identity = $1 AND ",
        " ORDER BY requested_at_us, id"
    );
    let rows = sqlx::query(sql)
        .bind(agent.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(action_row).collect()
}

/// How many there are of this agent, and in all.
pub async fn count_open(connection: &mut AnyConnection, agent: Id) -> Result<(u64, u64), Error> {
    let sql = open!(
        "SELECT COUNT(*) AS whole, COUNT(CASE WHEN identity = $1 THEN 1 END) AS part FROM actions WHERE ",
        ""
    );
    let row = sqlx::query(sql)
        .bind(agent.to_string())
        .fetch_one(connection)
        .await?;
    Ok((value(row.try_get("part")?), value(row.try_get("whole")?)))
}

/// The action of this agent whose document has this digest and which is being done.
pub async fn being_done(
    connection: &mut AnyConnection,
    agent: Id,
    digest: Digest,
) -> Result<Option<ActionRow>, Error> {
    let sql = "SELECT * FROM actions WHERE identity = $1 AND digest = $2 AND state IN ('running', 'applied')";
    let row = sqlx::query(sql)
        .bind(agent.to_string())
        .bind(digest.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(action_row).transpose()
}

/// Writes down that this is about to be demanded.
pub async fn demand(
    connection: &mut AnyConnection,
    command: Id,
    (action, agent): (Id, Id),
    step: Step,
    now_us: u64,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO action_commands (command, action, identity, step, at_us) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(command.to_string())
        .bind(action.to_string())
        .bind(agent.to_string())
        .bind(step.as_str())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(())
}

/// The last demand of this kind for an action that has not ended.
pub async fn demanded(connection: &mut AnyConnection, action: Id, step: Step) -> Result<Option<Id>, Error> {
    let sql = "SELECT a.command FROM action_commands a LEFT JOIN commands c ON c.id = a.command \
               WHERE a.action = $1 AND a.step = $2 AND c.id IS NULL ORDER BY a.at_us DESC, a.command LIMIT 1";
    let row = sqlx::query(sql)
        .bind(action.to_string())
        .bind(step.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| id(&row, "command")).transpose()
}

/// For which action this agent was given this command, and what it demands; nothing if for none.
pub async fn commanded(
    connection: &mut AnyConnection,
    agent: Id,
    command: Id,
) -> Result<Option<(Id, Step)>, Error> {
    let row = sqlx::query("SELECT action, step FROM action_commands WHERE command = $1 AND identity = $2")
        .bind(command.to_string())
        .bind(agent.to_string())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let word: String = row.try_get("step")?;
    let step = Step::ALL.into_iter().find(|step| step.as_str() == word);
    let step = step.ok_or_else(|| damaged("the step", &word))?;
    Ok(Some((id(&row, "action")?, step)))
}

fn approval_word(approval: Option<ApprovalState>) -> &'static str {
    approval.map_or("", ApprovalState::as_str)
}

fn damaged(what: &str, word: &str) -> Error {
    Error::Damaged {
        what: format!("{what} {word:?} of an action"),
    }
}

fn action_row(row: &AnyRow) -> Result<ActionRow, Error> {
    let (state, approval): (String, String) = (row.try_get("state")?, row.try_get("approval")?);
    let approval = match approval.as_str() {
        "" => None,
        word => Some(ApprovalState::parse(word).ok_or_else(|| damaged("the approval", word))?),
    };
    let time = |name: &str| row.try_get::<i64, _>(name).map(value);
    Ok(ActionRow {
        id: id(row, "id")?,
        agent: id(row, "identity")?,
        name: row.try_get("name")?,
        requester: row.try_get("requester")?,
        request: row.try_get("request")?,
        document: row.try_get("document")?,
        digest: optional_digest(row, "digest")?,
        approval,
        state: ActionState::parse(&state).ok_or_else(|| damaged("the state", &state))?,
        why: row.try_get("why")?,
        code: row.try_get("code")?,
        output: row.try_get("output")?,
        decided_by: row.try_get("decided_by")?,
        decision: row.try_get("decision")?,
        envelope: row.try_get("envelope")?,
        self_approved: row.try_get::<i64, _>("self_approved")? != 0,
        requested_at_us: time("requested_at_us")?,
        until_us: time("until_us")?,
        decided_at_us: time("decided_at_us")?,
        ended_at_us: time("ended_at_us")?,
    })
}
