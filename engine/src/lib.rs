//! Access-policy and thread decisions for FHIR messaging.
//!
//! The crate is pure: no I/O, no clock, no environment; the same input gives the same answer. It
//! never panics, and it fails closed: what cannot be parsed, resolved or evaluated denies, and
//! says so.

pub mod compartment;
pub mod criteria;
pub mod diagnostic;
pub mod fhirpath;
pub mod medplum;
pub mod policy;
pub mod resource;
pub mod search;
pub mod source;
pub mod thread;
pub mod values;
