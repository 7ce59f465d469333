//! One file a command.

pub mod bodies;
pub mod clean;
pub mod init;
pub mod policy;
pub mod replay;
pub mod review;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod secret;
pub mod serve;
pub mod server_options;
pub mod thread;
