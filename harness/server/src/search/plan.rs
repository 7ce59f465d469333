//! Which resources have to be looked at: those that the most selective filter leaves.

use std::sync::Arc;

use super::filter::Filter;
use super::index::{Lookup, Narrow, Order};
use super::scope::Scope;
use crate::store::Version;

/// The resources of a type that pass all filters and that who searches may find.
pub(crate) fn matching(
    scope: &Scope<'_>,
    resource_type: &str,
    filters: &[Filter],
) -> Vec<Arc<Version>> {
    let mut rows = candidates(scope, resource_type, filters);
    rows.retain(|row| passes(scope, filters, row));
    rows
}

/// Whether a resource passes all filters, and may be found.
pub(crate) fn passes(scope: &Scope<'_>, filters: &[Filter], row: &Version) -> bool {
    filters
        .iter()
        .all(|filter| filter.matches(scope, &row.resource))
        && scope.access.finds(&row.resource)
}

/// The resources that may pass: all of the type, where nothing narrows them.
pub(super) fn candidates(
    scope: &Scope<'_>,
    resource_type: &str,
    filters: &[Filter],
) -> Vec<Arc<Version>> {
    narrowed(scope, resource_type, filters).unwrap_or_else(|| scope.view.scan(resource_type))
}

/// The resources that may pass, as far as ids or the index narrow them.
pub(super) fn narrowed(
    scope: &Scope<'_>,
    resource_type: &str,
    filters: &[Filter],
) -> Option<Vec<Arc<Version>>> {
    named(scope, resource_type, filters).or_else(|| {
        let lookup = Lookup {
            narrow: narrow(scope, filters),
            ..Lookup::default()
        };
        scope.view.candidates(resource_type, &lookup)
    })
}

/// The first of those that may pass in an order; see [`Lookup::limit`].
pub(super) fn first(
    scope: &Scope<'_>,
    resource_type: &str,
    narrow: &[Narrow],
    order: Order,
    limit: usize,
) -> Option<Vec<Arc<Version>>> {
    let lookup = Lookup {
        narrow: narrow.to_vec(),
        order,
        limit: Some(limit),
    };
    scope.view.candidates(resource_type, &lookup)
}

/// The resources that filters name, in the order of their creation.
pub(super) fn named(
    scope: &Scope<'_>,
    resource_type: &str,
    filters: &[Filter],
) -> Option<Vec<Arc<Version>>> {
    let names = filters
        .iter()
        .filter_map(|filter| filter.names(scope, resource_type))
        .min_by_key(Vec::len)?;
    let mut rows: Vec<_> = names
        .iter()
        .filter(|name| name.split('/').next() == Some(resource_type))
        .filter_map(|name| scope.view.resolve(name))
        .collect();
    rows.sort_unstable_by_key(|row| row.created);
    rows.dedup_by_key(|row| row.created);
    Some(rows)
}

/// What the index can be asked for.
pub(super) fn narrow(scope: &Scope<'_>, filters: &[Filter]) -> Vec<Narrow> {
    filters
        .iter()
        .filter_map(|filter| filter.narrow(scope))
        .collect()
}
