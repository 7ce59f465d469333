//! What a Bundle of a type may hold (bdl-1 to bdl-12).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::location::Segment;
use super::primitive::is_uuid_urn;
use super::suggest::shortened;
use super::validator::Validator;
use crate::diagnostic::Severity;

/// The types of Bundles.
const TYPES: [&str; 9] = [
    "document",
    "message",
    "transaction",
    "transaction-response",
    "batch",
    "batch-response",
    "history",
    "searchset",
    "collection",
];

impl<'r> Validator<'r> {
    pub(super) fn bundle(&mut self, bundle: &'r Map<String, Value>) {
        let Some(Value::String(kind)) = bundle.get("type") else {
            return;
        };
        // What a Bundle of no known type may hold nobody can say.
        let is_known = TYPES.contains(&&**kind);
        if is_known && bundle.contains_key("total") && !matches!(&**kind, "searchset" | "history") {
            self.at(Segment::Name("total"), |v| {
                v.broken("bdl-1", "only a searchset or history has a `total`");
            });
        }
        if kind == "document" {
            self.document(bundle);
        }
        let Some(Value::Array(entries)) = bundle.get("entry") else {
            return;
        };
        let first = match &**kind {
            "document" => Some(("bdl-11", "Composition")),
            "message" => Some(("bdl-12", "MessageHeader")),
            _ => None,
        };
        let mut identities = HashSet::new();
        self.location.push(Segment::Name("entry"));
        for (at, entry) in entries.iter().enumerate() {
            let Value::Object(entry) = entry else {
                continue;
            };
            self.location.push(Segment::Index(at));
            self.entry(kind, is_known, entry);
            if kind != "history" {
                self.identity(entry, &mut identities);
            }
            if let Some((key, wanted)) = first.filter(|_| at == 0) {
                let resource = entry.get("resource");
                let found = resource.and_then(|r| r.get("resourceType"));
                if found.and_then(Value::as_str) != Some(wanted) {
                    self.error(key, "invariant", || {
                        let message = format!("the first entry of a `{kind}` is a `{wanted}`");
                        (message, None)
                    });
                }
            }
            self.location.pop();
        }
        self.location.pop();
    }

    fn document(&mut self, bundle: &'r Map<String, Value>) {
        let identifier = bundle.get("identifier");
        let has = |name: &str| identifier.is_some_and(|i| i.get(name).is_some());
        if !has("system") || !has("value") {
            self.broken(
                "bdl-9",
                "a document has an `identifier` with system and value",
            );
        }
        if !bundle.contains_key("timestamp") {
            self.broken("bdl-10", "a document has a `timestamp`");
        }
    }

    fn entry(&mut self, kind: &str, is_known: bool, entry: &'r Map<String, Value>) {
        let has = |name: &str| entry.contains_key(name);
        if is_known && has("search") && kind != "searchset" {
            self.at(Segment::Name("search"), |v| {
                v.broken("bdl-2", "only the entries of a searchset have `search`");
            });
        }
        let with_request = matches!(kind, "batch" | "transaction" | "history");
        let with_response = matches!(kind, "batch-response" | "transaction-response" | "history");
        for (name, key, wanted) in [
            ("request", "bdl-3", with_request),
            ("response", "bdl-4", with_response),
        ] {
            if is_known && has(name) != wanted {
                self.error(key, "invariant", || {
                    let verb = if wanted { "needs" } else { "must not have" };
                    (format!("an entry of a `{kind}` {verb} a `{name}`"), None)
                });
            }
        }
        // A `Resource` is an unknown element, and there.
        let is_misspelt = || {
            entry
                .keys()
                .any(|name| name.eq_ignore_ascii_case("resource"))
        };
        if !has("resource") && !has("request") && !has("response") && !is_misspelt() {
            self.broken(
                "bdl-5",
                "an entry needs a `resource`, or a `request` or `response`",
            );
        }
        let Some(Value::String(url)) = entry.get("fullUrl") else {
            return;
        };
        self.at(Segment::Name("fullUrl"), |v| v.full_url(url, entry));
    }

    fn full_url(&mut self, url: &'r str, entry: &'r Map<String, Value>) {
        if url.contains("/_history/") {
            self.broken("bdl-8", "`fullUrl` names a resource, not a version of it");
            return;
        }
        if url.starts_with("urn:uuid:") {
            if !is_uuid_urn(url) {
                self.report(Severity::Warning, "malformed-uuid", "value", || {
                    let message = format!("`{}` holds no UUID", shortened(url));
                    let help = "give `urn:uuid:` and a UUID in lower case".to_owned();
                    (message, Some(help))
                });
            }
            return;
        }
        let resource = entry.get("resource");
        let text = |name: &str| resource.and_then(|r| r.get(name)).and_then(Value::as_str);
        let (Some(type_name), Some(id)) = (text("resourceType"), text("id")) else {
            return;
        };
        // Only a URL in the form of a FHIR server's says what the id is.
        let mut segments = url.rsplit('/');
        let (of_url, type_of_url) = (segments.next(), segments.next());
        if type_of_url == Some(type_name) && of_url != Some(id) {
            self.error("full-url-mismatch", "value", || {
                let message = format!(
                    "`fullUrl` does not end in the resource's id `{}`",
                    shortened(id)
                );
                (
                    message,
                    Some(format!("let it end in `{type_name}/{}`", shortened(id))),
                )
            });
        }
    }

    /// bdl-7: a resource is there once, or once in each version.
    fn identity(
        &mut self,
        entry: &'r Map<String, Value>,
        seen: &mut HashSet<(&'r str, Option<&'r str>)>,
    ) {
        let Some(Value::String(url)) = entry.get("fullUrl") else {
            return;
        };
        let meta = entry.get("resource").and_then(|r| r.get("meta"));
        let version = meta
            .and_then(|meta| meta.get("versionId"))
            .and_then(Value::as_str);
        if !seen.insert((url, version)) {
            self.at(Segment::Name("fullUrl"), |v| {
                v.broken("bdl-7", "another entry has the same `fullUrl` and version");
            });
        }
    }

    fn broken(&mut self, key: &'static str, message: &'static str) {
        self.error(key, "invariant", || (message.to_owned(), None));
    }
}
