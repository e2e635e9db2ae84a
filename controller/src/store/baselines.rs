//! Rows of baselines and their members. They are an index: what counts is the sealed document.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::job::baseline::{Baseline, Member};
use netghost_core::section::SectionName;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{digest, id, optional_digest, resource, text, way};
use super::{Error, column, value};

/// A baseline as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRow {
    /// Its name.
    pub name: String,
    /// When it was sealed, microseconds since 1970 UTC by the clock of the controller that sealed it.
    pub created_at_us: u64,
    /// Who asked for it.
    pub created_by: String,
    /// The change it belongs to; may be empty.
    pub ticket: String,
    /// What they wrote about it; may be empty.
    pub note: String,
    /// The digest of its seal.
    pub seal: Digest,
    /// Who is in it, sorted by name.
    pub members: Vec<Member>,
}

/// Stores a baseline with its members. False if the name is taken; then nothing was stored.
pub async fn insert(
    connection: &mut AnyConnection,
    job: &str,
    baseline: &Baseline,
    seal: Digest,
) -> Result<bool, Error> {
    let sql = "INSERT INTO baselines (name, job, created_at_us, created_by, ticket, note, seal) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING";
    let words = |text: &Option<netghost_core::bytes::Text>| {
        text.as_ref()
            .and_then(|text| text.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let done = sqlx::query(sql)
        .bind(baseline.name.as_str().to_owned())
        .bind(job.to_owned())
        .bind(column(baseline.created_at_us.0))
        .bind(baseline.created_by.to_string())
        .bind(words(&baseline.ticket))
        .bind(words(&baseline.note))
        .bind(seal.to_string())
        .execute(&mut *connection)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for member in &baseline.members {
        insert_member(connection, &baseline.name, member).await?;
    }
    Ok(true)
}

async fn insert_member(connection: &mut AnyConnection, name: &Name, member: &Member) -> Result<(), Error> {
    let sql = "INSERT INTO baseline_members (baseline, identity, name, manifest, why, not_captured, resource, way) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let sections: Vec<&str> = member
        .not_captured
        .iter()
        .map(|section| section.as_str())
        .collect();
    sqlx::query(sql)
        .bind(name.as_str().to_owned())
        .bind(member.id.to_string())
        .bind(member.name.as_str().to_owned())
        .bind(text(member.manifest))
        .bind(member.why.clone().unwrap_or_default())
        .bind(sections.join("\n"))
        .bind(text(member.resource.as_ref()))
        .bind(text(member.way))
        .execute(connection)
        .await?;
    Ok(())
}

/// The baseline of this name.
pub async fn baseline(connection: &mut AnyConnection, name: &str) -> Result<Option<BaselineRow>, Error> {
    let row = sqlx::query("SELECT * FROM baselines WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => whole(connection, &row).await.map(Some),
        None => Ok(None),
    }
}

/// Every baseline, sorted by name.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<BaselineRow>, Error> {
    let rows = sqlx::query("SELECT * FROM baselines ORDER BY name")
        .fetch_all(&mut *connection)
        .await?;
    let mut baselines = Vec::with_capacity(rows.len());
    for row in &rows {
        baselines.push(whole(connection, row).await?);
    }
    Ok(baselines)
}

async fn whole(connection: &mut AnyConnection, row: &AnyRow) -> Result<BaselineRow, Error> {
    let name: String = row.try_get("name")?;
    let rows = sqlx::query("SELECT * FROM baseline_members WHERE baseline = $1 ORDER BY name, identity")
        .bind(name.clone())
        .fetch_all(connection)
        .await?;
    let mut members: Vec<Member> = rows.iter().map(member).collect::<Result<_, _>>()?;
    // By bytes, as they were sealed: a database orders by its own collation.
    members.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    Ok(BaselineRow {
        members,
        created_at_us: value(row.try_get("created_at_us")?),
        created_by: row.try_get("created_by")?,
        ticket: row.try_get("ticket")?,
        note: row.try_get("note")?,
        seal: digest(row, "seal")?,
        name,
    })
}

fn member(row: &AnyRow) -> Result<Member, Error> {
    let name: String = row.try_get("name")?;
    let why: String = row.try_get("why")?;
    let words: String = row.try_get("not_captured")?;
    let not_captured = words.lines().map(section).collect::<Option<_>>();
    let damaged = |what: String| Error::Damaged { what };
    Ok(Member {
        id: id(row, "identity")?,
        manifest: optional_digest(row, "manifest")?,
        why: (!why.is_empty()).then_some(why),
        resource: resource(row, "resource")?,
        way: way(row, "way")?,
        not_captured: not_captured.ok_or_else(|| damaged(format!("the sections {words:?} of a member")))?,
        name: Name::parse(&name).map_err(|_| damaged(format!("the name {name:?} of a member")))?,
    })
}

/// The section of this name.
pub fn section(word: &str) -> Option<SectionName> {
    let others = [SectionName::IptablesSave, SectionName::Ip6tablesSave];
    SectionName::HOST
        .into_iter()
        .chain(SectionName::AZURE)
        .chain(others)
        .find(|name| name.as_str() == word)
}
