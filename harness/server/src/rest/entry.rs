//! One entry of a batch or transaction: what it asks for, and what it is answered with.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::call::{Body, Call, known_type};
use super::{Context, create, patch_carrier};
use crate::http::headers::{IF_NONE_EXIST, http_date};
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::{Stamp, take_resource};
use crate::http::route::Route;

/// An entry, read and checked as far as that can be done alone.
#[derive(Debug)]
pub(super) struct Entry<'b> {
    /// Its place in the Bundle.
    pub(super) index: usize,
    pub(super) full_url: Option<&'b str>,
    method: Method,
    /// Below the base.
    path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    /// The resource, or the operations of a patch, with the URLs of other entries replaced once
    /// they are known.
    pub(super) resource: Value,
    /// The id of what it creates.
    pub(super) assigned: Option<String>,
}

/// Which entry is to blame.
#[derive(Debug)]
pub(super) struct Blamer {
    place: String,
    resource_type: Option<String>,
}

impl Blamer {
    /// The failure as one of the Bundle.
    pub(super) fn blame(&self, failure: Failure) -> Failure {
        failure.inside(&self.place, self.resource_type.as_deref())
    }
}

impl<'b> Entry<'b> {
    /// Reads an entry.
    ///
    /// # Errors
    /// 400 with one issue for each thing that is wrong with it.
    pub(super) fn read(
        context: &Context<'_>,
        index: usize,
        entry: &'b Value,
    ) -> Result<Self, Failure> {
        let place = |inner: &str| format!("Bundle.entry[{index}]{inner}");
        let wrong = |text: String, inner: &str| {
            Failure::bad_request(Issue::error("structure", text).at(place(inner)))
        };
        let Some(request) = entry.get("request").and_then(Value::as_object) else {
            return Err(wrong("the entry has no `request`".to_owned(), ".request"));
        };
        let method = method(request).map_err(|text| wrong(text, ".request.method"))?;
        let url = request.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| wrong("the entry has no `url`".to_owned(), ".request.url"))?;
        let below = url
            .strip_prefix(&*context.app.fhir_base)
            .unwrap_or(url)
            .trim_start_matches('/');
        let (path, query) = match below.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (below, None),
        };
        if path.is_empty() || path.contains(':') {
            return Err(wrong(
                format!(
                    "`url` is `{url}`, but must be below {}",
                    context.app.fhir_base
                ),
                ".request.url",
            ));
        }
        let route = Route::parse(path);
        if let Some(name) = route.resource_type() {
            known_type(name).map_err(|failure| failure.at(&place(".request.url")))?;
        }
        let needs_resource = matches!(method, Method::POST | Method::PUT | Method::PATCH)
            && !matches!(
                route,
                Route::TypeSearch(_) | Route::SystemSearch | Route::CompartmentSearch(..)
            );
        let resource = match entry.get("resource") {
            Some(resource) if method == Method::PATCH => {
                let resource_type = resource.get("resourceType").and_then(Value::as_str);
                patch_carrier::operations(context, resource)
                    .map_err(|failure| failure.inside(&place(""), resource_type))?
            }
            Some(resource) => resource.clone(),
            None if needs_resource => {
                return Err(wrong(
                    format!("a {method} entry needs a `resource`"),
                    ".resource",
                ));
            }
            None => Value::Null,
        };
        let creates = method == Method::POST && matches!(route, Route::Type(_));
        Ok(Self {
            index,
            full_url: entry.get("fullUrl").and_then(Value::as_str),
            headers: headers(context, request)
                .map_err(|(text, name)| wrong(text, &format!(".request.{name}")))?,
            path: path.to_owned(),
            query,
            assigned: creates.then(create::new_id),
            method,
            resource,
        })
    }

    /// The interaction that it asks for.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            method: &self.method,
            route: Route::parse(&self.path),
            query: self.query.as_deref(),
            headers: &self.headers,
            body: Body::Resource(&self.resource),
            assigned: self.assigned.as_deref(),
        }
    }

    /// Whether it changes something.
    pub(super) fn writes(&self) -> bool {
        self.call().writes()
    }

    /// The resource that it writes.
    pub(super) fn written(&self) -> Option<&Value> {
        matches!(self.method, Method::POST | Method::PUT).then_some(&self.resource)
    }

    /// The operations by which it patches.
    pub(super) fn patch(&self) -> Option<&Value> {
        (self.method == Method::PATCH).then_some(&self.resource)
    }

    /// The order of a transaction.
    pub(super) fn stage(&self) -> u8 {
        match self.method {
            Method::DELETE => 0,
            Method::POST => 1,
            Method::PUT | Method::PATCH => 2,
            _ => 3,
        }
    }

    /// What it creates or replaces, as far as its request says: `Type/id`. A condition decides
    /// later.
    pub(super) fn identity(&self) -> Option<String> {
        match (Route::parse(&self.path), &self.assigned) {
            (Route::Instance(t, id), _) => Some(format!("{t}/{id}")),
            (Route::Type(t), Some(id)) if !self.headers.contains_key(IF_NONE_EXIST) => {
                Some(format!("{t}/{id}"))
            }
            _ => None,
        }
    }

    /// What it creates when its condition matches nothing.
    pub(super) fn identity_if_new(&mut self) -> Option<String> {
        let Route::Type(t) = Route::parse(&self.path) else {
            return None;
        };
        if self.method == Method::PATCH {
            return None;
        }
        let given = self.resource.get("id").and_then(Value::as_str);
        let id = match (given, self.method == Method::PUT) {
            (Some(given), true) => given.to_owned(),
            _ => self.assigned.get_or_insert_with(create::new_id).clone(),
        };
        Some(format!("{t}/{id}"))
    }

    pub(super) fn blamer(&self) -> Blamer {
        let resource_type = self.resource.get("resourceType").and_then(Value::as_str);
        Blamer {
            place: format!("Bundle.entry[{}]", self.index),
            resource_type: resource_type.map(str::to_owned),
        }
    }

    /// Its failure as one of the Bundle.
    pub(super) fn blame(&self, failure: Failure) -> Failure {
        self.blamer().blame(failure)
    }
}

fn method(request: &Map<String, Value>) -> Result<Method, String> {
    const METHODS: [Method; 6] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let name = request.get("method").and_then(Value::as_str);
    let name = name.ok_or_else(|| "the entry has no `method`".to_owned())?;
    METHODS
        .into_iter()
        .find(|method| method.as_str() == name)
        .ok_or_else(|| {
            format!("`method` is `{name}`, not one of GET, HEAD, POST, PUT, PATCH and DELETE")
        })
}

/// The preconditions as the headers that they are outside of a Bundle. A failure has the element
/// that is wrong.
fn headers(
    context: &Context<'_>,
    request: &Map<String, Value>,
) -> Result<HeaderMap, (String, &'static str)> {
    let mut headers = HeaderMap::new();
    // A Binary in a Bundle is a resource as every other.
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/fhir+json"),
    );
    if let Some(prefer) = context.headers.get("prefer") {
        headers.insert("prefer", prefer.clone());
    }
    let names = [
        ("ifMatch", header::IF_MATCH),
        ("ifNoneMatch", header::IF_NONE_MATCH),
        ("ifNoneExist", HeaderName::from_static(IF_NONE_EXIST)),
        ("ifModifiedSince", header::IF_MODIFIED_SINCE),
    ];
    for (member, name) in names {
        let Some(value) = request.get(member) else {
            continue;
        };
        let text = value.as_str().map(|text| match member {
            "ifModifiedSince" => text
                .parse::<jiff::Timestamp>()
                .map_or_else(|_| text.to_owned(), http_date),
            // The query, with or without what stands before it in a URL.
            "ifNoneExist" => text.trim_start_matches('?').to_owned(),
            _ => text.to_owned(),
        });
        let value = text.and_then(|text| HeaderValue::from_str(&text).ok());
        let value = value.ok_or_else(|| (format!("`{member}` is no text of a header"), member))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// What became of an entry.
#[derive(Debug)]
pub(super) struct Done {
    status: StatusCode,
    resource: Option<Value>,
    stamp: Option<Stamp>,
    etag: Option<String>,
    /// Whether the answer says where it is.
    located: bool,
    /// `Type/id` of what was written or found.
    pub(super) reference: Option<String>,
}

impl Done {
    pub(super) fn of(call: &Call<'_>, mut response: Response) -> Self {
        let stamp = response.extensions_mut().remove::<Stamp>();
        let etag = response.headers().get(header::ETAG);
        Self {
            status: response.status(),
            etag: etag.and_then(|etag| Some(etag.to_str().ok()?.to_owned())),
            reference: stamp.as_ref().map(|stamp| stamp.reference.clone()),
            resource: take_resource(&mut response),
            stamp,
            located: call.writes() && *call.method != Method::DELETE,
        }
    }

    /// Whether a conditional create found its resource.
    pub(super) fn was_found(&self, entry: &Entry<'_>) -> bool {
        entry.method == Method::POST && self.status == StatusCode::OK
    }

    /// The entry of the answer.
    pub(super) fn into_value(self, context: &Context<'_>) -> Value {
        let mut entry = Map::new();
        let mut response = Map::new();
        response.insert("status".into(), self.status.as_str().into());
        if let (Some(stamp), true) = (&self.stamp, self.located) {
            response.insert(
                "location".into(),
                format!("{}{}", context.app.fhir_base, stamp.location).into(),
            );
        }
        if let Some(etag) = self.etag {
            response.insert("etag".into(), etag.into());
        }
        if let Some(stamp) = &self.stamp {
            response.insert("lastModified".into(), stamp.last_modified.clone().into());
        }
        match self.resource {
            Some(outcome) if is_outcome(&outcome) => {
                response.insert("outcome".into(), outcome);
            }
            Some(resource) => {
                let id = resource.get("id").and_then(Value::as_str);
                let name = resource.get("resourceType").and_then(Value::as_str);
                if let (Some(name), Some(id)) = (name, id) {
                    let url = format!("{}{name}/{id}", context.app.fhir_base);
                    entry.insert("fullUrl".into(), url.into());
                }
                entry.insert("resource".into(), resource);
            }
            None => {}
        }
        entry.insert("response".into(), Value::Object(response));
        Value::Object(entry)
    }
}

fn is_outcome(resource: &Value) -> bool {
    resource
        .get("resourceType")
        .is_some_and(|name| name == "OperationOutcome")
}

/// The entry of an answer that says why it failed.
pub(super) fn refused(failure: &Failure) -> Value {
    json!({ "response": {
        "status": failure.status().as_str(),
        "outcome": failure.to_outcome(),
    } })
}
