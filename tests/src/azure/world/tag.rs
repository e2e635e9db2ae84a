//! Service tags.

use std::collections::BTreeMap;

use super::body::Body;
use super::{Resources, WorldError};
use crate::azure::Prefix;

/// A service tag.
#[derive(Debug, Clone)]
pub struct ServiceTag {
    /// Its name: `Storage.WestEurope`.
    pub name: String,
    /// Its region, `westeurope`; empty for all.
    pub region: String,
    /// Its addresses.
    pub prefixes: Vec<Prefix>,
}

/// All tags of all lists of tags in the state.
pub(super) fn all(resources: &Resources) -> Result<BTreeMap<String, ServiceTag>, WorldError> {
    let mut tags = BTreeMap::new();
    let lists = resources
        .0
        .iter()
        .filter(|(id, _)| id.kind().ends_with("/servicetags"));
    for (id, list) in lists {
        for tag in Body::of(id, list)?.objects("values")? {
            let name = tag.need("name")?;
            let properties = tag.properties()?;
            let tag = ServiceTag {
                name: name.to_owned(),
                region: properties.text("region")?.unwrap_or_default().to_owned(),
                prefixes: properties.all_parsed("addressPrefixes")?,
            };
            tags.insert(name.to_lowercase(), tag);
        }
    }
    Ok(tags)
}
