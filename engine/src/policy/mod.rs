//! AccessPolicies: documents, assembly for a member, decisions.
//!
//! Text becomes [`PolicyDocument`]s with places; a [`Membership`] turns them into a [`Policy`],
//! which is compiled and only answers questions. The reference semantics (policy-semantics R)
//! decides: grants add up, order matters for field rules alone, and what is broken grants nothing.
//!
//! | question | asked by |
//! |---|---|
//! | may this be done? | [`Policy::decide`], [`Policy::explain`]; of a Binary [`Policy::decide_with`] |
//! | by a search instead of an id? | [`Policy::decide_conditional`] |
//! | several at once? | [`Policy::decide_batch`], [`Policy::decide_transaction`] |
//! | what of these may be seen? | [`Policy::filter_many`], [`Policy::mask`] |
//! | may this be searched, followed? | [`Policy::may_search`], [`Policy::may_include`] |
//! | what would be stored? | [`Policy::written`], [`Policy::merge_write`], [`Policy::account`] |
//! | may they sign in from there? | [`Policy::admits`] |
//! | with this token? | [`Policy::within`] its [`Scopes`] |
//! | and what is in it, from where? | [`Policy::resolved`] |

mod admin;
pub mod assemble;
pub mod binary;
pub mod compiled;
pub mod conditional;
mod constraint;
pub mod decide;
pub mod document;
pub mod explain;
pub mod fields;
mod index;
pub mod interaction;
pub mod ip;
mod kinds;
mod limit;
pub mod lookup;
pub mod membership;
pub mod origin;
pub mod resolved;
pub mod scopes;
mod several;
pub mod text;
mod variables;
mod write;

pub use assemble::{Assembled, Options, assemble};
pub use compiled::{Entry, Policy};
pub use conditional::{Conditional, ConditionalDecision, Match};
pub use decide::{Decision, Reason, Request, Side, Verdict};
pub use document::{EntryDocument, PolicyDocument};
pub use explain::Explanation;
pub use interaction::{Interaction, Interactions};
pub use ip::{IpAction, IpDecision, IpRule};
pub use lookup::SearchRefusal;
pub use membership::{Access, Membership, Parameter, ParameterValue};
pub use origin::{AccessOrigin, Origin};
pub use resolved::Resolved;
pub use scopes::{Meaning, ResourceScope, Scope, ScopeContext, Scopes};
pub use text::TextDecider;
pub use write::Written;
