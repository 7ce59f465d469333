//! The small part of FHIR search that an AccessPolicy's `criteria` may use.
//!
//! A criteria goes through three stages: [`syntax`] reads the text and loses nothing; [`compile()`]
//! holds it against the search parameters of the type, puts the values of variables in, and
//! collects everything that is wrong; [`filter`] is what remains to be asked of a resource. Many
//! filters that are asked of one resource share a `reading`, which extracts each element once; a few
//! read it for themselves (`reader`).
//! Source: policy-semantics R.5 to R.7.

mod advice;
pub mod bindings;
pub mod compile;
pub mod filter;
mod pattern;
pub(crate) mod probe;
pub(crate) mod reader;
pub(crate) mod reading;
pub(crate) mod refers;
pub mod syntax;

pub use bindings::Bindings;
pub(crate) use compile::is_parameter_name;
pub use compile::{Compiled, compile};
pub use filter::{Filter, FilterReport};
pub use syntax::{Criteria, parse};
