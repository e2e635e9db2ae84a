//! Filters and actions as `tc filter add` takes them, behind the word `filter`.

use std::fmt;

use super::settings;
use crate::tc::options::Options;
use crate::tc::{Action, Chain, Filter, Place};

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { block } => write!(f, "block {block}"),
            Self::Device { device, parent } => match parent.as_str() {
                "ingress" | "egress" => write!(f, "dev {device} {parent}"),
                _ => write!(f, "dev {device} parent {parent}"),
            },
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {} chain {}", self.place, self.chain)?;
        if let Some(kind) = &self.kind {
            write!(f, " {kind}")?;
        }
        write!(f, "{}", self.options)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            protocol,
            priority,
            kind,
            ..
        } = self;
        write!(f, "filter {place} protocol {protocol} pref {priority}")?;
        if self.chain != 0 {
            write!(f, " chain {}", self.chain)?;
        }
        let handle = self.handle.as_deref().unwrap_or_default();
        match (handle, self.table()) {
            ("", _) => write!(f, " {kind}")?,
            (handle, Some("")) => {
                write!(
                    f,
                    " handle {} {kind}",
                    handle.trim_end_matches(':').to_owned() + ":"
                )?;
            }
            (handle, Some(_)) if handle.starts_with("root:") => write!(f, " {kind}")?,
            (handle, Some(_)) => write!(f, " {kind} ht {handle}")?,
            (handle, None) => write!(f, " handle {handle}{} {kind}", self.mark_mask())?,
        }
        write!(f, "{}", self.options)?;
        if let Some(class) = &self.class {
            write!(f, " classid {class}")?;
        }
        if self.somewhere_here {
            f.write_str(" (here or elsewhere in the qdisc)")?;
        }
        self.actions.iter().try_for_each(|action| write!(f, " {action}"))
    }
}

impl Filter {
    /// For `u32`: nothing if this is a table, else the part of the handle that names the bucket.
    fn table(&self) -> Option<&str> {
        if self.kind.as_str() != Some("u32") {
            return None;
        }
        let is_table = matches!(&self.options, Options::Settings { settings }
            if settings.iter().any(|setting| setting.name == "divisor"));
        Some(if is_table { "" } else { ":" })
    }

    /// `fw` writes its mask behind the mark.
    fn mark_mask(&self) -> String {
        let Options::Settings { settings } = &self.options else {
            return String::new();
        };
        let mask = settings
            .iter()
            .find(|setting| self.kind.as_str() == Some("fw") && setting.name == "internal_mask");
        mask.map(|mask| format!("/{}", mask.value)).unwrap_or_default()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action {}{}", self.kind, self.options)?;
        if let Some(cookie) = &self.cookie {
            write!(f, " cookie {cookie}")?;
        }
        settings::write(f, &self.flags)?;
        match self.shared {
            Some(number) => write!(f, " (shared {number})"),
            None => Ok(()),
        }
    }
}
