//! Policies and memberships as rules see them: what is written, and where.
//!
//! Unlike [`PolicyDocument`](crate::policy::PolicyDocument) nothing is judged here: an unknown
//! interaction, a broken criteria or a misspelt field are read as they stand.

mod entry;
mod filter;
mod membership;
mod policy;
mod text;

pub use entry::{EntryView, FieldView};
pub use filter::{CriteriaView, FilterSubject, FilterView};
pub use membership::{AccessView, MembershipView, ParameterView};
pub use policy::PolicyView;
pub use text::{Node, TextView};
