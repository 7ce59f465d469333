//! Search as a server offers it, decided by the same filters as a policy's criteria.

use serde_json::Value;

use crate::criteria::Filter;
use crate::criteria::compile::{MAX_FILTERS, compile_search_pair};
use crate::criteria::syntax;
use crate::diagnostic::Diagnostic;
use crate::policy::Options;

/// The filters of one search; all must pass.
///
/// ```
/// use fhirward_engine::{policy::Options, search::Query};
/// use serde_json::json;
///
/// let pairs = [("status:not".to_owned(), "completed".to_owned())];
/// let query = Query::compile("Communication", &pairs, &Options::default()).expect("known parameter");
/// assert!(query.matches(&json!({"resourceType": "Communication", "status": "in-progress"})));
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    filters: Vec<Filter>,
}

impl Query {
    /// Compiles filters for one resource type. `pairs` are `name[:modifier]` and value, percent
    /// escapes undone; parameters that shape the result must have been taken out.
    ///
    /// # Errors
    /// Everything that is wrong with the pairs; labels are bytes of `name=value`.
    pub fn compile(
        resource_type: &str,
        pairs: &[(String, String)],
        options: &Options,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        if pairs.len() > MAX_FILTERS {
            return Err(vec![Diagnostic::error(
                "search/too-many-filters",
                format!(
                    "{} filters, more than the limit of {MAX_FILTERS}",
                    pairs.len()
                ),
            )]);
        }
        let mut filters = Vec::new();
        for (name, value) in pairs {
            let text = format!("{name}={value}");
            if value.is_empty() {
                findings.push(
                    Diagnostic::error("search/empty-value", format!("`{name}` has no value"))
                        .with_help(format!(
                            "to ask whether the element is there, use `{name}:missing`"
                        )),
                );
                continue;
            }
            let pair = syntax::pair(name, value, &mut findings);
            filters.extend(compile_search_pair(
                &pair,
                &text,
                resource_type,
                options.base_url.as_deref(),
                &mut findings,
            ));
        }
        if findings.iter().any(Diagnostic::is_error) {
            return Err(findings);
        }
        Ok(Self { filters })
    }

    /// Whether a resource of the type passes all filters.
    pub fn matches(&self, resource: &Value) -> bool {
        self.filters.iter().all(|filter| filter.matches(resource))
    }

    /// The codes of the search parameters that are asked.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().map(Filter::code)
    }
}
