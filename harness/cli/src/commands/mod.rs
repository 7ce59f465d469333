//! One file a command.

pub mod policy;
pub mod review;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod secret;
pub mod serve;
pub mod thread;
