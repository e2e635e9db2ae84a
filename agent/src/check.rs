//! Walks from the controller's name to the kernel's tables, and names the fix for what fails.
//!
//! A step that could not be tried is `skipped`, with the reason; it is never `ok`.

use serde::Serialize;

use crate::config::Config;
use crate::failure::Status;

mod actions;
mod clock;
mod host;
mod network;
pub(crate) use network::address;
mod process;

/// The schema of the answer.
pub const SCHEMA: &str = "netghost.agent_check/v1";

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Tried, and well.
    Ok,
    /// Tried, and not well.
    Failed,
    /// Not tried.
    Skipped,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was tried.
    pub step: String,
    /// How it ended.
    pub result: Mark,
    /// What was found, or why it was not tried.
    pub detail: String,
    /// What to do.
    pub fix: Option<String>,
}

impl Line {
    /// It is well.
    pub fn ok(step: &str, detail: impl Into<String>) -> Self {
        Self::new(step, Mark::Ok, detail, None)
    }

    /// It is not, and this is what to do.
    pub fn failed(step: &str, detail: impl Into<String>, fix: Option<String>) -> Self {
        Self::new(step, Mark::Failed, detail, fix)
    }

    /// It was not tried.
    pub fn skipped(step: &str, why: impl Into<String>) -> Self {
        Self::new(step, Mark::Skipped, why, None)
    }

    fn new(step: &str, result: Mark, detail: impl Into<String>, fix: Option<String>) -> Self {
        Self {
            step: step.to_owned(),
            result,
            detail: detail.into(),
            fix,
        }
    }
}

/// The whole walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// True if every step was tried and is well; nothing if some could not be tried and none failed.
    pub ok: Option<bool>,
    /// In the order of the walk.
    pub steps: Vec<Line>,
}

/// Walks.
pub async fn walk(config: &Config) -> Answer {
    let mut steps = network::walk(config).await;
    steps.extend(process::walk(config));
    steps.extend(host::walk(config));
    steps.extend(actions::walk(config).await);
    Answer {
        schema: SCHEMA,
        ok: match worst(&steps) {
            Mark::Ok => Some(true),
            Mark::Failed => Some(false),
            Mark::Skipped => None,
        },
        steps,
    }
}

fn worst(steps: &[Line]) -> Mark {
    let any = |mark| steps.iter().any(|line| line.result == mark);
    if any(Mark::Failed) {
        Mark::Failed
    } else if any(Mark::Skipped) || steps.is_empty() {
        Mark::Skipped
    } else {
        Mark::Ok
    }
}

impl Answer {
    /// How the process ends.
    pub fn status(&self) -> Status {
        match self.ok {
            Some(true) => Status::Good,
            Some(false) => Status::Act,
            None => Status::Unknown,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.steps {
            let word = match line.result {
                Mark::Ok => "ok     ",
                Mark::Failed => "FAILED ",
                Mark::Skipped => "skipped",
            };
            out.push_str(&format!("{word}  {:<28} {}\n", line.step, line.detail));
            if let Some(fix) = &line.fix {
                out.push_str(&format!("{:9}{:<28} fix: {fix}\n", "", ""));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(steps: Vec<Line>) -> Answer {
        Answer {
            schema: SCHEMA,
            ok: match worst(&steps) {
                Mark::Ok => Some(true),
                Mark::Failed => Some(false),
                Mark::Skipped => None,
            },
            steps,
        }
    }

    #[test]
    fn what_was_not_tried_is_not_well() {
        let ok = || Line::ok("a", "");
        let failed = || Line::failed("b", "", Some("do it".to_owned()));
        let skipped = || Line::skipped("c", "b failed");
        assert_eq!(answer(vec![ok()]).status(), Status::Good);
        assert_eq!(answer(vec![ok(), skipped()]).status(), Status::Unknown);
        assert_eq!(answer(vec![ok(), skipped(), failed()]).status(), Status::Act);
        assert_eq!(answer(Vec::new()).status(), Status::Unknown);
        assert!(answer(vec![failed()]).text().contains("fix: do it"));
    }
}
