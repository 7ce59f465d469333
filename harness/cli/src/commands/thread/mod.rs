//! `fhirward thread …`

pub mod check;
mod checker;
mod conversation;
mod fix;
mod found;
mod globs;
pub mod graph;
mod gzip;
mod inputs;
mod masked;
mod parallel;
mod phrases;
mod raw;
mod remote;
mod rules;
pub mod show;
mod who;
