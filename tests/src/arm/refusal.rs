//! Refusals in Azure's words.

use serde_json::{Value, json};

use super::body::pretty;
use super::http::Answer;

/// A refusal: what the error envelope and the status say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Value>,
    /// Refused by Resource Manager itself, before a provider saw it.
    pub(crate) gateway: bool,
    pub(crate) headers: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal of Resource Manager.
    pub(crate) fn gateway(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            gateway: true,
            ..Self::provider(status, code, message)
        }
    }

    /// A refusal of a resource provider.
    pub(crate) fn provider(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
            gateway: false,
            headers: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The object in the envelope.
    pub(crate) fn error(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if !self.gateway {
            super::body::set(&mut error, "details", Value::Array(self.details.clone()));
        }
        error
    }

    pub(crate) fn answer(&self) -> Answer {
        let body = json!({"error": self.error()});
        let text = if self.gateway {
            body.to_string()
        } else {
            pretty(&body)
        };
        let mut answer = Answer::new(self.status).text("application/json; charset=utf-8", text);
        if self.gateway {
            answer.set("x-ms-failure-cause", "gateway");
        }
        for (name, value) in &self.headers {
            answer.set(name, value.clone());
        }
        answer
    }

    /// No such resource, as Resource Manager says it.
    pub(crate) fn no_resource(kind: &str, name: &str, group: &str) -> Self {
        Self::gateway(
            404,
            "ResourceNotFound",
            format!(
                "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
                 https://aka.ms/ARMResourceNotFoundFix"
            ),
        )
    }

    /// No such part of a resource, as a provider says it.
    pub(crate) fn no_part(id: &str) -> Self {
        Self::provider(404, "NotFound", format!("Resource {id} not found."))
    }

    /// Another operation holds the resource.
    pub(crate) fn locked(status: u16, operation: &str) -> Self {
        let code = if status == 429 {
            "RetryableErrorDueToAnotherOperation"
        } else {
            "AnotherOperationInProgress"
        };
        Self::provider(
            status,
            code,
            format!(
                "Another operation on this or dependent resource is in progress. To retrieve status of the operation use \
                 uri: {operation}."
            ),
        )
    }

    /// A body that can't be understood.
    pub(crate) fn format(message: impl Into<String>) -> Self {
        Self::provider(400, "InvalidRequestFormat", message)
    }
}
