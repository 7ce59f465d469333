//! `fhirward policy …`

pub mod check;
pub mod decide;
pub mod explain;
mod files;
pub mod question;
pub mod replay;
mod semantics;
