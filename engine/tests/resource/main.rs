//! The validator on resources that others wrote, on bad ones, and against HL7's JSON schema.

#![expect(clippy::unwrap_used, reason = "a broken fixture has to fail the test")]

mod common;
mod examples;
mod schema;
mod table;
