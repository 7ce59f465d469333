//! `fhirward policy …`

mod beside;
pub mod check;
pub mod decide;
pub mod explain;
pub mod files;
pub mod filter;
pub mod question;
pub mod replay;
pub mod resolve;
mod semantics;
mod who;
