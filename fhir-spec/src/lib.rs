//! What FHIR R4 4.0.1 says, as compact tables.
