//! The four kinds of call: read, list, change and act.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;

use crate::answer::Answer;
use crate::arm::Inner;
use crate::call::Call;
use crate::error::{ArmError, Kind};
use crate::http::Outgoing;
use crate::lro::{Operation, Step, Target, Verb};
use crate::pages::{Pages, follow};
use crate::read::Failed;
use crate::retry::Tally;
use crate::send::{POLL, POLL_LEAST};

/// Calls that each have the same time. See [`crate::Arm::within`].
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    pub(crate) inner: &'a Inner,
    period: Duration,
}

/// A path below the endpoint, with the query.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) path: &'a str,
    pub(crate) api: &'a str,
    pub(crate) query: &'a [(&'a str, &'a str)],
}

impl<'a> At<'a> {
    pub(crate) fn new(path: &'a str, api: &'a str) -> Self {
        Self {
            path,
            api,
            query: &[],
        }
    }
}

/// What is done to a resource, beside reading it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Act {
    pub(crate) body: Option<Value>,
    pub(crate) if_match: Option<String>,
    /// True where it does its work each time that it reaches Azure.
    pub(crate) once: bool,
    /// True where it only reads, so that another operation may be begun where the first one's result does not come whole.
    pub(crate) reads: bool,
}

impl<'a> Within<'a> {
    pub(crate) fn new(inner: &'a Inner, period: Duration) -> Self {
        Self { inner, period }
    }

    fn url(&self, at: &At<'_>) -> Url {
        let mut url = self.inner.cloud.endpoint.clone();
        url.set_path(at.path);
        url.query_pairs_mut()
            .append_pair("api-version", at.api)
            .extend_pairs(at.query);
        url
    }

    pub(crate) fn call(&self, out: &Outgoing) -> Call {
        Call::new(out.name(), self.period)
    }

    /// An error of the arguments: nothing was sent.
    pub(crate) fn wrong(&self, call: &str, why: impl Into<String>) -> ArmError {
        ArmError::new(call, Kind::Argument, why)
    }

    /// A resource or another object, by GET.
    pub(crate) async fn read(&self, at: At<'_>) -> Result<Answer, ArmError> {
        let out = Outgoing::get(self.url(&at));
        let call = self.call(&out);
        let answer = self.inner.send(&call, &out).await?;
        object(&call, answer)
    }

    /// A list by GET, with all of its pages.
    pub(crate) async fn list(&self, at: At<'_>) -> Result<Pages, ArmError> {
        let mut out = Outgoing::get(self.url(&at));
        let call = self.call(&out);
        let mut pages = Pages::new("value");
        let mut seen = BTreeSet::from([out.url.to_string()]);
        loop {
            let answer = self.inner.send(&call, &out).await?;
            let Some(link) = pages.add(&call, answer, "nextLink")? else {
                return Ok(pages);
            };
            let next = follow(&call, &self.inner.cloud, &out.url, &link)?;
            if !seen.insert(next.to_string()) || seen.len() > self.inner.most_pages {
                return Err(call.error(
                    Kind::Endless,
                    format!("page {} leads to {next}", pages.answers().len()),
                ));
            }
            out.url = next;
        }
    }

    /// A list by POST, whose further pages are asked for by a token in the body, put there by `ask`.
    pub(crate) async fn list_by_token(
        &self,
        at: At<'_>,
        mut pages: Pages,
        token: &str,
        ask: impl Fn(Option<&str>) -> Value,
    ) -> Result<Pages, ArmError> {
        let url = self.url(&at);
        let mut seen = BTreeSet::new();
        let mut out = Outgoing {
            method: Method::POST,
            body: Some(Arc::new(ask(None))),
            ..Outgoing::get(url)
        };
        let call = self.call(&out);
        loop {
            let answer = self.inner.send(&call, &out).await?;
            let Some(next) = pages.add(&call, answer, token)? else {
                return Ok(pages);
            };
            out.body = Some(Arc::new(ask(Some(&next))));
            if !seen.insert(next) || seen.len() >= self.inner.most_pages {
                return Err(call.error(
                    Kind::Endless,
                    format!("page {} names an earlier token", pages.answers().len()),
                ));
            }
        }
    }

    /// An action, to the end of its operation.
    pub(crate) async fn post(&self, at: At<'_>, act: Act) -> Result<Answer, ArmError> {
        self.operate(Method::POST, Verb::Post, at, act).await
    }

    /// A resource made or replaced, to the end of the operation. The answer is the resource.
    pub(crate) async fn put(&self, at: At<'_>, act: Act) -> Result<Answer, ArmError> {
        self.operate(Method::PUT, Verb::Put, at, act).await
    }

    /// A resource deleted, to the end of the operation. One that was not there is deleted too.
    pub(crate) async fn delete(&self, at: At<'_>, act: Act) -> Result<Answer, ArmError> {
        self.operate(Method::DELETE, Verb::Delete, at, act).await
    }

    async fn operate(&self, method: Method, verb: Verb, at: At<'_>, act: Act) -> Result<Answer, ArmError> {
        let out = Outgoing {
            method,
            body: act.body.map(Arc::new),
            if_match: act.if_match,
            repeatable: !act.once,
            ..Outgoing::get(self.url(&at))
        };
        let mut call = self.call(&out);
        let mut tally = Tally::default();
        let mut anew = act.reads;
        loop {
            call.operation = None;
            let error = match self.follow(&mut call, &out, verb).await {
                // Accepted first, and then refused for a lock: the call as a whole may be made again.
                Err(error) if error.asynchronous && error.kind == Kind::Locked && out.repeatable => error,
                // A result that is cut wherever it is asked for lies there cut: that of another operation may be whole.
                Err(error) if error.kind == Kind::Cut && call.operation.is_some() && anew => {
                    anew = false;
                    error
                }
                Err(error) if act.reads && !anew && error.kind == Kind::Deadline => {
                    let why = "; the result that came before was cut off";
                    return Err(error.with(|failure| failure.message.push_str(why)));
                }
                other => return other,
            };
            let failed = Failed {
                error,
                repeatable: true,
                retry_after: None,
                of_subscription: false,
            };
            self.inner.wait_after(&call, failed, &mut tally).await?;
        }
    }

    /// The request, and its operation to the end.
    async fn follow(&self, call: &mut Call, out: &Outgoing, verb: Verb) -> Result<Answer, ArmError> {
        let mut operation = Operation::new(verb);
        let mut answer = self.inner.send(call, out).await?;
        loop {
            let step = operation.handle(&answer);
            call.operation = operation.url().map(str::to_owned);
            let (at, after, ended) = match step {
                Step::Done => return Ok(answer),
                Step::Output(json) => {
                    return Ok(Answer {
                        bytes: json.to_string().into_bytes(),
                        json,
                        ..answer
                    });
                }
                Step::Ask { at, after, ended } => (at, after, ended),
                Step::Failed { kind, code, message } => {
                    return Err(call.error(kind, message).with(|failure| {
                        failure.code = code;
                        failure.status = Some(answer.status);
                        failure.ids = answer.ids;
                        failure.asynchronous = true;
                    }));
                }
                Step::Unclear(why) => {
                    return Err(call
                        .error(Kind::Malformed, why)
                        .with(|failure| failure.ids = answer.ids));
                }
            };
            let url = match at {
                Target::Resource => out.url.clone(),
                Target::Url(url) => follow(call, &self.inner.cloud, &out.url, &url)?,
            };
            if !ended {
                let wait = after.unwrap_or(POLL).max(POLL_LEAST);
                let waited = call.wait(wait, "following the operation").await;
                waited.map_err(|late| late.with(|failure| failure.ids = answer.ids.clone()))?;
            }
            answer = self.inner.send(call, &Outgoing::get(url)).await?;
        }
    }
}

/// The answer where its body is an object, as that of every resource and result is.
pub(crate) fn object(call: &Call, answer: Answer) -> Result<Answer, ArmError> {
    if answer.json.is_object() {
        return Ok(answer);
    }
    Err(malformed(call, answer, "the body is empty, or no object"))
}

pub(crate) fn malformed(call: &Call, answer: Answer, why: &str) -> ArmError {
    call.error(Kind::Malformed, why).with(|failure| {
        failure.status = Some(answer.status);
        failure.ids = answer.ids;
    })
}
