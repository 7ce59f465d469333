//! Actors: their profile resources, logins, memberships and tokens, made for one scenario.

mod project;
mod session;

pub use project::{CLEANUP_PATIENCE, Project, SetupError, Trash};
pub(crate) use session::Granted;
pub use session::Session;
