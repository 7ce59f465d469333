//! The times of a date parameter, in order.

use std::collections::BTreeSet;

use fhirward_engine::values::date::{Moment, stretch};
use fhirward_spec::{SearchParam, spec};
use serde_json::Value;

use super::key::is_dated;
use super::lookup::Span;
use super::rows::Place;

/// Milliseconds since 1970, rounded down.
pub(super) type Millis = i64;

/// A stretch that is longer is kept among the long ones: a year and a day.
const LONG: Millis = 367 * 86_400_000;

/// The stretches of time that a parameter reads.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// Where each begins, and in which resource.
    starts: BTreeSet<(Millis, Place)>,
    /// No stretch in `starts` is longer than this.
    longest: Millis,
    /// The resources with a stretch that is long, or open on a side.
    long: BTreeSet<Place>,
}

/// One stretch: where it begins, and how long it is unless it is long.
pub(super) type Stretch = (Millis, Option<Millis>);

impl Dates {
    pub(super) fn add(&mut self, (start, length): Stretch, place: Place) {
        match length {
            Some(length) => {
                self.longest = self.longest.max(length);
                self.starts.insert((start, place));
            }
            None => {
                self.long.insert(place);
            }
        }
    }

    pub(super) fn remove(&mut self, (start, length): Stretch, place: Place) {
        match length {
            Some(_) => self.starts.remove(&(start, place)),
            None => self.long.remove(&place),
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.long.is_empty()
    }

    /// The places of resources with a stretch that may lie so, in no order; `None` when
    /// they are more than `limit`.
    pub(super) fn touching(&self, span: Span, limit: usize) -> Option<Vec<Place>> {
        let reach = if span.begins { 0 } else { self.longest };
        let from = span
            .from
            .map_or(Millis::MIN, |from| millis(from).saturating_sub(reach));
        let to = span.to.map_or(Millis::MAX, millis);
        let mut places: Vec<Place> = self.long.iter().take(limit + 1).copied().collect();
        if from <= to {
            let between = self.starts.range((from, Place::MIN)..=(to, Place::MAX));
            let room = (limit + 1).saturating_sub(places.len());
            places.extend(between.take(room).map(|(_, place)| *place));
        }
        (places.len() <= limit).then_some(places)
    }
}

pub(super) fn millis(moment: Moment) -> Millis {
    let floor = moment.div_euclid(1_000_000);
    Millis::try_from(floor).unwrap_or(if moment < 0 { Millis::MIN } else { Millis::MAX })
}

/// The stretches of a resource, with the code of the parameter that reads each; sorted.
pub(super) fn stretches_of(resource_type: &str, resource: &Value) -> Vec<(&'static str, Stretch)> {
    let mut found = Vec::new();
    for parameter in spec().search_params(resource_type).filter(|p| is_dated(p)) {
        each_stretch(parameter, resource, &mut |stretch| {
            found.push((&*parameter.code, stretch));
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn each_stretch(parameter: &SearchParam, resource: &Value, visit: &mut dyn FnMut(Stretch)) {
    let _all = parameter.program.each(resource, &mut |element| {
        if let Some(range) = stretch(element) {
            let length = match (range.low, range.high) {
                // Both ends are rounded down.
                (Some(low), Some(high)) => {
                    Some(millis(high).saturating_sub(millis(low)).saturating_add(1))
                }
                _ => None,
            };
            let start = range.low.or(range.high).map_or(0, millis);
            // A period that ends before it begins is compared by both of its ends.
            visit((start, length.filter(|length| (0..=LONG).contains(length))));
        }
        std::ops::ControlFlow::Continue(())
    });
}
