//! What must hold for every text, whatever is in it. One module a target.

pub mod criteria;
pub mod membership;
pub mod policy;
pub mod resource;
pub mod scopes;
pub mod text;
pub mod threads;
pub mod vectors;

mod samples;
