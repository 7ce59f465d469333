//! The command line from outside: arguments in, text and exit codes out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot be set up has failed"
)]

mod between;
mod check;
mod clean;
mod config;
mod contradictions;
mod deliveries;
mod exits;
mod filter;
mod gone;
mod kill;
mod policy;
mod races;
mod remote;
mod replay;
mod reports;
mod resolve;
mod rule_pages;
mod run;
mod scenario;
mod semantics;
mod serve;
mod support;
mod thread;
mod transport;
mod two_runs;
mod unplayed;
mod unwritten;
mod usage;
