//! The named semantics `medplum-5.0`: what a Medplum 5.0.10 server really answers.
//!
//! The reference semantics ([`crate::policy`]) says what a policy should mean. This module says
//! what one server makes of it. That server evaluates the same criteria twice, and the two
//! evaluations disagree: [`memory`] looks at a copy of the resource (cached reads, checks before and
//! after a write, field rules), [`sql`] at the columns that were written when the resource was
//! stored (search, and every read that misses the cache). [`Server`] puts them together, request by
//! request, departures from the documentation included.
//!
//! An answer that the rules here cannot know is [`Answer::Unknown`], with the reason; it is never
//! guessed.
//!
//! | file | one concept |
//! |---|---|
//! | [`version`] | the versions of the server, and what differs between them |
//! | [`accept`] | which policies a strict project stores |
//! | [`policy`] | membership and policies become one list of entries, by replacing text in JSON |
//! | [`smart`] | the scopes of a sign-in narrow the entries |
//! | [`parameters`] | the search parameters of a version |
//! | [`parse`] | a criteria string becomes filters |
//! | [`memory`] | filters on a resource |
//! | [`sql`] | filters on columns, with errors |
//! | [`gate`] | which entries concern a request |
//! | [`fields`] | hidden and read-only fields |
//! | [`compartments`] | `meta.accounts` and `meta.compartment` |
//! | [`constraint`] | `writeConstraint` |
//! | [`patch`] | JSON Patch |
//! | [`validate`] | the structural checks that a write meets |
//! | [`Operation`] | what may be asked |
//! | [`Reply`] | what is answered |
//! | [`decide`] | the answer to a request |
//! | [`probe`] | filters one by one, to say where two evaluations part |
//! | [`replay`] | recorded answers against predicted ones |

pub mod accept;
pub mod compartments;
pub mod constraint;
mod datetime;
pub mod decide;
mod extract;
pub mod fields;
pub mod gate;
pub mod memory;
mod operation;
pub mod parameters;
pub mod parse;
pub mod patch;
pub mod policy;
pub mod probe;
pub mod replay;
mod reply;
pub mod smart;
pub mod sql;
mod stored;
mod substitute;
pub mod validate;
pub mod version;
mod world;

pub use decide::Server;
pub use operation::{Operation, ResourceVersion};
pub use policy::{AccessPolicy, Entry, NoPolicy};
pub use reply::{Answer, Reply};
pub use version::{Features, UnknownVersion, Version};
pub use world::{Stored, World};
