//! How people sign in: what the configuration says about it.

use std::time::Duration;

/// How people sign in, and from which pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// What comparing a password costs.
    pub password_cost: PasswordCost,
    /// The attempts to sign in to one account within [`SignIn::attempts_per`]. More are refused,
    /// the right password among them, whether or not there is such an account.
    pub attempts: u32,
    /// The time that [`SignIn::attempts`] are counted for.
    pub attempts_per: Duration,
    /// How long somebody stays signed in who asks for it (`offline_access`): the refresh tokens
    /// of one sign-in end together.
    pub refresh_lifetime: Duration,
    /// The pages that may use the server from a browser.
    pub origins: Origins,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            password_cost: PasswordCost::default(),
            attempts: 10,
            attempts_per: Duration::from_secs(60),
            refresh_lifetime: Duration::from_secs(14 * 24 * 3600),
            origins: Origins::default(),
        }
    }
}

/// What it costs to compare a password with its Argon2id hash (RFC 9106). It is written into each
/// hash: those that are there keep theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB, at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes of the memory.
    pub lanes: u32,
}

impl Default for PasswordCost {
    /// What OWASP's Password Storage Cheat Sheet recommends at least.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl PasswordCost {
    /// The least that Argon2 can do with. It protects nothing: for tests of what goes on around
    /// the password.
    #[must_use]
    pub fn least() -> Self {
        Self {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        }
    }
}

/// The pages that may use the server from a browser (CORS).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origins {
    /// Every page. Nothing but the token of a request gives access to anything, and a browser
    /// adds none by itself: there are no cookies.
    #[default]
    Any,
    /// The pages of these origins, such as `http://localhost:3000`.
    Only(Vec<String>),
}
