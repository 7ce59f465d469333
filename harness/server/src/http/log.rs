//! One event for each request, for whoever subscribes to `fhirward_server` by `tracing`.
//!
//! It tells the method, the route, the status, the time taken, who asked (the ProjectMembership)
//! and the id of the request. It never tells ids of resources, queries, bodies or tokens: all of
//! them can name a patient, or open a door.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use fhirward_spec::spec;

use crate::app::FHIR_PATH;
use crate::auth::session::Actor;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who turned out to send a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who(Arc<OnceLock<String>>);

impl Who {
    /// Notes who sends the request with these extensions.
    pub(crate) fn is(extensions: &Extensions, actor: &Actor) {
        if let Some(who) = extensions.get::<Self>() {
            who.0.get_or_init(|| actor.membership.reference());
        }
    }
}

/// Tells of the request once it is answered, or given up.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    let given = request_id(request.headers());
    if !tracing::enabled!(tracing::Level::INFO) {
        return named(next.run(request).await, given);
    }
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    let mut entry = Entry {
        method: request.method().clone(),
        route: route(&request),
        status: None,
        started: Instant::now(),
        who,
        id: given
            .clone()
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
    };
    let response = next.run(request).await;
    entry.status = Some(response.status().as_u16());
    named(response, given)
}

/// The event, which is told when it is dropped: a request whose sender goes away has no answer.
struct Entry {
    method: Method,
    route: String,
    status: Option<u16>,
    started: Instant,
    who: Who,
    id: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let ms = self.started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(
            method = method(&self.method),
            route = self.route,
            status = self.status,
            ms = (ms * 1000.0).round() / 1000.0,
            actor = self.who.0.get(),
            request = self.id,
            "{}",
            if self.status.is_some() {
                "answered"
            } else {
                "given up"
            }
        );
    }
}

/// A method that is none of HTTP's could be any text.
fn method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// The id that the client gave the request.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=64).contains(&given.len()) && given.bytes().all(plain)).then(|| given.to_owned())
}

/// The client hears the id that it gave. One of the server's would tell two answers apart that
/// must not differ: to what is hidden, and to what is not there.
fn named(mut response: Response, id: Option<String>) -> Response {
    if let Some(id) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The path without anything that the sender chose.
fn route(request: &Request) -> String {
    let path = request.uri().path();
    if let Some(below) = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(FHIR_PATH))
    {
        let segments: Vec<&str> = below.split('/').map(known).collect();
        return format!("/{FHIR_PATH}{}", segments.join("/"));
    }
    request.extensions().get::<MatchedPath>().map_or_else(
        || "{other}".to_owned(),
        |matched| matched.as_str().to_owned(),
    )
}

/// A segment of a FHIR path, unless it is an id.
fn known(segment: &str) -> &str {
    const OTHERS: [&str; 5] = ["", "*", "_history", "_search", "metadata"];
    let operation = |name: &str| {
        name.len() <= 40
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    };
    let known = OTHERS.contains(&segment)
        || spec().resource(segment).is_some()
        || segment.strip_prefix('$').is_some_and(operation);
    if known { segment } else { "{id}" }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::instance("/fhir/R4/Patient/jane-doe", "/fhir/R4/Patient/{id}")]
    #[case::version("/fhir/R4/Task/a/_history/b", "/fhir/R4/Task/{id}/_history/{id}")]
    #[case::search("/fhir/R4/Patient?name=doe", "/fhir/R4/Patient")]
    #[case::operation("/fhir/R4/Bot/x/$execute", "/fhir/R4/Bot/{id}/$execute")]
    #[case::no_operation("/fhir/R4/$jane.doe@example", "/fhir/R4/{id}")]
    #[case::no_type("/fhir/R4/JaneDoe", "/fhir/R4/{id}")]
    #[case::base("/fhir/R4/", "/fhir/R4/")]
    #[case::elsewhere("/jane/doe", "{other}")]
    fn a_route_has_nothing_that_the_sender_chose(#[case] uri: &str, #[case] expected: &str) {
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        assert_eq!(route(&request), expected);
    }

    #[rstest]
    #[case::given("abc-1_2.3", true)]
    #[case::spaces("a b", false)]
    #[case::too_long(&"a".repeat(65), false)]
    #[case::empty("", false)]
    fn only_a_plain_request_id_is_kept(#[case] given: &str, #[case] kept: bool) {
        let headers = HeaderMap::from_iter([(REQUEST_ID, given.parse().unwrap())]);
        assert_eq!(request_id(&headers).as_deref(), kept.then_some(given));
    }
}
