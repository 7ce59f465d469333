//! `fhirward thread …`

pub mod check;
