//! What several tests share.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test uses a part of it; a test that cannot set up its case fails"
)]

pub mod generate;
