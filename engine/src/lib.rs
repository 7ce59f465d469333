//! Access-policy and thread decisions for FHIR messaging.
//!
//! The crate is pure: no I/O, no clock, no environment; the same input gives the same answer. It
//! never panics, and it fails closed: what cannot be parsed, resolved or evaluated denies, and
//! says so.
//!
//! ```
//! use std::sync::Arc;
//! use fhirward_engine::policy::{Membership, Options, PolicyDocument, Request, assemble};
//! use serde_json::json;
//!
//! // A policy is read once; everything that is wrong with it is in `findings`, with its place.
//! let (participant, findings) = PolicyDocument::from_value(&json!({
//!     "resourceType": "AccessPolicy", "id": "participant",
//!     "resource": [{"resourceType": "Communication", "criteria": "Communication?recipient=%profile"}],
//! }));
//! assert!(findings.is_empty());
//!
//! // It is compiled for a member, and then only answers questions.
//! let participant = Arc::new(participant);
//! let jackie = Membership::of("Practitioner/jackie", &["AccessPolicy/participant"]);
//! let policy = assemble(&jackie, &|_| Some(participant.clone()), &Options::default()).policy;
//!
//! let message = json!({"resourceType": "Communication", "recipient": [{"reference": "Practitioner/house"}]});
//! assert!(!policy.decide(&Request::Read(&message)).is_allowed());
//! println!("{}", policy.explain(&Request::Read(&message)));
//! ```
//!
//! - [`policy`]: documents, assembly, decisions (plain, conditional, of many resources at once),
//!   explanations, hidden and read-only fields, SMART scopes, addresses, and the resolved policy
//!   with the origin of each entry
//! - [`criteria`] and [`search`]: the filters of policies and of a server's search
//! - [`lint`]: what a policy says that its author probably did not mean, and why it matters
//! - [`resource`] and [`thread`]: what is wrong with a resource, and with a conversation
//! - [`profile`]: the rules about one resource, for other validators
//! - [`medplum`]: what one real server answers instead, and recorded answers replayed
//! - [`semantics`]: one question under several semantics, and where they part
//! - [`diagnostic`] and [`source`]: findings, and their places in a text
//! - [`words`]: which known name a wrong one was meant to be

pub mod compartment;
pub mod criteria;
pub mod diagnostic;
pub mod fhirpath;
pub mod lint;
pub mod medplum;
pub mod policy;
pub mod profile;
pub mod resource;
pub mod search;
pub mod semantics;
pub mod source;
pub mod thread;
pub mod values;
pub mod words;

#[cfg(test)]
mod work;
