//! One resource, read by many filters: each element is extracted once.

use std::ops::{ControlFlow, Range};

use arrayvec::ArrayVec;
use fhirward_spec::{Extracted, SearchParam};
use serde_json::Value;

use super::reader::{Anew, Reader, Slot};
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

    fn find_compartments(&mut self, base: Option<&'r str>) {
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
}

impl<'r> Reader<'r> for Reading<'r> {
    const KEEPS: bool = true;

    #[inline]
    fn resource(&self) -> &'r Value {
        self.resource
    }

    #[inline]
    fn some(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        mut wanted: impl FnMut(Extracted<'r>) -> bool,
    ) -> bool {
        match self
            .places(slot, param)
            .and_then(|places| self.values.get(places))
        {
            Some(values) => values.iter().any(|value| wanted(*value)),
            None => Anew::of(self.resource).some(slot, param, wanted),
        }
    }

    fn some_time(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        mut wanted: impl FnMut(Option<Stretch<Moment>>) -> bool,
    ) -> bool {
        match self.places(slot, param) {
            Some(mut places) => places.any(|at| wanted(self.time(at))),
            None => Anew::of(self.resource).some_time(slot, param, wanted),
        }
    }

    #[inline]
    fn each(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        mut visit: impl FnMut(Extracted<'r>, &mut Self),
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
                Anew::of(self.resource).each(slot, param, |value, _| visit(value, self));
            }
        }
    }

    fn is_absent(&mut self, slot: Slot, param: &'static SearchParam) -> bool {
        let _read = self.places(slot, param);
        match self.states.get(slot.0) {
            Some(State::Values(..)) => false,
            Some(State::None { absent }) => *absent,
            _ => param.program.is_empty_on(self.resource),
        }
    }

    fn each_compartment(
        &mut self,
        base: Option<&'r str>,
        mut visit: impl FnMut(Inside<'r>, &mut Self) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.inside == Known::Unread {
            self.find_compartments(base);
        }
        if self.inside != (Known::On { base }) {
            return Anew::with_patient(self.resource, self.patient)
                .each_compartment(base, |inside, _| visit(inside, self));
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
        reading.each(Slot(slot), param(code), |_, _| seen += 1);
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
            let some = reading.some_time(Slot(0), param, |time| {
                seen.borrow_mut().push(time);
                false
            });
            assert_eq!((some, seen.into_inner()), (false, expected.clone()));
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
            let _all = reading.each_compartment(base, |_, _| {
                seen += 1;
                ControlFlow::Continue(())
            });
            assert_eq!(seen, if base.is_some() { accounts.len() } else { 0 });
        }
    }
}
