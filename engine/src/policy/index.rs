//! Finding the few entries that can match, among many of one type.
//!
//! Nearly every entry of a large policy names a constant in a positive reference or token filter
//! (`recipient=Practitioner/x`, `category=…|y`). Such entries are kept by that constant; a
//! resource is asked for its values once, and only the entries filed under them, and those
//! without a constant, are looked at. The plain walk over all entries is
//! [`Policy::first_entry_by_walking`](super::Policy::first_entry_by_walking); tests hold the two equal.

use std::collections::HashMap;
use std::ops::ControlFlow;

use fhirward_spec::{ParamType, SearchParam};
use serde_json::Value;

use super::compiled::Entry;
use crate::criteria::filter::Key;
use crate::values::{reference, token};

/// Policies with fewer entries of a type are walked: looking up would cost more.
const WORTH_IT: usize = 4;

/// The entries of one type, filed.
#[derive(Debug, Clone)]
pub(super) struct Index {
    shelves: Vec<Shelf>,
    /// Entries without a constant, in order.
    others: Vec<usize>,
}

/// The entries that are filed under values of one search parameter.
#[derive(Debug, Clone)]
struct Shelf {
    param: &'static SearchParam,
    base: Option<Box<str>>,
    entries: HashMap<Box<str>, Vec<usize>>,
}

impl Index {
    /// Files the entries of a type; `None` when they are too few.
    pub(super) fn new(resource_type: &str, list: &[usize], entries: &[Entry]) -> Option<Self> {
        if list.len() < WORTH_IT {
            return None;
        }
        let mut index = Self {
            shelves: Vec::new(),
            others: Vec::new(),
        };
        for at in list {
            let filters = entries
                .get(*at)
                .and_then(|entry| entry.filters(resource_type));
            let key = filters.and_then(|filters| filters.iter().find_map(|filter| filter.key()));
            match key {
                Some(key) => index.file(*at, &key),
                None => index.others.push(*at),
            }
        }
        Some(index)
    }

    fn file(&mut self, entry: usize, key: &Key<'_>) {
        let found = self.shelves.iter_mut().find(|shelf| {
            std::ptr::eq(shelf.param, key.param) && shelf.base.as_deref() == key.base
        });
        let place = |shelf: &mut Shelf| {
            for constant in &key.constants {
                let filed = shelf.entries.entry((*constant).into()).or_default();
                if filed.last() != Some(&entry) {
                    filed.push(entry);
                }
            }
        };
        match found {
            Some(shelf) => place(shelf),
            None => {
                let mut shelf = Shelf {
                    param: key.param,
                    base: key.base.map(Into::into),
                    entries: HashMap::new(),
                };
                place(&mut shelf);
                self.shelves.push(shelf);
            }
        }
    }

    /// The first entry in order that `accepts`, among those that can match the resource.
    pub(super) fn first(&self, resource: &Value, accepts: &dyn Fn(usize) -> bool) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut consider = |list: &[usize]| {
            // The lists are in order: past the best one nothing is better.
            for at in list {
                if best.is_some_and(|best| best <= *at) {
                    break;
                }
                if accepts(*at) {
                    best = Some(*at);
                    break;
                }
            }
        };
        consider(&self.others);
        for shelf in &self.shelves {
            let mut look = |constant: &str| {
                if let Some(list) = shelf.entries.get(constant) {
                    consider(list);
                }
            };
            let walked = shelf.param.program.each(resource, &mut |element| {
                if shelf.param.param_type == ParamType::Token {
                    token::each_code(element, &mut look);
                } else if let Some(local) = reference::target(element)
                    .and_then(|stored| reference::local(stored, shelf.base.as_deref()))
                {
                    look(local);
                }
                ControlFlow::Continue(())
            });
            debug_assert!(walked.is_continue());
        }
        best
    }
}
