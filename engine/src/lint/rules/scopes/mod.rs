//! Rules about SMART scopes.

use crate::lint::rule::Rule;

mod scopes_beside_interactions;

pub(super) static RULES: [&Rule; 1] = [&scopes_beside_interactions::RULE];
