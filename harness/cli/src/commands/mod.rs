//! One file a command.

pub mod init;
pub mod policy;
pub mod replay;
pub mod review;
pub mod run;
pub mod scenarios;
pub mod secret;
pub mod serve;
pub mod thread;
