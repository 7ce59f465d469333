//! The server over real HTTP on the loopback, as its clients see it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed; the words it fails with are these"
)]

mod access;
mod accounts;
mod auth;
mod author;
mod authorize;
mod batch;
mod binary;
mod bots;
mod bundles;
mod capability;
mod conditional;
mod constraints;
mod cors;
mod errors;
mod fields;
mod history;
mod invite;
mod lifecycle;
mod login;
mod on_behalf;
mod patch;
mod projects;
mod references;
mod rest;
mod scopes;
mod search;
mod search_access;
mod search_results;
mod shape;
mod sink;
mod subscriptions;
mod support;
mod transaction;
mod validate;
mod websocket;
