//! AccessPolicies: documents, assembly for a member, decisions.
//!
//! Text becomes [`PolicyDocument`]s with places; a [`Membership`] turns them into a [`Policy`],
//! which is compiled and only answers questions. The reference semantics (policy-semantics R)
//! decides: grants add up, order matters for field rules alone, and what is broken grants nothing.

pub mod assemble;
pub mod compiled;
mod constraint;
pub mod decide;
pub mod document;
pub mod explain;
pub mod fields;
mod index;
pub mod interaction;
pub mod membership;
pub mod text;

pub use assemble::{Assembled, Options, assemble};
pub use compiled::{Entry, Origin, Policy};
pub use decide::{Decision, Reason, Request, Side, Verdict};
pub use document::{EntryDocument, PolicyDocument};
pub use explain::Explanation;
pub use interaction::{Interaction, Interactions};
pub use membership::{Access, Membership, Parameter, ParameterValue};
pub use text::TextDecider;
