//! Access-policy and thread decisions for FHIR messaging.
