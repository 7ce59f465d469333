//! The command line from outside: arguments in, text and exit codes out.

mod policy;
mod run;
mod support;
mod thread;
mod usage;
