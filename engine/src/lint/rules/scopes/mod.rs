//! Rules about SMART scopes.

use crate::lint::rule::Rule;

mod scopes_beside_interactions;

pub(super) static RULES: &[&Rule] = &[&scopes_beside_interactions::RULE];
