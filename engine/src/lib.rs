//! Access-policy and thread decisions for FHIR messaging.

pub mod diagnostic;
pub mod resource;
pub mod thread;
