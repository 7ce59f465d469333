//! How much of an answer is sent, and how it is written: `_summary`, `_elements`, `_pretty`.
//! Source: <http://hl7.org/fhir/R4/search.html#summary>, `#elements`.
//!
//! One piece for reads, searches and histories alike. It works on what is about to be sent, so on
//! what the actor may see; a hidden element cannot be asked for.

use fhirward_engine::words::nearest;
use fhirward_spec::spec;
use serde_json::Value;
use url::form_urlencoded;

use super::outcome::{Failure, Issue};
use super::subset::{self, Subset};

/// What a request says about the form of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) pretty: bool,
    subset: Option<Subset>,
    /// The parameters as they were given, for the links of pages.
    given: Vec<(String, String)>,
}

impl Shape {
    /// Takes the parameters that shape the answer out of the pairs. `_summary=count` is left: it
    /// asks for another answer, which only a search has.
    ///
    /// # Errors
    /// 400 for a value that means nothing, an element that the type does not have, and for what
    /// cannot be asked together.
    pub(crate) fn take(
        pairs: &mut Vec<(String, String)>,
        resource_type: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut shape = Self::default();
        let mut asked: Option<String> = None;
        let is_shaping = |name: &str, value: &str| match name {
            // Medplum knows `_elements` by both names.
            "_pretty" | "_elements" | "_fields" => true,
            "_summary" => value != "count",
            _ => false,
        };
        for (name, value) in pairs.iter().filter(|(n, v)| is_shaping(n, v)) {
            let subset = match &**name {
                "_pretty" => {
                    shape.pretty = truth(name, value)?;
                    None
                }
                "_elements" | "_fields" => Some(Subset::Elements(elements(value, resource_type)?)),
                _ => summary(value)?,
            };
            if let Some(subset) = subset {
                if let Some(other) = &asked {
                    return Err(Failure::invalid(format!(
                        "`{other}` and `{name}={value}` cannot be asked together"
                    )));
                }
                asked = Some(format!("{name}={value}"));
                shape.subset = Some(subset);
            }
            shape.given.push((name.clone(), value.clone()));
        }
        pairs.retain(|(name, value)| !is_shaping(name, value));
        let includes = pairs
            .iter()
            .find(|(name, _)| name.starts_with("_include") || name.starts_with("_revinclude"));
        if let (Some(Subset::Text), Some((name, _))) = (&shape.subset, includes) {
            return Err(Failure::invalid(format!(
                "`{name}` cannot be asked together with `_summary=text`"
            )));
        }
        Ok(shape)
    }

    /// Whether the answer is sent as it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.subset.is_none() && self.given.is_empty()
    }

    /// The answer in this shape: a resource, or each of the resources that a search or a history
    /// lists. An OperationOutcome is not shortened: it says what became of the request.
    pub(crate) fn apply(&self, body: &mut Value) {
        let is = |body: &Value, name: &str| body.get("resourceType").is_some_and(|t| t == name);
        if is(body, "OperationOutcome") {
            return;
        }
        let listing = body.get("type").and_then(Value::as_str);
        if is(body, "Bundle") && matches!(listing, Some("searchset" | "history")) {
            self.apply_to_links(body);
            let entries = body.get_mut("entry").and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                let mode = entry.pointer("/search/mode").and_then(Value::as_str);
                // The list of elements is that of the type searched for.
                let applies = match mode {
                    Some("outcome") => false,
                    Some("include") => !matches!(self.subset, Some(Subset::Elements(_))),
                    _ => true,
                };
                if let (true, Some(resource)) = (applies, entry.get_mut("resource")) {
                    self.shorten(resource);
                }
            }
            return;
        }
        self.shorten(body);
    }

    fn shorten(&self, resource: &mut Value) {
        if let Some(subset) = &self.subset {
            subset::apply(subset, resource);
        }
    }

    /// The pages of a result have all the same shape.
    fn apply_to_links(&self, bundle: &mut Value) {
        if self.given.is_empty() {
            return;
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.given);
        let query = query.finish();
        let links = bundle.get_mut("link").and_then(Value::as_array_mut);
        for link in links.into_iter().flatten() {
            if let Some(Value::String(url)) = link.get_mut("url") {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&query);
            }
        }
    }
}

fn truth(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::invalid(format!(
            "`{name}` must be true or false, not `{value}`"
        ))),
    }
}

fn summary(value: &str) -> Result<Option<Subset>, Failure> {
    Ok(match value {
        "true" => Some(Subset::Summary),
        "text" => Some(Subset::Text),
        "data" => Some(Subset::Data),
        "false" => None,
        _ => {
            return Err(Failure::invalid(format!(
                "`_summary` must be true, text, data, count or false, not `{value}`"
            )));
        }
    })
}

fn elements(value: &str, resource_type: Option<&str>) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = value
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    if names.iter().any(String::is_empty) {
        return Err(Failure::invalid(format!(
            "`_elements={value}` is no list of element names"
        )));
    }
    let Some(of_type) = resource_type.and_then(|name| spec().resource(name)) else {
        return Ok(names);
    };
    let known = |name: &str| {
        of_type
            .element_named(name)
            .or(of_type.element(name).map(|e| e.0))
    };
    let unknown = names.iter().find(|name| known(name).is_none());
    let Some(unknown) = unknown else {
        return Ok(names);
    };
    let text = format!("`_elements`: {} has no element `{unknown}`", of_type.name);
    let issue = Issue::error("invalid", text);
    let all = of_type.elements.iter().map(|element| &*element.name);
    Err(Failure::bad_request(match nearest(unknown, all) {
        Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
        None => issue.with_diagnostics("only elements at the top of the resource can be named"),
    }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn shape(query: &str) -> Result<Shape, Failure> {
        let mut pairs = super::super::query::pairs(query)?;
        Shape::take(&mut pairs, Some("Communication"))
    }

    #[rstest]
    #[case::summary_of_nothing("_summary=yes")]
    #[case::pretty_of_nothing("_pretty=1")]
    #[case::unknown_element("_elements=statsu")]
    #[case::inner_element("_elements=payload.content")]
    #[case::no_name("_elements=status,")]
    #[case::two("_summary=true&_elements=status")]
    #[case::text_and_include("_summary=text&_include=Communication:sender")]
    fn refused(#[case] query: &str) {
        assert!(shape(query).is_err());
    }

    #[test]
    fn counting_is_left_to_the_search() {
        let mut pairs = super::super::query::pairs("_summary=count&_pretty=true&a=b").unwrap();
        let shape = Shape::take(&mut pairs, None).unwrap();
        assert!(shape.pretty);
        let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["_summary", "a"]);
    }

    #[test]
    fn matches_are_shortened_and_links_repeat_it() {
        let communication = json!({"resourceType": "Communication", "id": "a", "status": "completed", "sent": "2026"});
        let mut bundle = json!({
            "resourceType": "Bundle", "type": "searchset",
            "link": [{"relation": "self", "url": "http://x/Communication?_count=20"}],
            "entry": [
                {"resource": communication.clone(), "search": {"mode": "match"}},
                {"resource": {"resourceType": "Patient", "active": true}, "search": {"mode": "include"}},
                {"resource": {"resourceType": "OperationOutcome", "issue": []}, "search": {"mode": "outcome"}},
            ],
        });
        shape("_elements=topic").unwrap().apply(&mut bundle);
        let resource = |at: usize| bundle["entry"][at]["resource"].clone();
        assert_eq!(resource(0)["status"], "completed", "mandatory");
        assert!(resource(0).get("sent").is_none());
        assert_eq!(
            resource(1),
            json!({"resourceType": "Patient", "active": true})
        );
        assert_eq!(resource(2)["issue"], json!([]));
        assert_eq!(
            bundle["link"][0]["url"],
            "http://x/Communication?_count=20&_elements=topic"
        );
    }
}
