//! Errors, which are OperationOutcomes.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::resource::Finding;
use serde_json::{Map, Value, json};

use super::reply::fhir_json;
use crate::store::StoreError;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    severity: &'static str,
    /// A code of <http://hl7.org/fhir/issue-type>.
    code: &'static str,
    text: String,
    diagnostics: Option<String>,
    expression: Option<String>,
}

impl Issue {
    pub(crate) fn error(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            severity: "error",
            code,
            text: text.into(),
            diagnostics: None,
            expression: None,
        }
    }

    pub(crate) fn information(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            severity: "information",
            ..Self::error(code, text)
        }
    }

    /// What to do about it.
    pub(crate) fn with_diagnostics(mut self, text: impl Into<String>) -> Self {
        self.diagnostics = Some(text.into());
        self
    }

    /// Where it is, as FHIRPath.
    pub(crate) fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    fn to_value(&self) -> Value {
        let mut issue = Map::new();
        issue.insert("severity".into(), self.severity.into());
        issue.insert("code".into(), self.code.into());
        issue.insert("details".into(), json!({ "text": self.text }));
        if let Some(text) = &self.diagnostics {
            issue.insert("diagnostics".into(), text.as_str().into());
        }
        if let Some(expression) = &self.expression {
            issue.insert("expression".into(), json!([expression]));
        }
        Value::Object(issue)
    }
}

impl From<&Finding> for Issue {
    fn from(finding: &Finding) -> Self {
        let mut issue =
            Self::error(finding.issue_type, finding.message.clone()).at(finding.expression.clone());
        issue.severity = severity(finding.severity);
        issue.diagnostics.clone_from(&finding.help);
        issue
    }
}

impl From<&Diagnostic> for Issue {
    fn from(diagnostic: &Diagnostic) -> Self {
        let code = match diagnostic.code {
            "criteria/chain"
            | "criteria/modifier"
            | "criteria/result-parameter"
            | "criteria/unsupported-parameter" => "not-supported",
            _ => "invalid",
        };
        let mut issue = Self::error(code, diagnostic.message.clone());
        issue.severity = severity(diagnostic.severity);
        let labels = diagnostic.labels.iter().map(|label| label.text.clone());
        let hints: Vec<String> = labels
            .chain(diagnostic.help.clone())
            .filter(|hint| !hint.is_empty())
            .collect();
        if !hints.is_empty() {
            issue.diagnostics = Some(hints.join("; "));
        }
        issue
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error | Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "information",
    }
}

/// The body of an OperationOutcome.
pub(crate) fn operation_outcome(id: Option<&str>, issues: &[Issue]) -> Value {
    let mut outcome = Map::new();
    outcome.insert("resourceType".into(), "OperationOutcome".into());
    if let Some(id) = id {
        outcome.insert("id".into(), id.into());
    }
    outcome.insert("issue".into(), issues.iter().map(Issue::to_value).collect());
    Value::Object(outcome)
}

/// A request that failed: a status and the OperationOutcome that explains it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    id: Option<&'static str>,
    issues: Vec<Issue>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, issues: Vec<Issue>) -> Self {
        Self(Box::new(Inner {
            status,
            id: None,
            issues,
            headers: Vec::new(),
        }))
    }

    fn known(status: StatusCode, id: &'static str, issue: Issue) -> Self {
        Self(Box::new(Inner {
            status,
            id: Some(id),
            issues: vec![issue],
            headers: Vec::new(),
        }))
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// 400 with one issue.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, vec![Issue::error("invalid", text)])
    }

    /// 400 for what this server does not do.
    pub(crate) fn not_supported(text: impl Into<String>, reason: impl Into<String>) -> Self {
        let issue = Issue::error("not-supported", text).with_diagnostics(reason);
        Self::new(StatusCode::BAD_REQUEST, vec![issue])
    }

    /// 404. There is one way only to say it: what is hidden must not differ from what is missing.
    pub(crate) fn not_found() -> Self {
        Self::known(
            StatusCode::NOT_FOUND,
            "not-found",
            Issue::error("not-found", "Not found"),
        )
    }

    /// 410, for those who could read what was deleted.
    pub(crate) fn gone() -> Self {
        Self::known(StatusCode::GONE, "gone", Issue::error("deleted", "Gone"))
    }

    /// 403, with the reason as far as the actor may know it.
    pub(crate) fn forbidden(reason: impl Into<String>) -> Self {
        let issue = Issue::error("forbidden", "Forbidden").with_diagnostics(reason);
        Self::known(StatusCode::FORBIDDEN, "forbidden", issue)
    }

    /// 401.
    pub(crate) fn unauthorized(reason: &str) -> Self {
        let issue = Issue::error("login", "Unauthorized").with_diagnostics(reason);
        Self::known(StatusCode::UNAUTHORIZED, "unauthorized", issue).with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"fhirward\""),
        )
    }

    /// 412: the version that the client named is not the current one.
    pub(crate) fn precondition_failed() -> Self {
        let issue = Issue::error("conflict", "Precondition Failed")
            .with_diagnostics("the version named by If-Match is not the current one");
        Self::known(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            issue,
        )
    }

    /// 500, for what is not the client's fault.
    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            vec![Issue::error("exception", text)],
        )
    }

    /// 405, naming what is allowed.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let issue = Issue::error("not-supported", "method not allowed")
            .with_diagnostics(format!("allowed here: {allowed}"));
        let failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, vec![issue]);
        match HeaderValue::from_str(allowed) {
            Ok(value) => failure.with_header(header::ALLOW, value),
            Err(_) => failure,
        }
    }
}

impl From<StoreError> for Failure {
    /// What is wrong with the disk is for those who run the server, not for those who ask it.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a write was refused");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            vec![
                Issue::error(
                    "exception",
                    "the change could not be stored, and was not made",
                )
                .with_diagnostics("the server's log says why; reading goes on"),
            ],
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Inner {
            status,
            id,
            issues,
            headers,
        } = *self.0;
        let mut response = fhir_json(status, &operation_outcome(id, &issues));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
