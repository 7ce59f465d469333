//! `_has`: some other resource must point here, and pass a filter.
//!
//! Like a chain it sees only what who searches could find alone.
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.5.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::ControlFlow;

use fhirward_spec::SearchParam;
use serde_json::Value;

use super::reference::target;
use super::{Filter, own_reference};
use crate::search::plan;
use crate::search::scope::Scope;

/// Which resources point, by which parameter, and what they must pass.
#[derive(Debug)]
pub(crate) struct Reverse {
    source: &'static str,
    parameter: &'static SearchParam,
    filter: Box<Filter>,
    /// What they point at, found once.
    found: OnceCell<HashSet<String>>,
}

impl Reverse {
    pub(super) fn new(
        source: &'static str,
        parameter: &'static SearchParam,
        filter: Filter,
    ) -> Self {
        Self {
            source,
            parameter,
            filter: Box::new(filter),
            found: OnceCell::new(),
        }
    }

    /// Whether what is looked for points at the resource.
    pub(super) fn matches(&self, scope: &Scope<'_>, resource: &Value) -> bool {
        own_reference(resource).is_some_and(|own| self.found(scope).contains(&own))
    }

    /// All that is pointed at, each as `Type/id`.
    pub(super) fn found(&self, scope: &Scope<'_>) -> &HashSet<String> {
        self.found.get_or_init(|| {
            let mut found = HashSet::new();
            for row in plan::matching(scope, self.source, std::slice::from_ref(&*self.filter)) {
                let _all = self.parameter.program.each(&row.resource, &mut |element| {
                    found.extend(target(element, scope.base).map(str::to_owned));
                    ControlFlow::Continue(())
                });
            }
            found
        })
    }
}
