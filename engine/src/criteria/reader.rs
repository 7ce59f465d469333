//! How filters read a resource: each for itself, or sharing what has been read.

use std::ops::ControlFlow;

use fhirward_spec::{Extracted, SearchParam, member};
use serde_json::Value;

use crate::compartment::{self, Inside};
use crate::values::Range;
use crate::values::date::{self, Moment};

/// The number of a search parameter among those that the filters of one type read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// What filters ask of a resource. `slot` is the number of the search parameter that is read.
pub(crate) trait Reader<'r> {
    /// Whether it keeps what it has read.
    const KEEPS: bool;

    /// The resource.
    fn resource(&self) -> &'r Value;

    /// Whether one of the values of the search parameter is wanted.
    fn some(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        wanted: impl FnMut(Extracted<'r>) -> bool,
    ) -> bool;

    /// Whether one of the times that the values of the search parameter cover is wanted.
    fn some_time(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        wanted: impl FnMut(Option<Range<Moment>>) -> bool,
    ) -> bool;

    /// Calls `visit` with each value of the search parameter.
    fn each(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        visit: impl FnMut(Extracted<'r>, &mut Self),
    );

    /// Whether the element of the search parameter is absent.
    fn is_absent(&mut self, slot: Slot, param: &'static SearchParam) -> bool;

    /// Calls `visit` with each compartment of the resource until it breaks; `base` is the FHIR
    /// base of this server.
    fn each_compartment(
        &mut self,
        base: Option<&'r str>,
        visit: impl FnMut(Inside<'r>, &mut Self) -> ControlFlow<()>,
    ) -> ControlFlow<()>;
}

/// Reads the resource anew for each filter. Where filters read different elements, nothing is
/// quicker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anew<'r> {
    resource: &'r Value,
    /// The parameters that put the resource into a patient's compartment, where they are known.
    patient: Option<&'r [&'static SearchParam]>,
}

impl<'r> Anew<'r> {
    /// Reads a resource of whatever type.
    pub(crate) fn of(resource: &'r Value) -> Self {
        Self {
            resource,
            patient: None,
        }
    }

    /// Reads a resource; `patient` are the parameters that put one of its type into a patient's
    /// compartment.
    #[inline]
    pub(crate) fn with_patient(resource: &'r Value, patient: &'r [&'static SearchParam]) -> Self {
        Self {
            resource,
            patient: Some(patient),
        }
    }
}

impl<'r> Reader<'r> for Anew<'r> {
    const KEEPS: bool = false;

    #[inline]
    fn resource(&self) -> &'r Value {
        self.resource
    }

    #[inline]
    fn some(
        &mut self,
        _slot: Slot,
        param: &'static SearchParam,
        mut wanted: impl FnMut(Extracted<'r>) -> bool,
    ) -> bool {
        let found = param
            .program
            .each(self.resource, &mut |value| match wanted(value) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
        found.is_break()
    }

    fn some_time(
        &mut self,
        slot: Slot,
        param: &'static SearchParam,
        mut wanted: impl FnMut(Option<Range<Moment>>) -> bool,
    ) -> bool {
        self.some(slot, param, |value| wanted(date::stretch(value)))
    }

    #[inline]
    fn each(
        &mut self,
        _slot: Slot,
        param: &'static SearchParam,
        mut visit: impl FnMut(Extracted<'r>, &mut Self),
    ) {
        let _all = param.program.each(self.resource, &mut |value| {
            visit(value, self);
            ControlFlow::Continue(())
        });
    }

    fn is_absent(&mut self, _slot: Slot, param: &'static SearchParam) -> bool {
        param.program.is_empty_on(self.resource)
    }

    fn each_compartment(
        &mut self,
        base: Option<&'r str>,
        mut visit: impl FnMut(Inside<'r>, &mut Self) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (resource, patient) = (self.resource, self.patient);
        let mut visit = |inside| visit(inside, self);
        match patient {
            Some(params) => compartment::each(resource, params.iter().copied(), base, &mut visit),
            None => {
                let kind = member(resource, "resourceType").and_then(Value::as_str);
                let params = compartment::patient_params(kind.unwrap_or_default());
                compartment::each(resource, params, base, &mut visit)
            }
        }
    }
}
