//! The scenario language: YAML files become a checked plan.
//!
//! Reading never stops at the first mistake: every error of every file is reported, each with its
//! place, what is allowed there and, where a name was mistyped, the name that was probably meant.

mod body;
mod check;
mod grants;
mod node;
mod parse;
mod parse_actor;
mod parse_expect;
mod parse_step;
mod plan;
mod read;
mod suite;
mod template;
mod types;

pub(crate) use node::{Kind, Node};
pub use plan::{
    Access, Action, Actor, Assertion, Claim, Expect, ExpectedStatus, ProfileType, Scenario, Step,
};
pub(crate) use suite::plural;
pub use suite::{Files, LoadError, PolicyFile, SnapshotFile, Suite};
pub(crate) use template::fill_value;
pub use template::{Field, Part, Reference, Template};

/// The name of the project admin, an actor of every scenario and never a row of a matrix.
pub const ADMIN: &str = "admin";

/// The name under which a snapshot keeps what everybody sees before the first step.
pub const GIVEN: &str = "given";
