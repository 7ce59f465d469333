//! Searches: all pages, each entry in its role.

use std::borrow::Cow;
use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::error::{ClientError, Place};
use super::{Answer, Client, Request, text_at};

/// What a search found, over all its pages.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The status; where it is no success, nothing else is here.
    pub status: u16,
    /// The code of the OperationOutcome, where the search was refused.
    pub outcome: Option<String>,
    /// The entries of mode `match`, in order.
    pub matches: Vec<Value>,
    /// The entries of mode `include`.
    pub included: Vec<Value>,
    /// The first page, for assertions on the Bundle itself.
    pub first: Option<Value>,
}

impl Found {
    /// Whether the search was answered.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Type/id` of each match.
    pub fn references(&self) -> Vec<String> {
        self.matches.iter().filter_map(reference_of).collect()
    }
}

/// `Type/id` of a resource.
pub(crate) fn reference_of(resource: &Value) -> Option<String> {
    Some(format!(
        "{}/{}",
        text_at(resource, "/resourceType")?,
        text_at(resource, "/id")?
    ))
}

/// `Type?_id=a,b`, the search for known resources.
pub fn search_path(resource_type: &str, ids: &[&str]) -> String {
    format!("{resource_type}?_id={}", ids.join(","))
}

impl Client {
    /// Searches, and follows the links to the end.
    ///
    /// # Errors
    /// As [`send`](Client::send), and for pages that cannot or must not be followed: the result
    /// would be incomplete, and an incomplete result says nothing about what is absent.
    pub async fn search(&self, path: &str) -> Result<Found, ClientError> {
        let mut all = Found::default();
        let end = self
            .search_pages(path, &mut |page| {
                all.matches.extend(page.matches);
                all.included.extend(page.included);
                if all.first.is_none() {
                    all.first = page.first;
                }
            })
            .await?;
        all.status = end.status;
        all.outcome = end.outcome;
        Ok(all)
    }

    /// The search with the page size that the server's profile asks for, where it says none.
    fn counted<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let Some(count) = self.inner.target.profile.search.count else {
            return path.into();
        };
        let place = path.split('?').next().unwrap_or_default();
        if place.contains('/') || path.contains("_count=") || path.contains("_summary=count") {
            return path.into();
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}_count={count}").into()
    }

    /// The same with a page at a time, for results that are not to be kept. What is returned has the
    /// status of the search and no entries; the Bundle itself is only in the first page.
    ///
    /// # Errors
    /// As [`search`](Client::search).
    pub async fn search_pages(
        &self,
        path: &str,
        take: &mut (dyn FnMut(Found) + Send),
    ) -> Result<Found, ClientError> {
        let base = &self.inner.target.base_url;
        let path = &*self.counted(path);
        let place = Place::new(&Method::GET, path);
        let mut answer = self.send(Request::get(path)).await?;
        let end = Found {
            status: answer.status,
            outcome: answer.outcome().map(str::to_owned),
            ..Found::default()
        };
        if !answer.is_success() {
            return Ok(end);
        }
        let resource_type = path.split(['?', '/']).next().unwrap_or_default();
        let mut pages = 1;
        let mut seen = BTreeSet::new();
        loop {
            let mut page = Found {
                status: answer.status,
                ..Found::default()
            };
            let next = collect(&answer, resource_type, &place, &mut page)?;
            if pages == 1 {
                page.first = answer.body.take();
            }
            take(page);
            let Some(next) = next else {
                return Ok(end);
            };
            let url = base.join(&next).map_err(|error| ClientError::BadBundle {
                place: place.clone(),
                text: format!("the link to the next page is no address: {error}"),
            })?;
            if url.origin() != base.origin() {
                return Err(ClientError::OtherOrigin {
                    place,
                    host: url.host_str().unwrap_or_default().to_owned(),
                });
            }
            if pages >= self.inner.limits.pages || !seen.insert(url.to_string()) {
                return Err(ClientError::Truncated { place, pages });
            }
            answer = self.send_to(url, place.clone(), Request::get(path)).await?;
            if !answer.is_success() {
                return Err(ClientError::BadBundle {
                    place,
                    text: format!("the next page is answered with {}", answer.status),
                });
            }
            pages += 1;
        }
    }
}

/// Takes the entries of a page, and tells where the next one is.
fn collect(
    answer: &Answer,
    resource_type: &str,
    place: &Place,
    found: &mut Found,
) -> Result<Option<String>, ClientError> {
    let bundle = answer
        .body
        .as_ref()
        .filter(|body| text_at(body, "/resourceType") == Some("Bundle"))
        .ok_or_else(|| ClientError::BadBundle {
            place: place.clone(),
            text: "the search is not answered with a Bundle".into(),
        })?;
    let entries = bundle.get("entry").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let Some(resource) = entry.get("resource") else {
            continue;
        };
        let kind = text_at(resource, "/resourceType").unwrap_or_default();
        match text_at(entry, "/search/mode") {
            Some("outcome") => {}
            Some("include") => found.included.push(resource.clone()),
            Some("match") => found.matches.push(resource.clone()),
            // Without a mode, the type tells: a search finds what it asks for.
            _ if kind == resource_type => found.matches.push(resource.clone()),
            _ if kind == "OperationOutcome" => {}
            _ => found.included.push(resource.clone()),
        }
    }
    let links = bundle.get("link").and_then(Value::as_array);
    Ok(links
        .into_iter()
        .flatten()
        .find(|link| text_at(link, "/relation") == Some("next"))
        .and_then(|link| text_at(link, "/url"))
        .map(str::to_owned))
}
