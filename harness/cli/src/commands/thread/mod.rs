//! `fhirward thread …`

pub mod check;
mod checker;
mod conversation;
mod fix;
mod found;
pub mod graph;
mod inputs;
mod masked;
mod parallel;
mod phrases;
mod raw;
mod remote;
mod rules;
pub mod show;
mod who;
