//! From an action to requests.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::bindings::{Bindings, Bound, Missing};
use crate::client::{Answer, Client, ClientError, Found, Place, Request, text_at};
use crate::scenario::{Action, Content, Entry, Extras, Payload, Template};

/// A request with all its names filled in.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    method: Method,
    path: String,
    body: Option<Value>,
    bytes: Option<Vec<u8>>,
    media_type: Option<String>,
    if_match: Option<String>,
    headers: Vec<(String, String)>,
    any_media: bool,
}

/// The media type of a JSON Patch in the Binary of a transaction. Source: R4 http.html#patch.
const JSON_PATCH: &str = "application/json-patch+json";

/// Fills in the request of an action that is one. `None` for what is several, or none.
pub(super) fn prepare(
    action: &Action,
    extras: &Extras,
    bindings: &Bindings,
    patch_media_type: &str,
) -> Result<Option<Prepared>, Missing> {
    let fill = |template: &Template| bindings.fill(template);
    let mut request = Prepared {
        method: Method::GET,
        path: String::new(),
        body: None,
        bytes: None,
        media_type: None,
        if_match: extras.if_match.as_ref().map(fill).transpose()?,
        headers: Vec::new(),
        any_media: false,
    };
    for (name, value) in &extras.headers {
        request.headers.push((name.clone(), fill(value)?));
    }
    if let Some(search) = &extras.if_none_exist {
        request
            .headers
            .push(("If-None-Exist".into(), fill(search)?));
    }
    match action {
        Action::Create {
            resource_type,
            body,
        } => {
            request.method = Method::POST;
            request.path.clone_from(resource_type);
            request.body = Some(bindings.fill_value(body)?);
        }
        Action::Upload {
            resource_type,
            content,
        } => {
            request.method = Method::POST;
            request.path.clone_from(resource_type);
            request.carry(content, bindings)?;
        }
        Action::Read(target) | Action::Vread(target) => request.path = fill(target)?,
        Action::Update { target, body } | Action::Upsert { target, body } => {
            request.method = Method::PUT;
            request.path = fill(target)?;
            request.body = Some(bindings.fill_value(body)?);
        }
        Action::Patch { target, body } => {
            request.method = Method::PATCH;
            request.path = fill(target)?;
            request.body = Some(bindings.fill_value(body)?);
            request.media_type = Some(patch_media_type.to_owned());
        }
        Action::Delete(target) => {
            request.method = Method::DELETE;
            request.path = fill(target)?;
        }
        Action::Operation { target, body } => {
            request.path = fill(target)?;
            if let Some(body) = body {
                request.method = Method::POST;
                request.body = Some(bindings.fill_value(body)?);
            }
        }
        Action::Raw {
            method,
            target,
            content,
        } => {
            // Checked when the file was read.
            request.method = method.parse().unwrap_or(Method::GET);
            request.path = fill(target)?;
            request.any_media = true;
            if let Some(content) = content {
                request.carry(content, bindings)?;
            }
        }
        Action::Bundle {
            transaction,
            entries,
        } => {
            request.method = Method::POST;
            request.body = Some(bundle(*transaction, entries, bindings)?);
        }
        Action::Search(_)
        | Action::History(_)
        | Action::Grant { .. }
        | Action::Race(_)
        | Action::Subscribe { .. }
        | Action::Await(_) => return Ok(None),
    }
    Ok(Some(request))
}

impl Prepared {
    fn carry(&mut self, content: &Content, bindings: &Bindings) -> Result<(), Missing> {
        self.media_type = Some(content.media_type.clone());
        match &content.payload {
            Payload::Json(value) => self.body = Some(bindings.fill_value(value)?),
            Payload::Text(text) => self.bytes = Some(bindings.fill(text)?.into_bytes()),
            Payload::Bytes(bytes) => self.bytes = Some(bytes.clone()),
        }
        Ok(())
    }

    /// Sends it.
    pub(super) async fn send(&self, client: &Client) -> Result<Answer, ClientError> {
        let mut request = Request::new(self.method.clone(), &self.path);
        request.body = self.body.as_ref();
        request.bytes = self.bytes.as_deref();
        request.media_type = self.media_type.as_deref();
        request.if_match = self.if_match.as_deref();
        request.headers = &self.headers;
        request.any_media = self.any_media;
        let Some(path) = self.path.strip_prefix('/') else {
            return client.send(request).await;
        };
        let place = Place::new(&self.method, &self.path);
        let base = &client.target().base_url;
        let mut root = base.clone();
        root.set_path(base.path().trim_end_matches("fhir/R4/"));
        let url = root
            .join(path)
            .ok()
            .filter(|url| url.origin() == base.origin())
            .ok_or_else(|| ClientError::Outside(place.clone()))?;
        client.send_to(url, place, request).await
    }
}

/// A Bundle. In a transaction a name that an entry makes stands for its `fullUrl` in all others.
fn bundle(transaction: bool, entries: &[Entry], bindings: &Bindings) -> Result<Value, Missing> {
    let mut inside = bindings.clone();
    let mut urls = Vec::new();
    for entry in entries {
        let creates = matches!(entry.action, Action::Create { .. } | Action::Upsert { .. });
        let url = (transaction && creates).then(|| format!("urn:uuid:{}", uuid::Uuid::new_v4()));
        if let (Some(name), Some(url)) = (&entry.capture, &url) {
            inside.put(
                name,
                Bound::Resource {
                    reference: url.clone(),
                    version: None,
                },
            );
        }
        urls.push(url);
    }
    let mut list = Vec::new();
    for (entry, url) in entries.iter().zip(urls) {
        list.push(bundle_entry(entry, url, &inside)?);
    }
    let kind = if transaction { "transaction" } else { "batch" };
    Ok(json!({ "resourceType": "Bundle", "type": kind, "entry": list }))
}

fn bundle_entry(entry: &Entry, url: Option<String>, bindings: &Bindings) -> Result<Value, Missing> {
    let fill = |template: &Template| bindings.fill(template);
    let (method, path, resource) = match &entry.action {
        Action::Create {
            resource_type,
            body,
        } => (
            "POST",
            resource_type.clone(),
            Some(bindings.fill_value(body)?),
        ),
        Action::Update { target, body } | Action::Upsert { target, body } => {
            ("PUT", fill(target)?, Some(bindings.fill_value(body)?))
        }
        Action::Patch { target, body } => {
            let operations = bindings.fill_value(body)?.to_string();
            let binary = json!({
                "resourceType": "Binary",
                "contentType": JSON_PATCH,
                "data": STANDARD.encode(operations),
            });
            ("PATCH", fill(target)?, Some(binary))
        }
        Action::Delete(target) => ("DELETE", fill(target)?, None),
        Action::Read(target) | Action::Search(target) => ("GET", fill(target)?, None),
        // The parser takes no other verb in an entry.
        _ => ("GET", String::new(), None),
    };
    let mut request = serde_json::Map::new();
    request.insert("method".into(), method.into());
    request.insert("url".into(), path.into());
    if let Some(version) = &entry.extras.if_match {
        let tag = format!("W/\"{}\"", fill(version)?);
        request.insert("ifMatch".into(), tag.into());
    }
    if let Some(search) = &entry.extras.if_none_exist {
        request.insert("ifNoneExist".into(), fill(search)?.into());
    }
    let mut result = serde_json::Map::new();
    if let Some(url) = url {
        result.insert("fullUrl".into(), url.into());
    }
    if let Some(resource) = resource {
        result.insert("resource".into(), resource);
    }
    result.insert("request".into(), Value::Object(request));
    Ok(Value::Object(result))
}

/// A search, and why it did not come to its end: there were more pages than the run takes. What was
/// found by then was found.
pub(super) async fn search(
    client: &Client,
    path: &str,
) -> Result<(Found, Option<ClientError>), ClientError> {
    let mut all = Found::default();
    let end = client
        .search_pages(path, &mut |page| {
            all.status = page.status;
            all.matches.extend(page.matches);
            all.included.extend(page.included);
            if all.first.is_none() {
                all.first = page.first;
            }
        })
        .await;
    match end {
        Ok(end) => {
            all.status = end.status;
            all.outcome = end.outcome;
            Ok((all, None))
        }
        Err(truncated @ ClientError::Truncated { .. }) => Ok((all, Some(truncated))),
        Err(error) => Err(error),
    }
}

/// All pages of a history in one Bundle, the first one's with the entries of the others.
pub(super) async fn history(
    client: &Client,
    path: &str,
    limit: usize,
) -> Result<Answer, ClientError> {
    let base = &client.target().base_url;
    let place = Place::new(&Method::GET, path);
    let mut first = client.send(Request::get(path)).await?;
    let mut next = next_page(&first);
    let mut seen = BTreeSet::new();
    let mut more = Vec::new();
    while let Some(link) = next {
        let url = base.join(&link).map_err(|error| ClientError::BadBundle {
            place: place.clone(),
            text: format!("the link to the next page is no address: {error}"),
        })?;
        if url.origin() != base.origin() {
            return Err(ClientError::OtherOrigin {
                place,
                host: url.host_str().unwrap_or_default().to_owned(),
            });
        }
        if seen.len() + 1 >= limit || !seen.insert(url.to_string()) {
            return Err(ClientError::Truncated {
                place,
                pages: seen.len() + 1,
            });
        }
        let mut page = client
            .send_to(url, place.clone(), Request::get(path))
            .await?;
        if !page.is_success() {
            return Err(ClientError::BadBundle {
                place,
                text: format!("the next page is answered with {}", page.status),
            });
        }
        next = next_page(&page);
        let entries = page.body.as_mut().and_then(|body| body.get_mut("entry"));
        if let Some(Value::Array(entries)) = entries {
            more.append(entries);
        }
    }
    let entries = first.body.as_mut().and_then(|body| body.get_mut("entry"));
    if let Some(Value::Array(entries)) = entries {
        entries.append(&mut more);
    }
    Ok(first)
}

fn next_page(answer: &Answer) -> Option<String> {
    let links = answer.body.as_ref()?.get("link")?.as_array()?;
    links
        .iter()
        .find(|link| text_at(link, "/relation") == Some("next"))
        .and_then(|link| text_at(link, "/url"))
        .map(str::to_owned)
}

/// The responses of a Bundle, one answer for each entry.
pub(super) fn responses(bundle: &Answer) -> Option<Vec<Answer>> {
    let body = bundle.body.as_ref()?;
    if text_at(body, "/resourceType") != Some("Bundle") {
        return None;
    }
    let entries = body.get("entry").and_then(Value::as_array)?;
    entries.iter().map(response).collect()
}

fn response(entry: &Value) -> Option<Answer> {
    let status = text_at(entry, "/response/status")?;
    let body = entry
        .get("resource")
        .or_else(|| entry.pointer("/response/outcome"));
    Some(Answer {
        status: status.split(' ').next()?.parse().ok()?,
        version: text_at(entry, "/response/etag")
            .map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned()),
        location: text_at(entry, "/response/location").and_then(crate::client::located),
        body: body.cloned(),
        headers: reqwest::header::HeaderMap::new(),
        text: None,
    })
}
