//! Answers that are not errors.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::headers::http_date;
use super::outcome::{Issue, operation_outcome};
use crate::store::{Version, instant};

/// The content type of every FHIR answer.
const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

/// Answers depend on who asks, and on a policy that may change before the next request.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The resource of a response that is not written yet. Until it is sent a Bundle may take it in,
/// and the client may want it shorter or indented.
#[derive(Debug, Clone)]
struct Unwritten(Value);

/// A response with a FHIR resource.
pub(crate) fn fhir_json(status: StatusCode, body: impl Content) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, FHIR_JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
        .extensions_mut()
        .insert(Unwritten(body.into_value()));
    response
}

/// What can be the body of an answer.
pub(crate) trait Content {
    fn into_value(self) -> Value;
}

impl Content for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl Content for &Value {
    fn into_value(self) -> Value {
        self.clone()
    }
}

/// The resource that a response is about to be written with.
pub(crate) fn take_resource(response: &mut Response) -> Option<Value> {
    Some(response.extensions_mut().remove::<Unwritten>()?.0)
}

/// Changes the resource that a response is about to be written with.
pub(crate) fn change_resource(response: &mut Response, change: impl FnOnce(&mut Value)) {
    if let Some(Unwritten(resource)) = response.extensions_mut().get_mut::<Unwritten>() {
        change(resource);
    }
}

/// Writes the resource of a response, if it has one that is not written yet.
pub(crate) fn written(mut response: Response, pretty: bool) -> Response {
    if let Some(resource) = take_resource(&mut response) {
        let text = if pretty {
            format!("{resource:#}\n")
        } else {
            resource.to_string()
        };
        *response.body_mut() = Body::from(text);
    }
    response
}

/// A response with JSON that is no FHIR resource.
pub(crate) fn plain_json(status: StatusCode, body: &Value) -> Response {
    json_as(
        HeaderValue::from_static("application/json; charset=utf-8"),
        status,
        body,
    )
}

fn json_as(content_type: HeaderValue, status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// What the client wants back from a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Prefer {
    #[default]
    Representation,
    Minimal,
    OperationOutcome,
}

impl Prefer {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let values = headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split([',', ';'])) {
            match preference.trim() {
                "return=minimal" => return Self::Minimal,
                "return=OperationOutcome" => return Self::OperationOutcome,
                "return=representation" => return Self::Representation,
                _ => {}
            }
        }
        Self::default()
    }
}

/// What an entry of a Bundle says about the version that it read or wrote, and no header does.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    /// `Type/id`
    pub(crate) reference: String,
    /// `Type/id/_history/version`
    pub(crate) location: String,
    /// As an instant; the header has no parts of a second.
    pub(crate) last_modified: String,
}

impl Stamp {
    pub(crate) fn of(version: &Version) -> Self {
        Self {
            reference: version.reference(),
            location: version.location(""),
            last_modified: instant(version.last_updated),
        }
    }
}

/// The answer to a read or a write of one resource.
#[derive(Debug)]
pub(crate) struct ResourceReply<'a> {
    pub(crate) status: StatusCode,
    pub(crate) version: &'a Version,
    /// What the actor may see of it; nothing when the result is out of the actor's sight.
    pub(crate) visible: Option<Value>,
    /// `Location`, after a create.
    pub(crate) location: Option<String>,
    pub(crate) prefer: Prefer,
}

impl IntoResponse for ResourceReply<'_> {
    fn into_response(mut self) -> Response {
        let visible = self.visible.take();
        let mut response = match (self.prefer, visible) {
            (Prefer::Minimal, _) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = self.status;
                response
            }
            (Prefer::Representation, Some(resource)) => fhir_json(self.status, resource),
            (Prefer::OperationOutcome, _) => fhir_json(
                self.status,
                operation_outcome(Some("ok"), &[Issue::information("informational", "All OK")]),
            ),
            (Prefer::Representation, None) => {
                let issue = Issue::information("informational", "All OK")
                    .with_diagnostics("your access policy does not let you read the result");
                fhir_json(self.status, operation_outcome(Some("ok"), &[issue]))
            }
        };
        response.extensions_mut().insert(Stamp::of(self.version));
        let headers = response.headers_mut();
        let mut set = |name, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        set(header::ETAG, &self.version.etag());
        set(header::LAST_MODIFIED, &http_date(self.version.last_updated));
        if let Some(location) = &self.location {
            set(header::LOCATION, location);
        }
        response
    }
}

/// The answer to a successful delete.
pub(crate) fn deleted(version: &Version) -> Response {
    let mut response = fhir_json(
        StatusCode::OK,
        operation_outcome(Some("ok"), &[Issue::information("informational", "All OK")]),
    );
    response.extensions_mut().insert(Stamp::of(version));
    response
}
