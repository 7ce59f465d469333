//! Chains: what a reference points at must pass a filter of its own.
//!
//! A chain sees only what who searches could find alone; else it would tell of what is hidden.
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.4.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use fhirward_spec::SearchParam;
use serde_json::Value;

use super::Filter;
use super::reference::target;
use crate::search::index::{Key, Narrow};
use crate::search::plan;
use crate::search::scope::Scope;

/// Resources beyond which a chain's targets are not looked for first.
const MOST_TARGETS: usize = 1000;

/// A reference, and what its targets must pass, by their type.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(super) parameter: &'static SearchParam,
    pub(super) targets: Vec<(&'static str, Filter)>,
    /// What is known of targets that were looked at.
    pub(super) known: RefCell<HashMap<Box<str>, bool>>,
}

impl Chain {
    pub(super) fn new(
        parameter: &'static SearchParam,
        targets: Vec<(&'static str, Filter)>,
    ) -> Self {
        Self {
            parameter,
            targets,
            known: RefCell::default(),
        }
    }

    /// Whether some reference of the resource leads to what passes.
    pub(super) fn matches(&self, scope: &Scope<'_>, resource: &Value) -> bool {
        let found = self
            .parameter
            .program
            .each(resource, &mut |element| match target(element, scope.base)
                .is_some_and(|to| self.passes(scope, to))
            {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
        found.is_break()
    }

    fn passes(&self, scope: &Scope<'_>, reference: &str) -> bool {
        let Some((kind, _)) = reference.split_once('/') else {
            return false;
        };
        let Some((_, filter)) = self.targets.iter().find(|(target, _)| *target == kind) else {
            return false;
        };
        if let Some(known) = self.known.borrow().get(reference) {
            return *known;
        }
        let passes = scope.view.resolve(reference).is_some_and(|found| {
            scope.access.finds(&found.resource) && filter.matches(scope, &found.resource)
        });
        self.known.borrow_mut().insert(reference.into(), passes);
        passes
    }

    /// Adds to what the index has to be asked for; `false` where too much would have to be asked.
    pub(super) fn narrow(&self, scope: &Scope<'_>, into: &mut Narrow) -> bool {
        for (kind, filter) in &self.targets {
            let filters = std::slice::from_ref(filter);
            let Some(rows) = plan::narrowed(scope, kind, filters) else {
                return false;
            };
            if rows.len() > MOST_TARGETS {
                return false;
            }
            for row in rows {
                let reference = row.reference();
                if self.passes(scope, &reference) {
                    into.keys.push(Key::new(&self.parameter.code, &reference));
                }
            }
        }
        true
    }
}
