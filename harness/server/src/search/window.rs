//! The part of a result that a page shows: the first so many in order, and whether there are more.
//!
//! Only as many are kept as are shown. Where the index knows the order, no more are looked at
//! than it takes to fill the page.

use std::sync::Arc;

use super::cursor::Side;
use super::filter::Filter;
use super::index::Order;
use super::params::Parameters;
use super::plan;
use super::scope::Scope;
use super::sort::{SortKey, Sorted};
use crate::http::outcome::Failure;
use crate::store::Version;

/// The filters for one type.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) resource_type: &'static str,
    pub(super) filters: Vec<Filter>,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) rows: Vec<Arc<Version>>,
    /// Whether something comes before it.
    pub(super) previous: bool,
    /// Whether something comes behind it.
    pub(super) next: bool,
    /// How many there are on all pages, if that was asked.
    pub(super) total: Option<usize>,
}

/// Finds a page.
///
/// # Errors
/// 400 for a cursor that leads nowhere.
pub(super) fn find(
    scope: &Scope<'_>,
    parts: &[Part],
    parameters: &Parameters,
) -> Result<Window, Failure> {
    let types: Vec<&str> = parts.iter().map(|part| part.resource_type).collect();
    let cursor = parameters.cursor.as_ref();
    let place = cursor
        .map(|cursor| cursor.place(scope, &types, &parameters.sort))
        .transpose()?;
    let side = cursor.map_or(Side::Behind, |cursor| cursor.side);
    let offset = if place.is_some() {
        0
    } else {
        parameters.offset
    };
    let totals = parameters.total || parameters.count == 0;
    let wanted = offset.saturating_add(parameters.count).saturating_add(1);
    let mut best = Best {
        keys: &parameters.sort,
        side,
        place,
        wanted: if parameters.count == 0 { 0 } else { wanted },
        rows: Vec::new(),
        seen: 0,
    };
    match parts {
        [part] if !totals && side == Side::Behind => best.fill_in_order(scope, part),
        _ => parts.iter().for_each(|part| best.fill(scope, part)),
    }
    let total = totals.then_some(best.seen);
    let is_behind_a_place = best.place.is_some();
    let mut rows = best.finish();
    let more = rows.len() == wanted;
    rows.truncate(wanted.saturating_sub(1));
    let (previous, next) = match side {
        Side::Behind => (is_behind_a_place || offset > 0, more),
        Side::Before => (more, true),
    };
    let mut rows: Vec<Arc<Version>> = rows
        .into_iter()
        .skip(offset)
        .map(Sorted::into_version)
        .collect();
    if side == Side::Before {
        rows.reverse();
    }
    if parameters.count == 0 {
        rows.clear();
    }
    Ok(Window {
        rows,
        previous,
        next,
        total,
    })
}

/// The first so many of what it is given.
struct Best<'a> {
    keys: &'a [SortKey],
    side: Side,
    /// Only what lies on the side of this place counts.
    place: Option<Sorted>,
    wanted: usize,
    rows: Vec<Sorted>,
    /// How many were given, on whichever side.
    seen: usize,
}

/// Rows that are looked at first where the index knows the order.
const FIRST_LOOK: usize = 64;

impl Best<'_> {
    fn fill(&mut self, scope: &Scope<'_>, part: &Part) {
        for row in plan::candidates(scope, part.resource_type, &part.filters) {
            if plan::passes(scope, &part.filters, &row) {
                self.give(row);
            }
        }
    }

    /// The same, as long as something is missing.
    fn fill_in_order(&mut self, scope: &Scope<'_>, part: &Part) {
        let place = self.place.as_ref().map(Sorted::version);
        let order = match self.keys {
            [] => Order::Created {
                behind: place.map(|version| version.created),
            },
            [key] if key.is_last_update() => Order::Updated {
                behind: place.map(|version| version.sequence),
                descending: key.descending,
            },
            _ => return self.fill(scope, part),
        };
        if let Some(rows) = plan::named(scope, part.resource_type, &part.filters) {
            for row in rows {
                if plan::passes(scope, &part.filters, &row) {
                    self.give(row);
                }
            }
            return;
        }
        let narrow = plan::narrow(scope, &part.filters);
        let mut limit = self.wanted.saturating_mul(2).max(FIRST_LOOK);
        loop {
            let rows = plan::first(scope, part.resource_type, &narrow, order, limit);
            let Some(rows) = rows else {
                return self.fill(scope, part);
            };
            let looked_at = rows.len();
            self.rows.clear();
            for row in rows {
                if plan::passes(scope, &part.filters, &row) {
                    self.give(row);
                }
            }
            // Another number than the limit is all there is.
            if looked_at != limit || self.rows.len() >= self.wanted {
                return;
            }
            limit = limit.saturating_mul(8);
        }
    }

    fn give(&mut self, row: Arc<Version>) {
        self.seen += 1;
        if self.wanted == 0 {
            return;
        }
        let row = Sorted::new(row, self.keys);
        if let Some(place) = &self.place {
            let order = row.compare(place, self.keys);
            let on_side = match self.side {
                Side::Behind => order.is_gt(),
                Side::Before => order.is_lt(),
            };
            if !on_side {
                return;
            }
        }
        self.rows.push(row);
        if self.rows.len() >= self.wanted.saturating_mul(2).max(FIRST_LOOK) {
            self.cut();
        }
    }

    /// Drops what cannot be among the first any more.
    fn cut(&mut self) {
        let (keys, side) = (self.keys, self.side);
        if self.wanted > 0 && self.rows.len() > self.wanted {
            self.rows
                .select_nth_unstable_by(self.wanted - 1, |a, b| side.order(a.compare(b, keys)));
        }
        self.rows.truncate(self.wanted);
    }

    /// The first, in order; before a place, the nearest first.
    fn finish(mut self) -> Vec<Sorted> {
        self.cut();
        let (keys, side) = (self.keys, self.side);
        self.rows
            .sort_unstable_by(|a, b| side.order(a.compare(b, keys)));
        self.rows
    }
}

impl Side {
    fn order(self, order: std::cmp::Ordering) -> std::cmp::Ordering {
        match self {
            Self::Behind => order,
            Self::Before => order.reverse(),
        }
    }
}
