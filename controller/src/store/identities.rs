//! Rows of agents and users.

use std::collections::BTreeMap;

use netghost_core::fleet::{Id, Kind, Tag};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::attested::{self, AttestedRow};
use super::{Error, column, value};

/// Who it is, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The UUID in its certificates.
    pub id: Id,
    /// Agent or user.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// A user's role, as a word; empty for an agent.
    pub role: String,
    /// When it came in.
    pub enrolled_at_us: u64,
    /// When and why it was revoked.
    pub revoked: Option<Revoked>,
    /// When it was removed.
    pub removed_at_us: Option<u64>,
}

/// When and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Microseconds since 1970 UTC.
    pub at_us: u64,
    /// As it was said.
    pub why: String,
}

/// An agent with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Who it is.
    pub identity: Identity,
    /// Its tags, ordered by key.
    pub tags: Vec<Tag>,
    /// What it last said of itself.
    pub said: Said,
    /// How it was attested, and the name and id of the identity that it superseded, empty if none; nothing for one that
    /// joined by a token.
    pub attested: Option<(AttestedRow, String)>,
    /// When its last certificate runs out.
    pub certificate_until_us: u64,
}

/// What an agent last said of itself, and whether two claimed to be it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its program's version.
    pub version: String,
    /// Its kernel.
    pub kernel: String,
    /// Its host's name.
    pub host_name: String,
    /// The boot it said it in.
    pub boot_id: String,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Its wall clock minus the controller's, microseconds.
    pub clock_offset_us: i64,
    /// When it was last heard of.
    pub last_seen_us: u64,
    /// Two streams claimed this identity: when, and how that was seen.
    pub contested: Option<Revoked>,
}

/// A query for identities: the columns that [`identity`] reads, then what follows.
macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT i.id, i.kind, i.name, i.role, i.enrolled_at_us, i.revoked_at_us, i.revoked_why, i.removed_at_us",
            $($rest),+
        )
    };
}

/// The identity with this id, also if it was revoked or removed.
pub async fn by_id(connection: &mut AnyConnection, id: Id) -> Result<Option<Identity>, Error> {
    let row = sqlx::query(select!(" FROM identities i WHERE i.id = $1"))
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(identity).transpose()
}

/// The identity that holds this name now.
pub async fn by_name(
    connection: &mut AnyConnection,
    kind: Kind,
    name: &str,
) -> Result<Option<Identity>, Error> {
    let sql = select!(" FROM identities i WHERE i.kind = $1 AND i.name = $2 AND i.removed_at_us IS NULL");
    let row = sqlx::query(sql)
        .bind(kind.as_str())
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(identity).transpose()
}

/// All users that were not removed, ordered by name.
pub async fn users(connection: &mut AnyConnection) -> Result<Vec<Identity>, Error> {
    let sql = select!(" FROM identities i WHERE i.kind = 'user' AND i.removed_at_us IS NULL ORDER BY i.name");
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(identity).collect()
}

/// All agents that were not removed, ordered by name.
pub async fn agents(connection: &mut AnyConnection) -> Result<Vec<AgentRow>, Error> {
    let mut tags = all_tags(connection).await?;
    let attested = attested::all(connection).await?.into_iter();
    let mut attested: BTreeMap<Id, _> = attested.map(|row| (row.0.identity, row)).collect();
    let sql = select!(
        ", COALESCE(a.version, '') AS version, COALESCE(a.kernel, '') AS kernel,",
        " COALESCE(a.host_name, '') AS host_name, COALESCE(a.boot_id, '') AS boot_id,",
        " COALESCE(a.capabilities, '') AS capabilities, COALESCE(a.clock_offset_us, 0) AS clock_offset_us,",
        " COALESCE(a.last_seen_us, 0) AS last_seen_us, a.contested_at_us,",
        " COALESCE(a.contested_why, '') AS contested_why,",
        " (SELECT COALESCE(MAX(c.not_after_us), 0) FROM certificates c WHERE c.identity = i.id) AS until_us",
        " FROM identities i LEFT JOIN agents a ON a.identity = i.id",
        " WHERE i.kind = 'agent' AND i.removed_at_us IS NULL ORDER BY i.name"
    );
    let rows = sqlx::query(sql).fetch_all(&mut *connection).await?;
    rows.iter()
        .map(|row| {
            let identity = identity(row)?;
            Ok(AgentRow {
                tags: tags.remove(&identity.id).unwrap_or_default(),
                said: said(row)?,
                attested: attested.remove(&identity.id),
                certificate_until_us: value(row.try_get("until_us")?),
                identity,
            })
        })
        .collect()
}

/// Agents that may not be asked any more, because they were revoked or removed, with the tags that they had, ordered by name.
pub async fn gone(connection: &mut AnyConnection) -> Result<Vec<(Identity, Vec<Tag>)>, Error> {
    let mut tags = all_tags(connection).await?;
    let sql = select!(
        " FROM identities i WHERE i.kind = 'agent'",
        " AND (i.revoked_at_us IS NOT NULL OR i.removed_at_us IS NOT NULL) ORDER BY i.name, i.id"
    );
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let identity = identity(row)?;
            let tags = tags.remove(&identity.id).unwrap_or_default();
            Ok((identity, tags))
        })
        .collect()
}

/// Writes a new identity.
pub async fn insert(connection: &mut AnyConnection, new: &Identity) -> Result<(), Error> {
    sqlx::query("INSERT INTO identities (id, kind, name, role, enrolled_at_us) VALUES ($1, $2, $3, $4, $5)")
        .bind(new.id.to_string())
        .bind(new.kind.as_str())
        .bind(new.name.clone())
        .bind(new.role.clone())
        .bind(column(new.enrolled_at_us))
        .execute(&mut *connection)
        .await?;
    if new.kind == Kind::Agent {
        sqlx::query("INSERT INTO agents (identity) VALUES ($1)")
            .bind(new.id.to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Revokes it. False if it was already.
pub async fn revoke(connection: &mut AnyConnection, id: Id, now_us: u64, why: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE identities SET revoked_at_us = $1, revoked_why = $2 WHERE id = $3 AND revoked_at_us IS NULL",
    )
    .bind(column(now_us))
    .bind(why.to_owned())
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives its name free. Its row stays, for what it did.
pub async fn remove(connection: &mut AnyConnection, id: Id, now_us: u64) -> Result<(), Error> {
    sqlx::query("UPDATE identities SET removed_at_us = $1 WHERE id = $2 AND removed_at_us IS NULL")
        .bind(column(now_us))
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts a tag on an agent, in place of one of that key.
pub async fn set_tag(connection: &mut AnyConnection, id: Id, tag: &Tag) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO agent_tags (identity, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (identity, key) DO UPDATE SET value = excluded.value",
    )
    .bind(id.to_string())
    .bind(tag.key.as_str().to_owned())
    .bind(tag.value.as_str().to_owned())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the tag of this key off an agent, if it is there.
pub async fn unset_tag(connection: &mut AnyConnection, id: Id, key: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM agent_tags WHERE identity = $1 AND key = $2")
        .bind(id.to_string())
        .bind(key.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

/// The tags of an agent, ordered by key.
pub async fn tags_of(connection: &mut AnyConnection, id: Id) -> Result<Vec<Tag>, Error> {
    let rows = sqlx::query("SELECT key, value FROM agent_tags WHERE identity = $1 ORDER BY key")
        .bind(id.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(tag).collect()
}

async fn all_tags(connection: &mut AnyConnection) -> Result<BTreeMap<Id, Vec<Tag>>, Error> {
    let rows = sqlx::query("SELECT identity, key, value FROM agent_tags ORDER BY identity, key")
        .fetch_all(connection)
        .await?;
    let mut tags = BTreeMap::<Id, Vec<Tag>>::new();
    for row in rows {
        let id = id(&row, "identity")?;
        tags.entry(id).or_default().push(tag(&row)?);
    }
    Ok(tags)
}

/// A tag from its two columns.
pub(crate) fn tag(row: &AnyRow) -> Result<Tag, Error> {
    let (key, value): (String, String) = (row.try_get("key")?, row.try_get("value")?);
    Tag::new(&key, &value).map_err(|error| Error::Damaged {
        what: format!("a tag ({error})"),
    })
}

/// An id from a column.
pub(crate) fn id(row: &AnyRow, name: &'static str) -> Result<Id, Error> {
    let text: String = row.try_get(name)?;
    Id::parse(&text).map_err(|error| Error::Damaged {
        what: format!("column {name} ({error})"),
    })
}

fn identity(row: &AnyRow) -> Result<Identity, Error> {
    let kind: String = row.try_get("kind")?;
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    Ok(Identity {
        id: id(row, "id")?,
        kind: kind.ok_or_else(|| Error::Damaged {
            what: "the kind of an identity".to_owned(),
        })?,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        enrolled_at_us: value(row.try_get("enrolled_at_us")?),
        revoked: when_and_why(row, "revoked_at_us", "revoked_why")?,
        removed_at_us: row.try_get::<Option<i64>, _>("removed_at_us")?.map(value),
    })
}

fn said(row: &AnyRow) -> Result<Said, Error> {
    let capabilities: String = row.try_get("capabilities")?;
    Ok(Said {
        version: row.try_get("version")?,
        kernel: row.try_get("kernel")?,
        host_name: row.try_get("host_name")?,
        boot_id: row.try_get("boot_id")?,
        capabilities: capabilities.lines().map(str::to_owned).collect(),
        clock_offset_us: row.try_get("clock_offset_us")?,
        last_seen_us: value(row.try_get("last_seen_us")?),
        contested: when_and_why(row, "contested_at_us", "contested_why")?,
    })
}

fn when_and_why(row: &AnyRow, at: &str, why: &str) -> Result<Option<Revoked>, Error> {
    let Some(at_us) = row.try_get::<Option<i64>, _>(at)? else {
        return Ok(None);
    };
    Ok(Some(Revoked {
        at_us: value(at_us),
        why: row.try_get(why)?,
    }))
}
