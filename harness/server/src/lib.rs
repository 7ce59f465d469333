//! The embedded FHIR R4 server: in memory or in a data folder, on the loopback, enforcing
//! AccessPolicies.
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
//! | `/oauth2/token` | client credentials, a code with PKCE or a refresh token for a bearer token; Basic works on every request as well |
//! | `/oauth2/authorize` | the code flow, with a page to sign in on |
//! | `/oauth2/logout`, `/oauth2/userinfo` | the end of a sign-in; who signed in |
//! | `/auth/login`, `/auth/profile`, `/auth/method`, `/auth/changepassword` | a password for a code, as Medplum's client asks |
//! | `/auth/me` | who the token stands for |
//! | `/admin/projects/{project}/invite`, `…/client`, `…/bot` | makes a person, a client with a secret, or a bot, and the ProjectMembership |
//! | `/admin/projects/{project}`, `…/members/{membership}` | who is in the project |
//! | `/fhir/R4/Project/$init` | makes a fresh project |
//! | `/.well-known/openid-configuration`, `…/smart-configuration` | where all that is |
//! | `/healthcheck` | 200 while it serves |
//!
//! AccessPolicy, ProjectMembership, ClientApplication and Project are resources like all others;
//! an edit of them is effective on the next request.
//!
//! A removed or inactive ProjectMembership, a deleted User or client and a logout end access with
//! the next request, whatever tokens there are. With `X-Medplum-On-Behalf-Of` an administrator of
//! the project does what a member of it may.
//!
//! # Projects
//!
//! Each resource belongs to the project of who wrote it. Nobody sees or writes those of another
//! one, on any path; there is no administrator over all of them.
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
//! # Writes
//!
//! Every write decides and stores inside one transaction, so of conditional creates that come at
//! the same time one makes the resource. A batch is so many writes, a transaction is one. What is
//! stored has been validated; how strictly says [`Validation`], or `strictMode` of the Project.
//!
//! # Not offered
//!
//! XML, FHIRPath Patch, operations but `$validate`, asynchronous requests. Each is refused with a
//! reason; nothing that was asked for is quietly left out. Row by row: `docs/server.md`.
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
mod binary;
mod bot;
mod capability;
mod config;
mod founding;
mod http;
mod lost;
mod messaging;
mod project;
mod rest;
mod running;
mod search;
mod seed;
mod signing;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the feed and the lists of records are for subscriptions and sign-ins"
    )
)]
mod store;
mod subscription;

pub use auth::settings::{Origins, PasswordCost, SignIn};
pub use config::{Config, Credentials, Limits, Messaging, RandomError, Validation};
pub use running::{Running, ServeError, StartError, start};
pub use secrecy::SecretString;
pub use seed::{Seed, SeedFault};
pub use store::DataError;
