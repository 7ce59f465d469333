//! Runs against a scripted server.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken fixture should stop the test where it is"
)]

mod faults;
mod provisioning;
mod proxy;
mod reports;
mod run;
mod secrets;
mod shared;
mod sign_in;
mod stopped;
mod suite;
mod support;
mod weather;
