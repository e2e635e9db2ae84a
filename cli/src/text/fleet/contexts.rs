//! Contexts.

use super::{NONE, table};
use crate::clock;
use crate::commands::context::{Row, Rows};

/// One line each.
pub fn contexts(all: &Rows) -> String {
    let row = |row: &Row| {
        [
            if row.current { "*" } else { "" }.to_owned(),
            row.name.clone(),
            row.controller.clone(),
            format!("{} ({})", row.user, row.role),
            row.certificate_until_us
                .map_or_else(|| NONE.to_owned(), |time| clock::shown(time.0)),
        ]
    };
    table(
        ["", "NAME", "CONTROLLER", "USER", "CERTIFICATE UNTIL"],
        all.contexts.iter().map(row).collect(),
        "there is no context; `netghost login --controller HOST:PORT` makes one",
    )
}
