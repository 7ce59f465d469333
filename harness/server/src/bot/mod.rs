//! Bots: programs that the user names at the start answer for them.
//!
//! A Bot is a resource like any other, and who may read it may execute it. What it does on the
//! server it does with a client of its own, as every program.

mod event;
mod execute;
mod input;
pub(crate) mod operation;
mod programs;
pub(crate) mod webhook;

pub(crate) use execute::notify;
pub(crate) use programs::Programs;
