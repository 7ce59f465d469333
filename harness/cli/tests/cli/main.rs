//! The command line from outside: arguments in, text and exit codes out.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod filter;
mod policy;
mod replay;
mod resolve;
mod run;
mod support;
mod thread;
mod usage;
