//! One resource, read by many filters: each element is extracted once.

use std::ops::{ControlFlow, Range};

use arrayvec::ArrayVec;
use fhirward_spec::{Extracted, SearchParam};
use serde_json::Value;

use crate::compartment::{self, Inside};
use crate::values::Range as Stretch;
use crate::values::date::{self, Moment};

/// Search parameters whose values are kept; further ones are extracted anew for each filter.
const MAX_SLOTS: usize = 32;
/// Values that are kept, of all search parameters together; the values of a search parameter that
/// do not fit are extracted anew for each filter.
const MAX_VALUES: usize = 64;
/// Compartments that are kept; those of a resource with more are found anew for each filter.
const MAX_COMPARTMENTS: usize = 16;
/// Values whose time is kept; further ones are computed anew for each filter.
const MAX_TIMES: usize = 8;

/// The number of a search parameter among those that the filters of one type read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// A resource and what has been read of it. It lives on the stack and allocates nothing.
#[derive(Debug)]
pub(crate) struct Reading<'r> {
    resource: &'r Value,
    /// The parameters that put the resource into a patient's compartment.
    patient: &'r [&'static SearchParam],
    states: [State; MAX_SLOTS],
    values: ArrayVec<Extracted<'r>, MAX_VALUES>,
    /// The times of those values that a filter on dates has asked for, by their place.
    times: ArrayVec<(usize, Option<Stretch<Moment>>), MAX_TIMES>,
    compartments: ArrayVec<Inside<'r>, MAX_COMPARTMENTS>,
    inside: Known<'r>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unread,
    /// The values, by their place among all.
    Values(u16, u16),
    /// There is no value; whether there is no extension of one either.
    None {
        absent: bool,
    },
    TooMany,
}

/// Which compartments are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known<'r> {
    Unread,
    /// All, with absolute references on this base taken for local ones.
    On {
        base: Option<&'r str>,
    },
    TooMany,
}

impl<'r> Reading<'r> {
    /// Nothing has been read yet.
    #[inline]
    pub(crate) fn new(resource: &'r Value, patient: &'r [&'static SearchParam]) -> Self {
        Self {
            resource,
            patient,
            states: [State::Unread; MAX_SLOTS],
            values: ArrayVec::new(),
            times: ArrayVec::new(),
            compartments: ArrayVec::new(),
            inside: Known::Unread,
        }
    }

    /// Turns to a resource, forgetting the one before unless it is the same.
    pub(crate) fn turn_to(&mut self, resource: &'r Value, patient: &'r [&'static SearchParam]) {
        if std::ptr::eq(self.resource, resource) && std::ptr::eq(self.patient, patient) {
            return;
        }
        self.resource = resource;
        self.patient = patient;
        self.states = [State::Unread; MAX_SLOTS];
        self.values.clear();
        self.times.clear();
        self.compartments.clear();
        self.inside = Known::Unread;
    }

    /// The resource.
    pub(crate) fn resource(&self) -> &'r Value {
        self.resource
    }

    /// The values of the search parameter, whose number is `slot`; `None` when there are more than
    /// are kept.
    #[inline]
    pub(crate) fn values(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
    ) -> Option<&[Extracted<'r>]> {
        let places = self.places(slot, param)?;
        self.values.get(places)
    }

    /// Whether one of the times that the values of the search parameter cover is wanted; `None`
    /// when there are more values than are kept.
    pub(crate) fn some_time(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        wanted: &dyn Fn(Option<Stretch<Moment>>) -> bool,
    ) -> Option<bool> {
        let mut places = self.places(slot, param)?;
        Some(places.any(|at| wanted(self.time(at))))
    }

    /// The time that the value at this place covers.
    fn time(&mut self, at: usize) -> Option<Stretch<Moment>> {
        if let Some((_, known)) = self.times.iter().find(|(place, _)| *place == at) {
            return *known;
        }
        let time = self.values.get(at).copied().and_then(date::stretch);
        // What does not fit is computed again.
        let _kept = self.times.try_push((at, time));
        time
    }

    /// Calls `visit` with each value of the search parameter, whose number is `slot`.
    #[inline]
    pub(crate) fn each(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        visit: &mut dyn FnMut(Extracted<'r>, &mut Self),
    ) {
        match self.places(slot, param) {
            Some(places) => {
                for at in places {
                    if let Some(value) = self.values.get(at).copied() {
                        visit(value, self);
                    }
                }
            }
            None => {
                let _all = param.program.each(self.resource, &mut |value| {
                    visit(value, self);
                    ControlFlow::Continue(())
                });
            }
        }
    }

    /// Whether the element of the search parameter is absent.
    pub(crate) fn is_absent(&mut self, slot: Slot, param: &'static SearchParam) -> bool {
        let _read = self.places(slot, param);
        match self.states.get(slot.0) {
            Some(State::Values(..)) => false,
            Some(State::None { absent }) => *absent,
            _ => param.program.is_empty_on(self.resource),
        }
    }

    /// Where the values of the search parameter are kept; `None` when they are not.
    #[inline]
    fn places(&mut self, slot: Slot, param: &'static SearchParam) -> Option<Range<usize>> {
        let state = match self.states.get(slot.0)? {
            State::Unread => self.extract(slot, param),
            known => *known,
        };
        match state {
            State::Values(start, end) => Some(usize::from(start)..usize::from(end)),
            State::None { .. } => Some(0..0),
            State::Unread | State::TooMany => None,
        }
    }

    fn extract(&mut self, slot: Slot, param: &'static SearchParam) -> State {
        let start = self.values.len();
        let values = &mut self.values;
        let walked = param
            .program
            .each(self.resource, &mut |value| match values.try_push(value) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        let end = self.values.len();
        let state = match (walked, u16::try_from(start), u16::try_from(end)) {
            (ControlFlow::Continue(()), Ok(_), Ok(_)) if start == end => State::None {
                absent: param.program.is_empty_on(self.resource),
            },
            (ControlFlow::Continue(()), Ok(start), Ok(end)) => State::Values(start, end),
            _ => {
                self.values.truncate(start);
                State::TooMany
            }
        };
        if let Some(kept) = self.states.get_mut(slot.0) {
            *kept = state;
        }
        state
    }

    /// Calls `visit` with each compartment of the resource until it breaks.
    pub(crate) fn each_compartment(
        &mut self,
        base: Option<&'r str>,
        visit: &mut dyn FnMut(Inside<'r>, &mut Self) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.inside == Known::Unread {
            let found = &mut self.compartments;
            let walked = compartment::each(
                self.resource,
                self.patient.iter().copied(),
                base,
                &mut |inside| match found.try_push(inside) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                },
            );
            self.inside = match walked {
                ControlFlow::Continue(()) => Known::On { base },
                ControlFlow::Break(()) => Known::TooMany,
            };
        }
        if self.inside != (Known::On { base }) {
            let (resource, patient) = (self.resource, self.patient);
            return compartment::each(resource, patient.iter().copied(), base, &mut |inside| {
                visit(inside, self)
            });
        }
        for at in 0..self.compartments.len() {
            if let Some(inside) = self.compartments.get(at).copied() {
                visit(inside, self)?;
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use fhirward_spec::spec;
    use serde_json::json;

    use super::*;

    fn param(code: &str) -> &'static SearchParam {
        spec().search_param("Communication", code).unwrap()
    }

    fn message(recipients: usize) -> Value {
        let all: Vec<Value> = (0..recipients)
            .map(|n| json!({"reference": format!("Patient/{n}")}))
            .collect();
        json!({"resourceType": "Communication", "recipient": all, "_sent": {"id": "x"}})
    }

    fn count(reading: &mut Reading<'_>, slot: usize, code: &str) -> usize {
        let mut seen = 0;
        reading.each(Slot(slot), param(code), &mut |_, _| seen += 1);
        seen
    }

    /// What does not fit is read all the same.
    #[rstest::rstest]
    #[case::none(0, 0)]
    #[case::few(3, 0)]
    #[case::exactly_all(MAX_VALUES, 0)]
    #[case::one_too_many(MAX_VALUES + 1, 0)]
    #[case::no_slot_left(3, MAX_SLOTS)]
    fn every_value_is_read(#[case] recipients: usize, #[case] slot: usize) {
        let message = message(recipients);
        let mut reading = Reading::new(&message, &[]);
        for _ in 0..2 {
            assert_eq!(count(&mut reading, slot, "recipient"), recipients);
            let absent = reading.is_absent(Slot(slot), param("recipient"));
            assert_eq!(absent, recipients == 0);
        }
    }

    /// Times that do not fit are computed again, and each belongs to its own value.
    #[rstest::rstest]
    #[case::none(0)]
    #[case::exactly_all(MAX_TIMES)]
    #[case::more(MAX_TIMES + 3)]
    #[case::more_than_values_are_kept(MAX_VALUES + 1)]
    fn every_time_is_that_of_its_value(#[case] count: usize) {
        let stays: Vec<Value> = (0..count)
            .map(|n| json!({"period": {"start": (1900 + n).to_string()}}))
            .collect();
        let encounter = json!({"resourceType": "Encounter", "location": stays});
        let param = spec().search_param("Encounter", "location-period").unwrap();
        let expected: Vec<_> = param
            .program
            .collect(&encounter)
            .into_iter()
            .map(date::stretch)
            .collect();
        assert_eq!(expected.len(), count);
        let mut reading = Reading::new(&encounter, &[]);
        for _ in 0..2 {
            let seen = std::cell::RefCell::new(Vec::new());
            let some = reading.some_time(Slot(0), param, &|time| {
                seen.borrow_mut().push(time);
                false
            });
            if count > MAX_VALUES {
                assert_eq!(some, None);
            } else {
                assert_eq!((some, seen.into_inner()), (Some(false), expected.clone()));
            }
        }
    }

    #[test]
    fn values_of_one_parameter_leave_those_of_another() {
        let message = message(MAX_VALUES - 1);
        let mut reading = Reading::new(&message, &[]);
        assert_eq!(count(&mut reading, 0, "recipient"), MAX_VALUES - 1);
        assert_eq!(count(&mut reading, 1, "sender"), 0);
        assert_eq!(count(&mut reading, 0, "recipient"), MAX_VALUES - 1);
    }

    #[test]
    fn an_element_with_only_extensions_is_not_absent() {
        let message = message(1);
        let mut reading = Reading::new(&message, &[]);
        assert!(!reading.is_absent(Slot(0), param("sent")));
        assert!(reading.is_absent(Slot(1), param("received")));
    }

    #[test]
    fn another_resource_is_read_anew() {
        let (one, another) = (message(1), message(2));
        let mut reading = Reading::new(&one, &[]);
        assert_eq!(count(&mut reading, 0, "recipient"), 1);
        reading.turn_to(&another, &[]);
        assert_eq!(count(&mut reading, 0, "recipient"), 2);
    }

    #[rstest::rstest]
    #[case::few(2)]
    #[case::too_many(MAX_COMPARTMENTS + 3)]
    fn every_compartment_is_found_on_every_base(#[case] accounts: usize) {
        let accounts: Vec<Value> = (0..accounts)
            .map(|n| json!({"reference": format!("http://h/fhir/Organization/{n}")}))
            .collect();
        let message = json!({"resourceType": "Communication", "meta": {"accounts": accounts}});
        let mut reading = Reading::new(&message, &[]);
        for base in [Some("http://h/fhir"), None, Some("http://h/fhir")] {
            let mut seen = 0;
            let _all = reading.each_compartment(base, &mut |_, _| {
                seen += 1;
                ControlFlow::Continue(())
            });
            assert_eq!(seen, if base.is_some() { accounts.len() } else { 0 });
        }
    }
}
