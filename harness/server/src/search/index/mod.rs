//! The index: which resources may have a value, without looking at them.
//!
//! It is kept by the store, a commit at a time, over what is committed. It may only narrow: what it
//! names is looked at all the same, and what it leaves out has no such value. So keys may be hashes,
//! and two texts of one hash do no harm.
//!
//! Kept are, for each search parameter of a type: the codes of tokens, where references point,
//! URIs, the beginnings of strings, the times of dates, and where an element is absent; and the
//! compartments of each resource. Not kept are numbers and quantities, and systems without a code:
//! a search by those alone looks at every resource of the type.

mod dates;
mod key;
mod lookup;
mod postings;
mod rows;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use key::{Key, knows_absence};
pub(crate) use lookup::{Lookup, Narrow, Order, Span};

use crate::store::Version;
use rows::Rows;

/// The current resources of all types, by what they hold.
#[derive(Debug, Default)]
pub(crate) struct Index {
    types: HashMap<Box<str>, Rows>,
    /// The FHIR base of the server, on which absolute references are local ones.
    base: Box<str>,
}

impl Index {
    /// An index of nothing, for a server of this FHIR base.
    pub(crate) fn new(base: &str) -> Self {
        Self {
            types: HashMap::new(),
            base: base.into(),
        }
    }

    /// Puts a version in the place of the one before, or takes that out when it is a deletion.
    pub(crate) fn put(&mut self, version: &Arc<Version>) {
        if let Some(rows) = self.types.get_mut(&version.resource_type) {
            return rows.put(version, &self.base);
        }
        let mut rows = Rows::new(&version.resource_type);
        rows.put(version, &self.base);
        self.types.insert(version.resource_type.clone(), rows);
    }

    /// The resources that may match, in the order that was asked for: no more than the limit.
    /// `None` when the index would name every resource of the type.
    pub(crate) fn candidates(
        &self,
        resource_type: &str,
        lookup: &Lookup,
    ) -> Option<Vec<Arc<Version>>> {
        match self.types.get(resource_type) {
            Some(rows) => rows.candidates(lookup),
            None => Some(Vec::new()),
        }
    }
}
