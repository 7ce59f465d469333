//! Actors: their profile resources, logins, memberships and tokens, made for one scenario, or found
//! in a file, and removed again.

mod casting;
mod file;
mod identity;
mod login;
mod masked;
mod naming;
mod project;
mod secret;
mod session;
mod settle;
mod sweep;
mod trash;

pub use casting::Uncast;
pub use file::{
    ActorEntry, ActorsFile, AuthEntry, BackendEntry, ClientEntry, PasswordEntry, ServerEntry,
    StaticActor, StaticAuth, Surroundings, servers,
};
pub use identity::{NotThem, is_them};
pub use project::{Project, SetupError};
pub use secret::SecretSource;
pub(crate) use session::Granted;
pub use session::Session;
pub(crate) use settle::indexed;
pub use sweep::{Left, Sweep, Swept};
pub use trash::{CLEANUP_PATIENCE, Trash};
