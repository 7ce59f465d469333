//! The embedded FHIR R4 server: in memory, on the loopback, enforcing AccessPolicies.
//!
//! It exists so that scenarios, front ends and other people's tests can run against a server whose
//! access decisions are those of [`fhirward_engine`]: every one of them is made by a compiled
//! policy, none by this crate. What an actor may not see answers exactly as what does not exist.
//!
//! # Paths
//!
//! | path | what |
//! |---|---|
//! | `/fhir/R4/` | the FHIR base |
//! | `/oauth2/token` | client credentials for a bearer token; Basic works on every request as well |
//! | `/auth/me` | who the token stands for |
//! | `/admin/projects/{project}/client` | makes a client with a secret, and its ProjectMembership |
//! | `/healthcheck` | 200 while it serves |
//!
//! AccessPolicy, ProjectMembership, ClientApplication and Project are resources like all others;
//! an edit of them is effective on the next request.
//!
//! # Denials
//!
//! 403 for a type that the policy never grants for the interaction, and for a visible resource
//! that may not be written; 404 for a hidden one, byte for byte the same as for one that does not
//! exist; 410 for a deleted one whose last version the actor could read, 404 for the others.
//!
//! # Search
//!
//! Every parameter that is not understood is an error, not a filter left out: an unknown name, a
//! modifier other than `:not` and `:missing`, a chain, `_has`. Resources without a value are last
//! in ascending order and first in descending; ties stand in the order of creation. A page starts
//! behind the last resource of the page before it, so writes in between neither repeat nor skip
//! others. Includes add only what the actor could find by a search of its own.
//!
//! # Not offered
//!
//! Batch, transaction, conditional interactions, conditional references, operations, create by
//! `PUT`, XML. Each is refused with a reason; nothing that was asked for is quietly left out.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use fhirward_server::{Config, Credentials, start};
//!
//! let running = start(Config::new(Credentials::random()?)).await?;
//! println!("FHIR base: {}fhir/R4/", running.base_url);
//! running.stop().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod admin;
mod app;
mod auth;
mod capability;
mod config;
mod http;
mod rest;
mod running;
mod search;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the feed and the lists of records are for subscriptions and sign-ins"
    )
)]
mod store;

pub use config::{Config, Credentials, Limits, RandomError};
pub use running::{Running, ServeError, StartError, start};
pub use secrecy::SecretString;
pub use store::DataError;
