//! Lists in pages.

use reqwest::Url;
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::cloud::Cloud;
use crate::error::{ArmError, Kind};
use crate::within::malformed;

/// A list, whole: every page as Azure gave it.
#[derive(Debug, Clone)]
pub struct Pages {
    list: &'static str,
    answers: Vec<Answer>,
}

impl Pages {
    pub(crate) fn new(list: &'static str) -> Self {
        Self {
            list,
            answers: Vec::new(),
        }
    }

    /// The pages.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The members of all pages.
    pub fn items(&self) -> impl Iterator<Item = &Value> {
        let lists = self
            .answers
            .iter()
            .filter_map(|page| page.json.get(self.list)?.as_array());
        lists.flatten()
    }

    /// Adds a page, and gives what leads to the next one. A page without its list is no empty one.
    pub(crate) fn add(
        &mut self,
        call: &Call,
        answer: Answer,
        next: &str,
    ) -> Result<Option<String>, ArmError> {
        if !answer.json.get(self.list).is_some_and(Value::is_array) {
            let why = format!(
                "page {} has no list {:?}",
                self.answers.len().saturating_add(1),
                self.list
            );
            return Err(malformed(call, answer, &why));
        }
        let next = match answer.json.get(next) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err(malformed(call, answer, &format!("{next:?} is no string"))),
        };
        self.answers.push(answer);
        Ok(next)
    }
}

/// A URL that an answer names. It is followed only within Resource Manager's own origin, since the token goes with it.
pub(crate) fn follow(call: &Call, cloud: &Cloud, from: &Url, link: &str) -> Result<Url, ArmError> {
    let shown: String = link.chars().take(300).collect();
    let url = from
        .join(link)
        .map_err(|_| call.error(Kind::Malformed, format!("{shown:?} is no URL")))?;
    if cloud.holds(&url) {
        Ok(url)
    } else {
        Err(call.error(Kind::OtherHost, shown))
    }
}
