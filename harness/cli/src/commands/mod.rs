//! One file a command.

pub mod policy;
pub mod review;
pub mod run;
pub mod scenarios;
pub mod secret;
pub mod serve;
pub mod thread;
