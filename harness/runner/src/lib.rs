//! The harness: it drives a FHIR R4 server through scenarios as several actors, compares what they
//! see with what the policies promise and with snapshots, and reports.
//!
//! Data flows one way:
//!
//! - [`scenario`]: YAML files become a checked [`Suite`], or diagnostics.
//! - [`mod@run`]: the suite becomes requests by actors ([`actor`], [`client`]), and those become events.
//! - [`expect`]: observations meet assertions, predictions and snapshots.
//! - [`report`]: events become documents. Reports are pure functions of the events, and nothing
//!   secret ever reaches an event.

pub mod actor;
pub mod client;
pub mod expect;
pub mod report;
pub mod run;
pub mod scenario;

pub use run::{RunOptions, RunOutcome, run};
pub use scenario::Suite;
