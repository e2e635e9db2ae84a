//! Makes one reading, so that its time and memory are those of a process; prints what it read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use netghost_core::artifact::object;
use netghost_core::section::{Section, SectionName};

mod cloud;
mod differ;
mod floor;
mod security;
mod sweep;

fn main() -> Result<()> {
    let mode = std::env::args().nth(1).context("which reading?")?;
    let started = Instant::now();
    let what = match mode.as_str() {
        "floor-whole" => format!("{} bytes", floor::whole()?),
        "floor-chains" => format!("{} bytes", floor::by_chain()?),
        "floor-legacy" => legacy_bare()?,
        "nft-read" => read(SectionName::Nftables)?,
        "nft-read-digest" => digest(SectionName::Nftables)?,
        "nft-digest" => streamed(),
        "legacy-raw" => legacy_raw()?,
        "legacy-digest" => legacy(),
        "legacy-read" => read(SectionName::XtablesLegacyIpv4)?,
        "legacy-read-digest" => digest(SectionName::XtablesLegacyIpv4)?,
        "nft-generation" => generations()?,
        "diff" => differ::one_rule_above(count()?)?,
        "nics" => cloud::differ(count()?)?,
        "sweep" => sweep::all(count()?)?,
        "nsg" => security::flows(count()?)?,
        other => bail!("there is no reading {other:?}"),
    };
    print(&format!(
        "{mode}: {what}, {:.3} s\n",
        started.elapsed().as_secs_f64()
    ))
}

fn print(text: &str) -> Result<()> {
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).context("print")
}

/// The number of rules, on the command line.
fn count() -> Result<usize> {
    let word = std::env::args().nth(2).context("how many rules?")?;
    word.parse().context("that is no number")
}

/// How long it takes to learn whether nftables changed.
fn generations() -> Result<String> {
    let mut took = Vec::new();
    let mut last = 0;
    for _ in 0..1000 {
        let started = Instant::now();
        last = netghost_kernel::nftables::current_generation().context("ask for the generation")?;
        took.push(started.elapsed());
    }
    took.sort();
    let at = |place: usize| took.get(place).map_or(0, std::time::Duration::as_micros);
    Ok(format!(
        "generation {last}; {} µs in the median of 1000, {} µs at most",
        at(500),
        at(999)
    ))
}

fn section(name: SectionName) -> Result<Section> {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    };
    let mut sections = netghost_kernel::capture(&[name], &now);
    sections.pop().context("no section")
}

fn read(name: SectionName) -> Result<String> {
    let section = section(name)?;
    Ok(format!("{} {}", name, section.state.word()))
}

fn streamed() -> String {
    let digested = netghost_kernel::nftables::digest();
    let digest = digested.streamed.map(|streamed| streamed.digest.to_string());
    format!(
        "nftables {} {}",
        digested.state.word(),
        digest.unwrap_or_default()
    )
}

fn legacy() -> String {
    let digested = netghost_kernel::xtables::digest_ipv4();
    let digest = digested.digest.map(|digest| digest.to_string());
    format!("legacy {} {}", digested.state.word(), digest.unwrap_or_default())
}

fn legacy_bare() -> Result<String> {
    let bytes = netghost_kernel::xtables::bare_ipv4().context("the tables can't be read")?;
    Ok(format!("{bytes} bytes"))
}

fn legacy_raw() -> Result<String> {
    let raw = netghost_kernel::xtables::raw_ipv4().context("the tables can't be read")?;
    let bytes: usize = raw.tables.iter().map(|table| table.entries.0.len()).sum();
    Ok(format!("{bytes} bytes"))
}

fn digest(name: SectionName) -> Result<String> {
    let section = section(name)?;
    let content = section.content.context("nothing was decoded")?;
    let digest = object::config_digest(&content)?;
    Ok(format!("{} {} {digest}", name, section.state.word()))
}
