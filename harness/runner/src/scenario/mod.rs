//! The scenario language: YAML files become a checked plan.
//!
//! Reading never stops at the first mistake: every error of every file is reported, each with its
//! place, what is allowed there and, where a name was mistyped, the name that was probably meant.

mod body;
mod check;
mod declared;
mod expectation;
mod files;
mod format;
mod grants;
mod json_patch;
mod needed;
mod node;
mod page;
mod parse;
mod parse_actor;
mod parse_expect;
mod parse_several;
mod parse_step;
mod parse_verb;
mod path;
mod plan;
mod read;
mod schema;
mod sharing;
mod starter;
mod states;
mod step;
mod suite;
mod template;
mod types;
mod vocabulary;

pub use expectation::{
    Assertion, Claim, Count, Expect, ExpectedStatus, HeaderClaim, HeaderValue, Winners,
};
pub use files::{Files, is_state};
pub use format::{FormatError, format};
pub(crate) use node::{Kind, Node};
pub use page::page;
pub use path::Path;
pub(crate) use plan::in_file_name;
pub use plan::{Access, Actor, ProfileType, Scenario, Sink, SinkKind};
pub use schema::schema;
pub use starter::{Starter, starter};
pub use step::{Action, Capture, Content, Delivery, Entry, Extras, Patience, Payload, Racer, Step};
pub(crate) use suite::plural;
pub use suite::{LoadError, PolicyFile, SnapshotFile, Suite};
pub(crate) use template::fill_value;
pub use template::{Field, Part, Reference, Template};

/// The name of the project admin, an actor of every scenario and never a row of a matrix.
pub const ADMIN: &str = "admin";

/// The name of somebody without a login, an actor of every scenario and never a row of a matrix.
pub const ANONYMOUS: &str = "anonymous";

/// Who does what no actor does, in reports: waiting for what the server sends.
pub const HARNESS: &str = "harness";

/// The name under which a snapshot keeps what everybody sees before the first step.
pub const GIVEN: &str = "given";
