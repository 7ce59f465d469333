//! `fhirward policy …`

pub mod check;
pub mod decide;
pub mod explain;
pub mod files;
pub mod question;
pub mod replay;
