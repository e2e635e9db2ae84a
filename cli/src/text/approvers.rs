//! Approvers.

use super::fleet::one_line;
use super::table::columns;
use crate::documents::approvers::{Approvers, OwnKey};

/// The CA, then a line for each approver.
pub fn approvers(all: &Approvers) -> String {
    let version = all
        .version
        .map_or_else(|| "none".to_owned(), |version| version.to_string());
    let mut rows = vec![vec!["approvers' CA".to_owned(), all.ca.to_string()]];
    if let Some(file) = &all.ca_file {
        rows.push(vec![
            "its public half".to_owned(),
            one_line(&file.display().to_string()),
        ]);
    }
    rows.push(vec!["version of the list".to_owned(), version]);
    match (all.published, &all.why) {
        (Some(true), _) => rows.push(vec!["controller".to_owned(), "has this list".to_owned()]),
        (_, Some(why)) => rows.push(vec![
            "controller".to_owned(),
            format!("HAS NOT GOT THIS LIST: {}", one_line(why)),
        ]),
        _ => {}
    }
    let mut out = columns(&rows, 0);
    if all.approvers.is_empty() {
        return out + "nobody may approve yet: `netghost approvers add NAME --key FILE`\n";
    }
    let row = |approver: &crate::documents::approvers::Approver| {
        vec![
            approver.name.to_string(),
            approver
                .keyid
                .map_or_else(|| "unreadable key".to_owned(), |id| id.to_string()),
            match approver.revoked {
                true => "REVOKED".to_owned(),
                false => "approves".to_owned(),
            },
        ]
    };
    out.push('\n');
    out + &columns(&all.approvers.iter().map(row).collect::<Vec<_>>(), 0)
}

/// A person's own key: the public half, for whoever has the CA.
pub fn own_key(key: &OwnKey) -> String {
    key.pem.clone()
}
